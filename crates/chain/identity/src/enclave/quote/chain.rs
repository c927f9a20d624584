//! Chains that end at a pinned root.

use sha2::{Digest, Sha256};
use x509_cert::der::Encode;
use x509_cert::der::asn1::ObjectIdentifier;

use super::Refused;
use crate::x509::{self, Certificate, Extensions};

/// Certificates of one chain, leaf and root included. The dearest kind of quote has 5.
pub const MAX_CHAIN: usize = 5;
const MAX_PEM: usize = MAX_CHAIN * 2 * x509::MAX_DER;

/// The certificates of a PEM text, the leaf first.
pub fn parse_pem(text: &[u8]) -> Result<Vec<Certificate>, Refused> {
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    if text.len() > MAX_PEM {
        return Err(Refused::Certificate("the chain is too long"));
    }
    let chain = Certificate::load_pem_chain(text);
    chain.map_err(|_| Refused::Certificate("the chain is no PEM of X.509"))
}

/// The chain leads from the leaf (first) to one of these roots (last); all are valid now, and all but the leaf are
/// authorities. Signatures are left to [`check_signatures`].
pub fn check(chain: &[Certificate], roots: &[[u8; 32]], now: u64) -> Result<(), Refused> {
    if chain.len() < 2 || chain.len() > MAX_CHAIN {
        return Err(Refused::Certificate("a chain has from 2 to 5 certificates"));
    }
    let root = chain.last().ok_or(Refused::Root)?;
    let der = root.to_der().map_err(|_| Refused::Certificate("the root does not encode"))?;
    if !roots.contains(&Sha256::digest(der).into()) {
        return Err(Refused::Root);
    }
    for (at, certificate) in chain.iter().enumerate() {
        x509::check_time(certificate, now)?;
        let extensions = Extensions::read(certificate)?;
        match at.checked_sub(1) {
            None if extensions.is_authority() => {
                return Err(Refused::Certificate("the leaf belongs to an authority, not to hardware"));
            }
            None => {}
            Some(below) => extensions.check_issuer(below)?,
        }
    }
    for pair in chain.windows(2) {
        if let [lower, upper] = pair {
            x509::check_named(lower, upper)?;
        }
    }
    Ok(())
}

/// Each certificate signed the one before it. The root needs no signature: it is pinned.
pub fn check_signatures(chain: &[Certificate]) -> Result<(), Refused> {
    for pair in chain.windows(2) {
        if let [lower, upper] = pair {
            x509::check_signed(lower, upper)?;
        }
    }
    Ok(())
}

/// Value of an extension.
pub fn extension(certificate: &Certificate, id: ObjectIdentifier) -> Option<&[u8]> {
    let extensions = certificate.tbs_certificate().extensions()?;
    extensions.iter().find(|extension| extension.extn_id == id).map(|extension| extension.extn_value.as_bytes())
}

/// One element of DER: its tag and content; the rest stays in `input`.
pub fn element<'a>(input: &mut &'a [u8]) -> Result<(u8, &'a [u8]), Refused> {
    let short = || Refused::Certificate("an extension is cut short");
    let (tag, rest) = input.split_first().ok_or_else(short)?;
    let (first, rest) = rest.split_first().ok_or_else(short)?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest)).ok_or_else(short)?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return Err(Refused::Certificate("an extension is longer than any is")),
    };
    let (content, rest) = rest.split_at_checked(length).ok_or_else(short)?;
    *input = rest;
    Ok((*tag, content))
}

/// A small number from the content of an INTEGER.
pub fn small(content: &[u8]) -> Result<u32, Refused> {
    let content = content.strip_prefix(&[0]).unwrap_or(content);
    if content.len() > 4 {
        return Err(Refused::Certificate("a number in an extension is too large"));
    }
    Ok(content.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte)))
}
