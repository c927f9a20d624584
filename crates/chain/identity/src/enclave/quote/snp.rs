//! SEV-SNP attestation reports of Milan and Genoa (AMD publication 56860, table 22; certificates: publication 57230).

use ring::signature::ECDSA_P384_SHA384_FIXED;
use ve_proto::ve::enclave::v1::Collateral;
use x509_cert::der::asn1::ObjectIdentifier;

use super::{Policy, Proven, Refused, chain, field};
use crate::x509::{self, Certificate};

const REPORT: usize = 1184;
/// What the signature covers.
const SIGNED: usize = 0x2A0;
const DEBUG: u64 = 1 << 19;
const REPORTED_TCB: usize = 0x180;
const CHIP_ID: usize = 0x1A0;
const ECDSA_P384_SHA384: u32 = 1;
/// Parts of the reported version, and the extension of the certificate that repeats each: boot loader, TEE, SNP
/// firmware, microcode.
const PARTS: [(usize, ObjectIdentifier); 4] = [
    (0, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1")),
    (1, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2")),
    (6, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3")),
    (7, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8")),
];
const CHIP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
/// Name of the cloud provider that a loaded key (VLEK) was given to, instead of a chip.
const LOADED_FOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");

pub fn verify(report: &[u8], collateral: &Collateral, now: u64, policy: &Policy) -> Result<Proven, Refused> {
    let version = u32::from_le_bytes(field(report, 0)?);
    if report.len() != REPORT || version < 2 || u32::from_le_bytes(field(report, 0x34)?) != ECDSA_P384_SHA384 {
        return Err(Refused::Malformed("it is no report of version 2 or later with a P-384 signature"));
    }
    if u64::from_le_bytes(field(report, 8)?) & DEBUG != 0 {
        return Err(Refused::Debug);
    }
    let given = [&collateral.vek, &collateral.ask, &collateral.ark];
    let certificates: Vec<Certificate> = given.into_iter().map(|der| x509::parse(der)).collect::<Result<_, _>>()?;
    chain::check(&certificates, &policy.amd, now)?;
    let leaf = certificates.first().ok_or(Refused::Certificate("the chain is empty"))?;
    let tcb = platform(leaf, report)?;

    let signed = report.get(..SIGNED).ok_or(Refused::Malformed("it is cut short"))?;
    // 72 bytes little-endian for each half, of which 48 are used.
    let half = |at: usize| -> Result<[u8; 48], Refused> {
        let mut half: [u8; 48] = field(report, at)?;
        half.reverse();
        Ok(half)
    };
    let signature = [half(SIGNED)?, half(SIGNED.saturating_add(72))?].concat();
    x509::verify(leaf, &ECDSA_P384_SHA384_FIXED, signed, &signature).map_err(|_| Refused::Signature)?;
    chain::check_signatures(&certificates)?;
    Ok(Proven {
        measurement: field::<48>(report, 0x90)?.to_vec(),
        signer: field::<48>(report, 0x110)?.to_vec(),
        report_data: field(report, 0x50)?,
        svn: u32::from_le_bytes(field(report, 4)?).into(),
        status: tcb.iter().map(u32::to_string).collect::<Vec<_>>().join("."),
        tcb,
    })
}

/// The certificate is for this chip at the version that the report states; returns the parts of that version.
fn platform(leaf: &Certificate, report: &[u8]) -> Result<Vec<u32>, Refused> {
    let reported: [u8; 8] = field(report, REPORTED_TCB)?;
    let mut tcb = Vec::new();
    for (at, id) in PARTS {
        let mut bytes = chain::extension(leaf, id).ok_or(Refused::Certificate("it states no version"))?;
        let stated = chain::small(chain::element(&mut bytes)?.1)?;
        if reported.get(at).copied().map(u32::from) != Some(stated) {
            return Err(Refused::Platform);
        }
        tcb.push(stated);
    }
    match (chain::extension(leaf, CHIP), chain::extension(leaf, LOADED_FOR)) {
        (Some(chip), _) if chip == field::<64>(report, CHIP_ID)? => Ok(tcb),
        (None, Some(_)) => Ok(tcb),
        _ => Err(Refused::Platform),
    }
}
