//! Images from registries (OCI distribution specification), through `oci-client`.

use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};
use std::time::Duration;

use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use tokio::io::AsyncWrite;

use super::ImageError;
use crate::backend::RegistryCredentials;

/// Longest wait for one request's next bytes.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One image of one registry.
pub(super) struct Remote {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

impl Remote {
    /// Checks the reference against the operator's registries.
    ///
    /// An address, a single-label name or a port would let a customer make the
    /// daemon talk to the provider's inner network, so only listed hosts are asked.
    pub(super) fn open(
        text: &str,
        registries: &[String],
        plain_http: &[String],
        credentials: Option<&RegistryCredentials>,
    ) -> Result<Self, ImageError> {
        let bad = |why: String| ImageError::Reference { reference: text.to_owned(), why };
        let reference: Reference = text.parse().map_err(|e| bad(format!("{e}")))?;
        let host = reference.registry().to_owned();
        if !registries.contains(&host) {
            let hint = if host.parse::<IpAddr>().is_ok() {
                "an address is never a registry"
            } else {
                "it is not among the registries of this provider"
            };
            return Err(bad(format!("registry {host}: {hint}; allowed: {}", registries.join(", "))));
        }
        install_tls_provider();
        let auth = match credentials {
            Some(c) => RegistryAuth::Basic(c.username.clone(), c.password.clone()),
            None => RegistryAuth::Anonymous,
        };
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(plain_http.to_vec()),
            read_timeout: Some(READ_TIMEOUT),
            connect_timeout: Some(CONNECT_TIMEOUT),
            user_agent: concat!("virtengine/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        Ok(Self { client: Client::new(config), reference, auth })
    }

    /// The manifest for this machine's platform: bytes and digest.
    pub(super) async fn manifest(&self) -> Result<(Vec<u8>, String), ImageError> {
        let resolved = self.client.pull_image_manifest(&self.reference, &self.auth).await;
        let (_, digest) = resolved.map_err(registry_error)?;
        // Again by digest, for the exact bytes that the digest covers.
        let pinned = self.reference.clone_with_digest(digest.clone());
        let accepted = [oci_client::manifest::OCI_IMAGE_MEDIA_TYPE, oci_client::manifest::IMAGE_MANIFEST_MEDIA_TYPE];
        let (bytes, _) = self.client.pull_manifest_raw(&pinned, &self.auth, &accepted).await.map_err(registry_error)?;
        super::layout::check_digest(&bytes, &digest)?;
        Ok((bytes.to_vec(), digest))
    }

    /// Downloads a blob of exactly `size` bytes to a file.
    pub(super) async fn blob(&self, digest: &str, size: u64, to: &Path) -> Result<(), ImageError> {
        let io = |e| ImageError::Io("store a blob".into(), e);
        let file = tokio::fs::File::create(to).await.map_err(io)?;
        let mut bounded = Bounded { inner: tokio::io::BufWriter::new(file), left: size };
        let descriptor = OciDescriptor {
            digest: digest.to_owned(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        self.client.pull_blob(&self.reference, &descriptor, &mut bounded).await.map_err(registry_error)
    }
}

/// Refuses bytes beyond the size that the manifest promised.
struct Bounded<W> {
    inner: W,
    left: u64,
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Bounded<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        if buf.len() as u64 > self.left {
            return Poll::Ready(Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "the blob is larger than its manifest says",
            )));
        }
        let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.left -= written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// TLS needs one process-wide choice of cryptography; another part of the process
/// may have made the same one already.
fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn registry_error(e: OciDistributionError) -> ImageError {
    match e {
        OciDistributionError::AuthenticationFailure(why) => ImageError::Auth(why),
        OciDistributionError::UnauthorizedError { url } => ImageError::Auth(url),
        OciDistributionError::ImageManifestNotFoundError(why) => ImageError::NotFound(why),
        OciDistributionError::DigestError(why) => ImageError::Refused(why.to_string()),
        OciDistributionError::IoError(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            ImageError::Refused(e.to_string())
        }
        OciDistributionError::RegistryError { envelope, url } => {
            let codes = || envelope.errors.iter().map(|e| &e.code);
            let absent = |c: &OciErrorCode| {
                use OciErrorCode::{BlobUnknown, ManifestUnknown, NameUnknown, NotFound};
                matches!(c, BlobUnknown | ManifestUnknown | NameUnknown | NotFound)
            };
            let denied = |c: &OciErrorCode| matches!(c, OciErrorCode::Denied | OciErrorCode::Unauthorized);
            if codes().any(absent) {
                ImageError::NotFound(format!("{url}; check the name and tag"))
            } else if codes().any(denied) {
                ImageError::Auth(url)
            } else {
                ImageError::Registry(format!("{url}: {envelope}"))
            }
        }
        OciDistributionError::ServerError { code: 404, url, .. } => ImageError::NotFound(url),
        other => ImageError::Registry(other.to_string()),
    }
}
