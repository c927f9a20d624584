//! X.509 as far as hardware keys, smart cards and quotes need it (RFC 5280): certificates in the one DER form, who may
//! issue them, signatures by the algorithms that are taken, lists of revoked serial numbers.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::certificate::Version;
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

pub use x509_cert::Certificate;

pub const MAX_DER: usize = 4096;
const MAX_CRL: usize = 64 << 10;

pub const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXT_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// Extensions that may be critical: the three above and alternative names.
const UNDERSTOOD: [ObjectIdentifier; 4] =
    [KEY_USAGE, BASIC_CONSTRAINTS, EXT_KEY_USAGE, ObjectIdentifier::new_unwrap("2.5.29.17")];

/// Why a certificate or a list of revoked ones is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not what it should be.
    Form(&'static str),
    /// Who issued it may not.
    Issuer(&'static str),
    /// Not valid yet or any more.
    Time,
    Signature,
    /// It stands on its issuer's list.
    Revoked,
}

impl Refused {
    pub fn why(self) -> &'static str {
        match self {
            Self::Form(why) | Self::Issuer(why) => why,
            Self::Time => "it is not valid at the time of the block",
            Self::Signature => "a signature does not fit",
            Self::Revoked => "its issuer revoked it",
        }
    }
}

pub fn parse(der: &[u8]) -> Result<Certificate, Refused> {
    if der.len() > MAX_DER {
        return Err(Refused::Form("it has more than 4096 bytes"));
    }
    let certificate = Certificate::from_der(der).map_err(|_| Refused::Form("it is no DER of X.509"))?;
    let canonical = certificate.to_der().ok().as_deref() == Some(der);
    if !canonical || certificate.tbs_certificate().version() != Version::V3 {
        return Err(Refused::Form("it is not of version 3 in the one DER form"));
    }
    Ok(certificate)
}

/// The extensions that say what a certificate is for.
pub struct Extensions {
    pub usage: Option<KeyUsage>,
    pub purposes: Option<ExtendedKeyUsage>,
    pub constraints: Option<BasicConstraints>,
}

impl Extensions {
    pub fn read(certificate: &Certificate) -> Result<Self, Refused> {
        let mut found = Self { usage: None, purposes: None, constraints: None };
        let extensions = certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
        for (at, extension) in extensions.iter().enumerate() {
            let id = extension.extn_id;
            if extensions.iter().take(at).any(|earlier| earlier.extn_id == id) {
                return Err(Refused::Form("an extension appears twice"));
            }
            if extension.critical && !UNDERSTOOD.contains(&id) {
                return Err(Refused::Form("a critical extension is unknown"));
            }
            let (bytes, malformed) = (extension.extn_value.as_bytes(), |_| Refused::Form("an extension is malformed"));
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

    /// Refuses to be an issuer with so many certificates of authorities between it and the leaf.
    pub fn check_issuer(&self, below: usize) -> Result<(), Refused> {
        let constraints = self.constraints.as_ref().filter(|constraints| constraints.ca);
        let constraints = constraints.ok_or(Refused::Issuer("an issuer is no authority"))?;
        if constraints.path_len_constraint.is_some_and(|most| below > usize::from(most)) {
            return Err(Refused::Issuer("the chain is longer than an issuer allows"));
        }
        if self.usage.as_ref().is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(Refused::Issuer("an issuer may not sign certificates"));
        }
        Ok(())
    }

    pub fn is_authority(&self) -> bool {
        self.constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }
}

pub fn check_time(certificate: &Certificate, now: u64) -> Result<(), Refused> {
    let validity = certificate.tbs_certificate().validity();
    let (from, until) =
        (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs());
    if (from..=until).contains(&now) { Ok(()) } else { Err(Refused::Time) }
}

pub fn curve(info: &SubjectPublicKeyInfoOwned) -> Option<ObjectIdentifier> {
    info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok())
}

/// The key of a certificate: an uncompressed point, an RSA key, an Edwards point.
pub fn key(certificate: &Certificate) -> Result<&[u8], Refused> {
    let info = certificate.tbs_certificate().subject_public_key_info();
    info.subject_public_key.as_bytes().ok_or(Refused::Form("a public key is malformed"))
}

/// The key of a certificate made this signature.
pub fn verify(
    by: &Certificate,
    algorithm: &'static dyn VerificationAlgorithm,
    message: &[u8],
    given: &[u8],
) -> Result<(), Refused> {
    UnparsedPublicKey::new(algorithm, key(by)?).verify(message, given).map_err(|_| Refused::Signature)
}

fn verify_as(
    issuer: &Certificate,
    signed: &AlgorithmIdentifierOwned,
    message: &[u8],
    given: &[u8],
) -> Result<(), Refused> {
    let info = issuer.tbs_certificate().subject_public_key_info();
    let algorithm: &'static dyn VerificationAlgorithm = match (info.algorithm.oid, signed.oid, curve(info)) {
        (EC_KEY, ECDSA_SHA256, Some(P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC_KEY, ECDSA_SHA384, Some(P256)) => &signature::ECDSA_P256_SHA384_ASN1,
        (EC_KEY, ECDSA_SHA256, Some(P384)) => &signature::ECDSA_P384_SHA256_ASN1,
        (EC_KEY, ECDSA_SHA384, Some(P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (RSA_KEY, RSA_SHA256, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (RSA_KEY, RSA_SHA384, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (RSA_KEY, RSA_SHA512, _) => &signature::RSA_PKCS1_2048_8192_SHA512,
        // With SHA-384 whatever the parameters say: others do not verify. AMD signs so.
        (RSA_KEY, RSA_PSS, _) => &signature::RSA_PSS_2048_8192_SHA384,
        (ED25519, ED25519, _) => &signature::ED25519,
        _ => return Err(Refused::Form("a signature is by an algorithm that is not taken")),
    };
    verify(issuer, algorithm, message, given)
}

/// `issuer` signed `certificate`.
pub fn check_signed(certificate: &Certificate, issuer: &Certificate) -> Result<(), Refused> {
    let signed = certificate.signature_algorithm();
    if certificate.tbs_certificate().signature() != signed {
        return Err(Refused::Form("its two signature algorithms differ"));
    }
    let message = certificate.tbs_certificate().to_der().map_err(|_| Refused::Form("its body does not encode"))?;
    let given = certificate.signature().as_bytes().ok_or(Refused::Form("a signature is malformed"))?;
    verify_as(issuer, signed, &message, given)
}

/// `upper` is named as the issuer of `lower`.
pub fn check_named(lower: &Certificate, upper: &Certificate) -> Result<(), Refused> {
    let same = lower.tbs_certificate().issuer() == upper.tbs_certificate().subject();
    if same { Ok(()) } else { Err(Refused::Issuer("the chain is broken")) }
}

/// A list that `issuer` signed, in force now, on which `certificate` does not stand.
pub fn check_not_revoked(der: &[u8], issuer: &Certificate, certificate: &Certificate, now: u64) -> Result<(), Refused> {
    let malformed = || Refused::Form("a list of revoked certificates is malformed");
    if der.len() > MAX_CRL {
        return Err(Refused::Form("a list of revoked certificates has more than 64 KiB"));
    }
    let list = CertificateList::from_der(der).map_err(|_| malformed())?;
    let content = &list.tbs_cert_list;
    if content.issuer != *issuer.tbs_certificate().subject() {
        return Err(Refused::Issuer("a list of revoked certificates is by somebody else"));
    }
    let from = content.this_update.to_unix_duration().as_secs();
    let until = content.next_update.ok_or_else(malformed)?.to_unix_duration().as_secs();
    if !(from..=until).contains(&now) {
        return Err(Refused::Time);
    }
    let body = content.to_der().map_err(|_| malformed())?;
    verify_as(issuer, &list.signature_algorithm, &body, list.signature.as_bytes().ok_or_else(malformed)?)?;
    let serial = certificate.tbs_certificate().serial_number();
    let mut revoked = content.revoked_certificates.iter().flatten();
    if revoked.any(|entry| entry.serial_number == *serial) { Err(Refused::Revoked) } else { Ok(()) }
}
