//! SGX DCAP quotes of version 3 (Intel "ECDSA Quote Library API", appendix A.4).

use data_encoding::HEXUPPER_PERMISSIVE;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use ve_proto::ve::enclave::v1::Collateral;
use x509_cert::der::asn1::ObjectIdentifier;

use super::tcb::{self, QeIdentity, TcbInfo};
use super::{Policy, Proven, Refused, chain, field};
use crate::x509::{self, Certificate};

/// Header and enclave report: what the attestation key signs.
const SIGNED: usize = 432;
const REPORT: usize = 384;
const DEBUG: u8 = 0x02;
const PCK_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");
/// Content of the object identifiers below the PCK extension.
const SGX: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];
const COMPONENTS: usize = 16;

/// The parts of a quote behind what it signs.
struct Parts<'a> {
    signed: &'a [u8],
    signature: [u8; 64],
    attestation_key: [u8; 64],
    qe_report: [u8; REPORT],
    qe_signature: [u8; 64],
    qe_auth: &'a [u8],
    chain: &'a [u8],
}

fn length(bytes: &[u8], at: usize) -> Result<usize, Refused> {
    let length = u32::from_le_bytes(field(bytes, at)?);
    usize::try_from(length).map_err(|_| Refused::Malformed("a length is too large"))
}

fn split(quote: &[u8]) -> Result<Parts<'_>, Refused> {
    if u16::from_le_bytes(field(quote, 0)?) != 3 || u16::from_le_bytes(field(quote, 2)?) != 2 {
        return Err(Refused::Malformed("it is not of version 3 with a P-256 key"));
    }
    let short = || Refused::Malformed("it is cut short");
    let signed = quote.get(..SIGNED).ok_or_else(short)?;
    let auth = quote.get(SIGNED.saturating_add(4)..).ok_or_else(short)?;
    if auth.len() != length(quote, SIGNED)? {
        return Err(Refused::Malformed("its length is wrong"));
    }
    let qe_auth_length = usize::from(u16::from_le_bytes(field(auth, 576)?));
    let behind = auth.get(578..).ok_or_else(short)?;
    let (qe_auth, certification) = behind.split_at_checked(qe_auth_length).ok_or_else(short)?;
    let chain = certification.get(6..).ok_or_else(short)?;
    if u16::from_le_bytes(field(certification, 0)?) != 5 || length(certification, 2)? != chain.len() {
        return Err(Refused::Malformed("it does not carry the chain of its platform"));
    }
    Ok(Parts {
        signed,
        signature: field(auth, 0)?,
        attestation_key: field(auth, 64)?,
        qe_report: field(auth, 128)?,
        qe_signature: field(auth, 512)?,
        qe_auth,
        chain,
    })
}

pub fn verify(quote: &[u8], collateral: &Collateral, now: u64, policy: &Policy) -> Result<Proven, Refused> {
    let parts = split(quote)?;
    let report = parts.signed.get(48..).ok_or(Refused::Malformed("it is cut short"))?;
    if field::<1>(report, 48)?[0] & DEBUG != 0 {
        return Err(Refused::Debug);
    }
    let key = Sha256::new_with_prefix(parts.attestation_key).chain_update(parts.qe_auth).finalize();
    if parts.qe_report.get(320..) != Some([key.as_slice(), &[0; 32]].concat().as_slice()) {
        return Err(Refused::AttestationKey);
    }
    let info = TcbInfo::read(&collateral.tcb_info, now)?;
    let identity = QeIdentity::read(&collateral.qe_identity, now)?;
    check_quoting_enclave(&parts.qe_report, &identity, policy)?;
    let platform = chain::parse_pem(parts.chain)?;
    chain::check(&platform, &[policy.intel], now)?;
    let [leaf, intermediate, root] = platform.as_slice() else {
        return Err(Refused::Certificate("a platform's chain has three certificates"));
    };
    let status = platform_status(leaf, &info)?;
    if !policy.statuses.contains(&status) {
        return Err(Refused::PlatformStatus);
    }
    let statements = [x509::parse(&collateral.tcb_signer)?, root.clone()];
    chain::check(&statements, &[policy.intel], now)?;

    check_signatures(&parts, collateral, &platform, &statements)?;
    let [signer, _] = &statements;
    for (list, issuer, certificate) in [
        (&collateral.root_crl, root, intermediate),
        (&collateral.root_crl, root, signer),
        (&collateral.pck_crl, intermediate, leaf),
    ] {
        x509::check_not_revoked(list, issuer, certificate, now)?;
    }
    Ok(Proven {
        measurement: field::<32>(report, 64)?.to_vec(),
        signer: field::<32>(report, 128)?.to_vec(),
        report_data: field(report, 320)?,
        svn: u16::from_le_bytes(field(report, 258)?).into(),
        tcb: vec![info.tcb_evaluation_data_number.min(identity.tcb_evaluation_data_number)],
        status: status.to_owned(),
    })
}

fn check_signatures(
    parts: &Parts<'_>,
    collateral: &Collateral,
    platform: &[Certificate],
    statements: &[Certificate; 2],
) -> Result<(), Refused> {
    let leaf = platform.first().ok_or(Refused::Certificate("the chain is empty"))?;
    let point = [&[4u8][..], &parts.attestation_key].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(parts.signed, &parts.signature).map_err(|_| Refused::Signature)?;
    x509::verify(leaf, &ECDSA_P256_SHA256_FIXED, &parts.qe_report, &parts.qe_signature)
        .map_err(|_| Refused::PlatformSignature)?;
    chain::check_signatures(platform)?;
    chain::check_signatures(statements)?;
    let [signer, _] = statements;
    tcb::check_signed(&collateral.tcb_info, &collateral.tcb_info_signature, signer)?;
    tcb::check_signed(&collateral.qe_identity, &collateral.qe_identity_signature, signer)
}

fn hex(text: &str) -> Result<Vec<u8>, Refused> {
    HEXUPPER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| Refused::Statement("a value is no hexadecimal"))
}

/// The enclave that made the quote is Intel's, and recent.
fn check_quoting_enclave(report: &[u8], identity: &QeIdentity, policy: &Policy) -> Result<(), Refused> {
    let masked = |value: &[u8], mask: &str, expected: &str| -> Result<bool, Refused> {
        let (mask, expected) = (hex(mask)?, hex(expected)?);
        let same = value.iter().zip(&mask).map(|(value, mask)| value & mask).eq(expected.iter().copied());
        Ok(mask.len() == value.len() && same)
    };
    // The number is little-endian in the report and written big-endian in the statement.
    let mut misc = field::<4>(report, 16)?;
    misc.reverse();
    let known = masked(&misc, &identity.miscselect_mask, &identity.miscselect)?
        && masked(&field::<16>(report, 48)?, &identity.attributes_mask, &identity.attributes)?
        && hex(&identity.mrsigner)? == field::<32>(report, 128)?
        && u32::from(u16::from_le_bytes(field(report, 256)?)) == identity.isvprodid;
    if !known {
        return Err(Refused::QuotingEnclave);
    }
    let status = identity.status(u16::from_le_bytes(field(report, 258)?).into())?;
    if policy.statuses.contains(&status) { Ok(()) } else { Err(Refused::QuotingEnclaveStatus) }
}

/// What a platform's certificate says of it.
#[derive(Default)]
struct Platform<'a> {
    components: [u32; COMPONENTS],
    pcesvn: u32,
    family: &'a [u8],
    pce: &'a [u8],
}

impl<'a> Platform<'a> {
    fn read(leaf: &'a Certificate) -> Result<Self, Refused> {
        let mut bytes =
            chain::extension(leaf, PCK_EXTENSION).ok_or(Refused::Certificate("the leaf is no platform's"))?;
        let mut platform = Self::default();
        for (id, value) in entries(sequence(&mut bytes)?)? {
            match id.strip_prefix(&SGX) {
                Some([2]) => platform.read_versions(value)?,
                Some([3]) => platform.pce = value,
                Some([4]) => platform.family = value,
                _ => {}
            }
        }
        Ok(platform)
    }

    fn read_versions(&mut self, list: &[u8]) -> Result<(), Refused> {
        for (id, value) in entries(list)? {
            match id.strip_prefix(&SGX) {
                Some([2, 17]) => self.pcesvn = chain::small(value)?,
                Some([2, at]) => {
                    let slot = at.checked_sub(1).and_then(|at| self.components.get_mut(usize::from(at)));
                    if let Some(slot) = slot {
                        *slot = chain::small(value)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What Intel says about the platform whose certificate this is.
fn platform_status<'a>(leaf: &Certificate, info: &'a TcbInfo) -> Result<&'a str, Refused> {
    let platform = Platform::read(leaf)?;
    if platform.family.is_empty() || hex(&info.fmspc)? != platform.family || hex(&info.pce_id)? != platform.pce {
        return Err(Refused::Platform);
    }
    info.status(&platform.components, platform.pcesvn)
}

fn sequence<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Refused> {
    match chain::element(input)? {
        (0x30, content) => Ok(content),
        _ => Err(Refused::Certificate("an extension is no sequence")),
    }
}

type Entry<'a> = (&'a [u8], &'a [u8]);

/// Identifier and value of each pair in a sequence of pairs; a constructed value is its content.
fn entries(mut list: &[u8]) -> Result<Vec<Entry<'_>>, Refused> {
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut pair = sequence(&mut list)?;
        let (0x06, id) = chain::element(&mut pair)? else {
            return Err(Refused::Certificate("an extension names nothing"));
        };
        found.push((id, chain::element(&mut pair)?.1));
    }
    Ok(found)
}
