//! X.509 certificates of customers and gateways (marketplace spec section 2): self-signed P-256, subject = the owner's
//! address, published on chain. Whoever sees one compares it with the chain byte by byte.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use ve_base::Address;
use ve_proto::ve::cert::v1::{Certificate, CertificateState, QueryCertificatesRequest, QueryCertificatesResponse};
use x509_cert::der::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use crate::error::ClientError;
use crate::keystore::{self, KeyStoreError, Sealed};
use crate::rpc::RpcClient;

/// Longest validity that the chain takes.
pub const MAX_VALIDITY: Duration = Duration::from_secs(365 * 86_400);
/// Longest certificate in bytes.
pub const MAX_DER: usize = 4096;
/// Clocks of holder and verifier may differ by this much.
const BACKDATE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum CertError {
    #[error("the certificate cannot be made: {0}")]
    Generate(String),
    #[error("not a certificate of this network: {0}; it needs a CN with the owner's address and a serial number")]
    Malformed(String),
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    #[error("wrong passphrase, or the certificate's key file was changed; delete it to make a new one")]
    Passphrase,
}

/// What a certificate may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    /// A provider's gateway under these host names or IP addresses.
    Gateway(Vec<String>),
}

/// A certificate and its key.
pub struct Identity {
    pub certificate: Vec<u8>,
    /// PKCS #8.
    pub key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// What verifiers read out of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The account in the subject's CN.
    pub owner: String,
    /// Lower-case hex without leading zeros, the key under which the chain stores it.
    pub serial: String,
    /// Seconds since 1970.
    pub not_before: u64,
    pub not_after: u64,
}

impl Identity {
    /// A new key and its certificate, valid from a minute ago.
    pub fn generate(owner: &Address, role: &Role, validity: Duration) -> Result<Self, CertError> {
        let failed = |cause: &dyn std::fmt::Display| CertError::Generate(cause.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|cause| failed(&cause))?;
        let hosts = match role {
            Role::Client => Vec::new(),
            Role::Gateway(hosts) => hosts.clone(),
        };
        let mut params = CertificateParams::new(hosts).map_err(|cause| failed(&cause))?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, owner.to_string());
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match role {
            Role::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Role::Gateway(_) => vec![ExtendedKeyUsagePurpose::ServerAuth],
        };
        let start = time::OffsetDateTime::now_utc() - BACKDATE;
        params.not_before = start;
        params.not_after = start + validity.min(MAX_VALIDITY);
        let certificate = params.self_signed(&key).map_err(|cause| failed(&cause))?;
        Ok(Self { certificate: certificate.der().to_vec(), key: Zeroizing::new(key.serialize_der()) })
    }

    pub fn facts(&self) -> Result<Facts, CertError> {
        facts(&self.certificate)
    }

    /// Seals the key under a passphrase and writes both to one private file.
    pub fn save(&self, path: &Path, passphrase: &str) -> Result<(), CertError> {
        let sealed = keystore::seal(&self.key, passphrase, &self.certificate)?;
        let file = IdentityFile { version: 1, certificate: hex::encode(&self.certificate), sealed };
        let text = serde_json::to_vec_pretty(&file).expect("an identity file has text keys only");
        Ok(keystore::replace_private(path, &text)?)
    }

    /// `None` when there is no such file.
    pub fn load(path: &Path, passphrase: &str) -> Result<Option<Self>, CertError> {
        if !path.exists() {
            return Ok(None);
        }
        let (certificate, file) = read_file(path)?;
        let key = keystore::open(&file.sealed, passphrase, &certificate)?.ok_or(CertError::Passphrase)?;
        Ok(Some(Self { certificate, key }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    version: u32,
    certificate: String,
    sealed: Sealed,
}

fn read_file(path: &Path) -> Result<(Vec<u8>, IdentityFile), CertError> {
    let malformed = |cause: &str| CertError::Malformed(format!("{}: {cause}", path.display()));
    let bytes = keystore::read_private(path)?;
    let file: IdentityFile = serde_json::from_slice(&bytes).map_err(|cause| malformed(&cause.to_string()))?;
    let certificate = hex::decode(&file.certificate).map_err(|_| malformed("not hex"))?;
    Ok((certificate, file))
}

/// The certificate of an identity's file, for which no passphrase is needed.
pub fn read(path: &Path) -> Result<Vec<u8>, CertError> {
    Ok(read_file(path)?.0)
}

/// 128 random bits; the first byte is below 128 and not 0, so that the number is positive and has no shorter form.
fn serial() -> Result<[u8; 16], CertError> {
    let mut bytes = [0u8; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CertError::Generate("no randomness".into()))?;
    bytes[0] = bytes[0] & 0x7f | 1;
    Ok(bytes)
}

/// Reads owner, serial and dates of a DER certificate. Nothing is verified.
pub fn facts(der: &[u8]) -> Result<Facts, CertError> {
    let malformed = |cause: &str| CertError::Malformed(cause.to_owned());
    if der.len() > MAX_DER {
        return Err(malformed("longer than 4 KiB"));
    }
    let certificate = x509_cert::Certificate::from_der(der).map_err(|cause| malformed(&cause.to_string()))?;
    let tbs = certificate.tbs_certificate();
    let name = tbs.subject().common_name().ok().flatten().ok_or_else(|| malformed("no CN"))?;
    if tbs.issuer().to_der().ok() != tbs.subject().to_der().ok() {
        return Err(malformed("issuer and subject differ"));
    }
    let serial = hex::encode(tbs.serial_number().as_bytes());
    let validity = tbs.validity();
    Ok(Facts {
        owner: name.value().into_owned(),
        serial: serial.trim_start_matches('0').to_owned(),
        not_before: validity.not_before.to_unix_duration().as_secs(),
        not_after: validity.not_after.to_unix_duration().as_secs(),
    })
}

/// Seconds since 1970 by this machine's clock.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// The certificates of an account that are valid on chain, at most 10. With a serial, only that one.
pub async fn on_chain(rpc: &RpcClient, owner: &str, serial: &str) -> Result<Vec<Certificate>, ClientError> {
    find(rpc, owner, serial, CertificateState::Valid).await
}

/// Certificates on chain; an empty serial and the unspecified state match all.
pub async fn find(
    rpc: &RpcClient,
    owner: &str,
    serial: &str,
    state: CertificateState,
) -> Result<Vec<Certificate>, ClientError> {
    let request = QueryCertificatesRequest {
        owner: owner.to_owned(),
        serial: serial.to_owned(),
        state: state as i32,
        ..QueryCertificatesRequest::default()
    };
    let answer: QueryCertificatesResponse = rpc.query("/ve.cert.v1.Query/Certificates", &request).await?;
    Ok(answer.certificates)
}

/// A certificate counts only if the chain holds these very bytes as valid, and now is inside its dates.
pub async fn verify_on_chain(rpc: &RpcClient, der: &[u8]) -> Result<Option<Facts>, ClientError> {
    let Ok(facts) = facts(der) else { return Ok(None) };
    let known = on_chain(rpc, &facts.owner, &facts.serial).await?;
    let now = unix_now();
    let valid = (facts.not_before..=facts.not_after).contains(&now)
        && known.iter().any(|certificate| {
            certificate.owner == facts.owner && certificate.serial == facts.serial && certificate.certificate == der
        });
    Ok(Some(facts).filter(|_| valid))
}
