//! Certificates of people on hardware keys and smart cards: the chain to an approved authority, and signatures by the
//! leaf.

use ring::signature::{self, VerificationAlgorithm};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsage;

use crate::mfa::error::Error;
use crate::x509::{self, Certificate, EC_KEY, ED25519, Extensions, P256, P384, RSA_KEY};

/// The leaf and those that vouch for it, the approved authority not counted.
pub const MAX_CHAIN: usize = 5;

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

fn refused(why: &'static str) -> Error {
    Error::Certificate(why)
}

impl From<x509::Refused> for Error {
    fn from(refused: x509::Refused) -> Self {
        Self::Certificate(refused.why())
    }
}

/// What an authority's own certificate must be to be approved.
pub fn check_authority(der: &[u8]) -> Result<(), Error> {
    Ok(Extensions::read(&x509::parse(der)?)?.check_issuer(0)?)
}

fn check_leaf(extensions: &Extensions) -> Result<(), Error> {
    if !extensions.usage.as_ref().is_some_and(KeyUsage::digital_signature) {
        return Err(refused("its key is not for signatures"));
    }
    if !extensions.purposes.as_ref().is_some_and(|purposes| purposes.0.contains(&CLIENT_AUTH)) {
        return Err(refused("it is not for the authentication of clients"));
    }
    if extensions.is_authority() {
        return Err(refused("it belongs to an authority, not to a person"));
    }
    Ok(())
}

/// The chain leads from the leaf (first) to one of the approved authorities, at this time.
pub fn check_chain(chain: &[Vec<u8>], authorities: &[Vec<u8>], now: u64) -> Result<(), Error> {
    if chain.is_empty() || chain.len() > MAX_CHAIN {
        return Err(refused("a chain has from 1 to 5 certificates"));
    }
    let parsed: Vec<Certificate> = chain.iter().map(|der| x509::parse(der)).collect::<Result<_, _>>()?;
    for (at, certificate) in parsed.iter().enumerate() {
        x509::check_time(certificate, now)?;
        let extensions = Extensions::read(certificate)?;
        match at.checked_sub(1) {
            None => check_leaf(&extensions)?,
            Some(below) => extensions.check_issuer(below)?,
        }
    }
    for pair in parsed.windows(2) {
        let [lower, upper] = pair else { continue };
        x509::check_named(lower, upper)?;
        x509::check_signed(lower, upper)?;
    }
    let last = parsed.last().ok_or_else(|| refused("a chain has from 1 to 5 certificates"))?;
    check_anchor(last, parsed.len().saturating_sub(1), authorities, now)
}

/// An approved authority signed the last certificate of the chain.
fn check_anchor(last: &Certificate, below: usize, authorities: &[Vec<u8>], now: u64) -> Result<(), Error> {
    for der in authorities {
        let authority = x509::parse(der)?;
        if x509::check_named(last, &authority).is_err() || x509::check_signed(last, &authority).is_err() {
            continue;
        }
        x509::check_time(&authority, now)?;
        return Ok(Extensions::read(&authority)?.check_issuer(below)?);
    }
    Err(refused("no approved authority signed it"))
}

/// The leaf's key signed this.
pub fn verify_leaf(leaf: &[u8], message: &[u8], given: &[u8]) -> Result<(), Error> {
    let certificate = x509::parse(leaf)?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let algorithm: &'static dyn VerificationAlgorithm = match (info.algorithm.oid, x509::curve(info)) {
        (EC_KEY, Some(P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC_KEY, Some(P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (RSA_KEY, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (ED25519, _) => &signature::ED25519,
        _ => return Err(refused("its key is of a kind that is not taken")),
    };
    Ok(x509::verify(&certificate, algorithm, message, given)?)
}

#[cfg(test)]
#[path = "../tests/certificate.rs"]
mod tests;
