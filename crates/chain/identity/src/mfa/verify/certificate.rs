//! Certificates of people on hardware keys and smart cards: the chain to an approved authority, and signatures by the
//! leaf (RFC 5280, the part that such cards use).

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::mfa::error::Error;

pub const MAX_DER: usize = 4096;
/// The leaf and those that vouch for it, the approved authority not counted.
pub const MAX_CHAIN: usize = 5;

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXT_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// Extensions that may be critical: the three above and alternative names.
const UNDERSTOOD: [ObjectIdentifier; 4] =
    [KEY_USAGE, BASIC_CONSTRAINTS, EXT_KEY_USAGE, ObjectIdentifier::new_unwrap("2.5.29.17")];

fn refused(why: &'static str) -> Error {
    Error::Certificate(why)
}

fn parse(der: &[u8]) -> Result<Certificate, Error> {
    if der.len() > MAX_DER {
        return Err(refused("it has more than 4096 bytes"));
    }
    let certificate = Certificate::from_der(der).map_err(|_| refused("it is no DER of X.509"))?;
    let canonical = certificate.to_der().ok().as_deref() == Some(der);
    if !canonical || certificate.tbs_certificate().version() != Version::V3 {
        return Err(refused("it is not of version 3 in the one DER form"));
    }
    Ok(certificate)
}

/// What an authority's own certificate must be to be approved.
pub fn check_authority(der: &[u8]) -> Result<(), Error> {
    check_issuer(&Extensions::read(&parse(der)?)?, 0)
}

struct Extensions {
    usage: Option<KeyUsage>,
    purposes: Option<ExtendedKeyUsage>,
    constraints: Option<BasicConstraints>,
}

impl Extensions {
    fn read(certificate: &Certificate) -> Result<Self, Error> {
        let mut found = Self { usage: None, purposes: None, constraints: None };
        let extensions = certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
        for (at, extension) in extensions.iter().enumerate() {
            let id = extension.extn_id;
            if extensions.iter().take(at).any(|earlier| earlier.extn_id == id) {
                return Err(refused("an extension appears twice"));
            }
            if extension.critical && !UNDERSTOOD.contains(&id) {
                return Err(refused("a critical extension is unknown"));
            }
            let (bytes, malformed) = (extension.extn_value.as_bytes(), |_| refused("an extension is malformed"));
            if id == KEY_USAGE {
                found.usage = Some(KeyUsage::from_der(bytes).map_err(malformed)?);
            } else if id == EXT_KEY_USAGE {
                found.purposes = Some(ExtendedKeyUsage::from_der(bytes).map_err(malformed)?);
            } else if id == BASIC_CONSTRAINTS {
                found.constraints = Some(BasicConstraints::from_der(bytes).map_err(malformed)?);
            }
        }
        Ok(found)
    }
}

fn check_leaf(extensions: &Extensions) -> Result<(), Error> {
    if !extensions.usage.as_ref().is_some_and(KeyUsage::digital_signature) {
        return Err(refused("its key is not for signatures"));
    }
    if !extensions.purposes.as_ref().is_some_and(|purposes| purposes.0.contains(&CLIENT_AUTH)) {
        return Err(refused("it is not for the authentication of clients"));
    }
    if extensions.constraints.as_ref().is_some_and(|constraints| constraints.ca) {
        return Err(refused("it belongs to an authority, not to a person"));
    }
    Ok(())
}

/// `below`: certificates of authorities between this one and the leaf.
fn check_issuer(extensions: &Extensions, below: usize) -> Result<(), Error> {
    let constraints = extensions.constraints.as_ref().filter(|constraints| constraints.ca);
    let constraints = constraints.ok_or_else(|| refused("an issuer is no authority"))?;
    if constraints.path_len_constraint.is_some_and(|most| below > usize::from(most)) {
        return Err(refused("the chain is longer than an issuer allows"));
    }
    if extensions.usage.as_ref().is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(refused("an issuer may not sign certificates"));
    }
    Ok(())
}

fn check_time(certificate: &Certificate, now: u64) -> Result<(), Error> {
    let validity = certificate.tbs_certificate().validity();
    let (from, until) =
        (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs());
    if (from..=until).contains(&now) { Ok(()) } else { Err(refused("it is not valid at the time of the block")) }
}

fn curve(info: &SubjectPublicKeyInfoOwned) -> Option<ObjectIdentifier> {
    info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok())
}

fn key_bytes(info: &SubjectPublicKeyInfoOwned) -> Result<&[u8], Error> {
    info.subject_public_key.as_bytes().ok_or_else(|| refused("a public key is malformed"))
}

fn verify(
    info: &SubjectPublicKeyInfoOwned,
    algorithm: &'static dyn VerificationAlgorithm,
    message: &[u8],
    given: &[u8],
) -> Result<(), Error> {
    let verified = UnparsedPublicKey::new(algorithm, key_bytes(info)?).verify(message, given);
    verified.map_err(|_| refused("a signature does not fit"))
}

/// `issuer` signed `certificate`.
fn check_signed(certificate: &Certificate, issuer: &SubjectPublicKeyInfoOwned) -> Result<(), Error> {
    let signed = certificate.signature_algorithm();
    if certificate.tbs_certificate().signature() != signed {
        return Err(refused("its two signature algorithms differ"));
    }
    let algorithm: &'static dyn VerificationAlgorithm = match (issuer.algorithm.oid, signed.oid, curve(issuer)) {
        (EC_KEY, ECDSA_SHA256, Some(P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC_KEY, ECDSA_SHA384, Some(P256)) => &signature::ECDSA_P256_SHA384_ASN1,
        (EC_KEY, ECDSA_SHA256, Some(P384)) => &signature::ECDSA_P384_SHA256_ASN1,
        (EC_KEY, ECDSA_SHA384, Some(P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (RSA_KEY, RSA_SHA256, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (RSA_KEY, RSA_SHA384, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (RSA_KEY, RSA_SHA512, _) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (ED25519, ED25519, _) => &signature::ED25519,
        _ => return Err(refused("a signature is by an algorithm that is not taken")),
    };
    let message = certificate.tbs_certificate().to_der().map_err(|_| refused("its body does not encode"))?;
    let given = certificate.signature().as_bytes().ok_or_else(|| refused("a signature is malformed"))?;
    verify(issuer, algorithm, &message, given)
}

/// The chain leads from the leaf (first) to one of the approved authorities, at this time.
pub fn check_chain(chain: &[Vec<u8>], authorities: &[Vec<u8>], now: u64) -> Result<(), Error> {
    if chain.is_empty() || chain.len() > MAX_CHAIN {
        return Err(refused("a chain has from 1 to 5 certificates"));
    }
    let parsed: Vec<Certificate> = chain.iter().map(|der| parse(der)).collect::<Result<_, _>>()?;
    for (at, certificate) in parsed.iter().enumerate() {
        check_time(certificate, now)?;
        let extensions = Extensions::read(certificate)?;
        match at.checked_sub(1) {
            None => check_leaf(&extensions)?,
            Some(below) => check_issuer(&extensions, below)?,
        }
    }
    for pair in parsed.windows(2) {
        let [lower, upper] = pair else { continue };
        let (lower_body, upper_body) = (lower.tbs_certificate(), upper.tbs_certificate());
        if lower_body.issuer() != upper_body.subject() {
            return Err(refused("the chain is broken"));
        }
        check_signed(lower, upper_body.subject_public_key_info())?;
    }
    let last = parsed.last().ok_or_else(|| refused("a chain has from 1 to 5 certificates"))?;
    check_anchor(last, parsed.len().saturating_sub(1), authorities, now)
}

/// An approved authority signed the last certificate of the chain.
fn check_anchor(last: &Certificate, below: usize, authorities: &[Vec<u8>], now: u64) -> Result<(), Error> {
    for der in authorities {
        let authority = parse(der)?;
        let body = authority.tbs_certificate();
        if body.subject() != last.tbs_certificate().issuer()
            || check_signed(last, body.subject_public_key_info()).is_err()
        {
            continue;
        }
        check_time(&authority, now)?;
        return check_issuer(&Extensions::read(&authority)?, below);
    }
    Err(refused("no approved authority signed it"))
}

/// The leaf's key signed this.
pub fn verify_leaf(leaf: &[u8], message: &[u8], given: &[u8]) -> Result<(), Error> {
    let certificate = parse(leaf)?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let algorithm: &'static dyn VerificationAlgorithm = match (info.algorithm.oid, curve(info)) {
        (EC_KEY, Some(P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC_KEY, Some(P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (RSA_KEY, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (ED25519, _) => &signature::ED25519,
        _ => return Err(refused("its key is of a kind that is not taken")),
    };
    verify(info, algorithm, message, given)
}

#[cfg(test)]
#[path = "../tests/certificate.rs"]
mod tests;
