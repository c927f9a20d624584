use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::peer::PeerCertificate;

/// Schemes of the two key types that the chain accepts (marketplace §2).
const SCHEMES: [SignatureScheme; 2] = [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

/// The provider's certificate, replaceable while connections are served.
#[derive(Debug)]
pub struct ServerIdentity {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ServerIdentity {
    /// The provider's own registered certificate (DER) with its private key
    /// (PKCS#8, SEC 1 or PKCS#1 DER).
    ///
    /// # Errors
    /// When the key is not usable or does not belong to the certificate.
    pub fn new(certificate: Vec<u8>, key: PrivateKeyDer<'static>) -> Result<Arc<Self>, Error> {
        let current = RwLock::new(Arc::new(certified(certificate, key)?));
        Ok(Arc::new(Self { current }))
    }

    /// Uses another certificate from the next handshake on.
    ///
    /// # Errors
    /// As [`ServerIdentity::new`]; the current certificate then stays.
    pub fn replace(&self, certificate: Vec<u8>, key: PrivateKeyDer<'static>) -> Result<(), Error> {
        let next = Arc::new(certified(certificate, key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

fn certified(certificate: Vec<u8>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, Error> {
    CertifiedKey::from_der(vec![CertificateDer::from(certificate)], key, &provider())
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// TLS 1.3 and 1.2, HTTP/1.1 (WebSocket upgrades need it), client certificate
/// asked for and not required.
pub(super) fn server_config(identity: Arc<ServerIdentity>) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(provider());
    let verifier = OnChainClient { algorithms: provider.signature_verification_algorithms };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Every connection proves its key anew: a resumed one would carry the
    // certificate of a handshake that happened before a restart of trust.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Accepts any well-formed certificate of the chain's profile whose key signed the
/// handshake. Whether the chain knows it is checked per request, because a
/// handshake cannot wait for a query nor say why it refuses.
#[derive(Debug)]
struct OnChainClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for OnChainClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Dates are checked against the chain's record, with a readable answer.
        if !intermediates.is_empty() || PeerCertificate::parse(end_entity.as_ref()).is_err() {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}
