//! The certificate rules of marketplace spec section 2, checked from the bytes alone: no clock, no network.

use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::Name;

use super::error::Error;

pub const MAX_DER: usize = 4096;
/// Longest validity in seconds: 365 days.
pub const MAX_VALIDITY: u64 = 365 * 86_400;
const MAX_SERIAL_BYTES: usize = 16;

const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const EXT_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// Extensions that may be critical: key usage, basic constraints, and the two above.
const UNDERSTOOD: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    EXT_KEY_USAGE,
    SUBJECT_ALT_NAME,
];

/// What the chain keeps of a certificate that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Lower-case hex without leading zeros.
    pub serial: String,
    /// DER of the SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// Seconds since 1970.
    pub not_before: u64,
    pub not_after: u64,
}

fn refused(why: impl Into<String>) -> Error {
    Error::Invalid(why.into())
}

/// Checks a self-signed certificate of `owner` (its address text).
pub fn check(der: &[u8], owner: &str) -> Result<Checked, Error> {
    if der.len() > MAX_DER {
        return Err(refused(format!("{} bytes; at most {MAX_DER}", der.len())));
    }
    let certificate = Certificate::from_der(der).map_err(|_| refused("not the DER of an X.509 certificate"))?;
    // One certificate, one encoding: what is stored is what TLS peers compare.
    if certificate.to_der().ok().as_deref() != Some(der) {
        return Err(refused("not in the one DER form"));
    }
    let body = certificate.tbs_certificate();
    if body.version() != Version::V3 {
        return Err(refused("not version 3"));
    }
    for (role, name) in [("subject", body.subject()), ("issuer", body.issuer())] {
        if common_name(name).as_deref() != Some(owner) {
            return Err(refused(format!("its {role} must be exactly CN={owner}")));
        }
    }
    check_extensions(&certificate)?;
    let not_before = body.validity().not_before.to_unix_duration().as_secs();
    let not_after = body.validity().not_after.to_unix_duration().as_secs();
    if not_after <= not_before || not_after.saturating_sub(not_before) > MAX_VALIDITY {
        return Err(refused("it must be valid for more than 0 and at most 365 days"));
    }
    check_signature(&certificate)?;
    let public_key = body.subject_public_key_info().to_der().map_err(|_| refused("its public key does not encode"))?;
    Ok(Checked { serial: serial(body.serial_number().as_bytes())?, public_key, not_before, not_after })
}

/// Positive, at most 128 bits.
fn serial(bytes: &[u8]) -> Result<String, Error> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if negative || digits.is_empty() || digits.len() > MAX_SERIAL_BYTES {
        return Err(refused("its serial number must be positive and of at most 128 bits"));
    }
    let hex: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex.trim_start_matches('0').to_owned())
}

/// The text of a name that consists of one common name.
fn common_name(name: &Name) -> Option<String> {
    let mut attributes = name.iter();
    let only = attributes.next()?;
    if attributes.next().is_some() || only.oid != COMMON_NAME {
        return None;
    }
    match only.value.tag() {
        Tag::Utf8String => only.value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => {
            only.value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned())
        }
        _ => None,
    }
}

fn check_extensions(certificate: &Certificate) -> Result<(), Error> {
    let body = certificate.tbs_certificate();
    let extensions = body.extensions().map(Vec::as_slice).unwrap_or_default();
    let (mut usages, mut names) = (None, None);
    for (index, extension) in extensions.iter().enumerate() {
        let id = extension.extn_id;
        if extensions.iter().take(index).any(|earlier| earlier.extn_id == id) {
            return Err(refused(format!("extension {id} appears twice")));
        }
        if extension.critical && !UNDERSTOOD.contains(&id) {
            return Err(refused(format!("critical extension {id} is unknown")));
        }
        let bytes = extension.extn_value.as_bytes();
        if id == EXT_KEY_USAGE {
            usages =
                Some(ExtendedKeyUsage::from_der(bytes).map_err(|_| refused("its extended key usage is malformed"))?);
        } else if id == SUBJECT_ALT_NAME {
            names = Some(SubjectAltName::from_der(bytes).map_err(|_| refused("its alternative names are malformed"))?);
        }
    }
    let usages = usages.ok_or_else(|| refused("it needs the extended key usage clientAuth or serverAuth"))?.0;
    if usages.is_empty() || usages.iter().any(|usage| *usage != CLIENT_AUTH && *usage != SERVER_AUTH) {
        return Err(refused("its extended key usage may be clientAuth and serverAuth only"));
    }
    if usages.contains(&SERVER_AUTH) && names.is_none_or(|names| names.0.is_empty()) {
        return Err(refused("a server's certificate needs an alternative name"));
    }
    Ok(())
}

/// The certificate is signed with its own key, P-256 or Ed25519: the owner holds that key.
fn check_signature(certificate: &Certificate) -> Result<(), Error> {
    let body = certificate.tbs_certificate();
    let info = body.subject_public_key_info();
    let signed = certificate.signature_algorithm();
    if body.signature() != signed {
        return Err(refused("its two signature algorithms differ"));
    }
    let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let algorithm: &dyn ring::signature::VerificationAlgorithm = match (info.algorithm.oid, signed.oid) {
        (EC_KEY, ECDSA_SHA256) if curve == Some(P256) => &ring::signature::ECDSA_P256_SHA256_ASN1,
        (ED25519, ED25519) if info.algorithm.parameters.is_none() => &ring::signature::ED25519,
        _ => return Err(refused("use a P-256 key with SHA-256, or an Ed25519 key")),
    };
    let key = info.subject_public_key.as_bytes().ok_or_else(|| refused("its public key is malformed"))?;
    let signature = certificate.signature().as_bytes().ok_or_else(|| refused("its signature is malformed"))?;
    let message = body.to_der().map_err(|_| refused("its body does not encode"))?;
    ring::signature::UnparsedPublicKey::new(algorithm, key)
        .verify(&message, signature)
        .map_err(|_| refused("it must be signed with its own key"))
}

#[cfg(test)]
#[path = "x509_tests.rs"]
mod tests;
