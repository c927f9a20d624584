use async_trait::async_trait;
use tokio::sync::mpsc;
use ve_base::keys::PublicKey;

use super::GatewayError;
use crate::backend::{ExecRequest, ExecSession, LogLine, LogQuery};
use crate::model::LeaseId;

/// A certificate as the chain holds it (marketplace §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCertificate {
    /// DER of the X.509 certificate.
    pub der: Vec<u8>,
    /// State VALID; `false` once revoked.
    pub valid: bool,
    /// Seconds since 1970, inclusive.
    pub not_before: u64,
    /// Seconds since 1970, inclusive.
    pub not_after: u64,
}

/// Where certificates are looked up: the chain.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The certificate that `owner` (account address) registered under `serial`
    /// (lower-case hex without leading zeros), in any state. The gateway keeps an
    /// answer for at most 15 s; an implementation should not cache on top.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`] when no node answers.
    async fn certificate(&self, owner: &str, serial: &str) -> Result<Option<ChainCertificate>, GatewayError>;

    /// The public key of an account on chain, which its first transaction made
    /// known. Kept as long as a certificate.
    ///
    /// # Errors
    /// As [`Directory::certificate`].
    async fn account_key(&self, owner: &str) -> Result<Option<PublicKey>, GatewayError>;

    /// Whether `owner` revoked its token `jti` with this provider.
    ///
    /// # Errors
    /// [`GatewayError::Internal`] when the provider's store fails.
    async fn is_revoked(&self, owner: &str, jti: &str) -> Result<bool, GatewayError>;
}

/// What the daemon does behind the routes. Callers are authenticated; `owner` is
/// the account of the certificate, and every `lease` came out of [`find_lease`]
/// for that owner.
///
/// [`find_lease`]: Service::find_lease
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Public state of the provider. Open to everyone: no customer data.
    async fn status(&self) -> serde_json::Value;

    /// The active lease of `owner` with this provider; from the store, then the
    /// chain. With `or_ended` also one that is over and of which logs are kept.
    ///
    /// # Errors
    /// [`GatewayError::NoLease`]; [`GatewayError::Unavailable`].
    async fn find_lease(
        &self,
        owner: &str,
        dseq: u64,
        gseq: u32,
        oseq: u32,
        or_ended: bool,
    ) -> Result<LeaseId, GatewayError>;

    /// Takes the manifest (UTF-8 JSON, at most 1 MiB) of the deployment
    /// `owner/dseq`. Returns when it is stored durably.
    ///
    /// # Errors
    /// [`GatewayError::InvalidManifest`] when it is not the one whose hash is on
    /// chain; [`GatewayError::NoLease`]; [`GatewayError::Conflict`].
    async fn put_manifest(&self, owner: &str, dseq: u64, manifest_json: Vec<u8>) -> Result<(), GatewayError>;

    /// State of the lease: an object whose `services` maps a service name to its
    /// state, replicas, restarts, last exit and endpoints.
    async fn lease_status(&self, lease: &LeaseId) -> Result<serde_json::Value, GatewayError>;

    /// The manifest in force, canonical JSON.
    async fn manifest(&self, lease: &LeaseId) -> Result<String, GatewayError>;

    /// Lines of one service, or of all when `None`, each with its service name.
    /// The channel ends at the last line unless `query.follow`.
    async fn logs(
        &self,
        lease: &LeaseId,
        service: Option<String>,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<(String, LogLine)>, GatewayError>;

    /// Lifecycle events, oldest first; ends at the newest unless `follow`.
    async fn events(&self, lease: &LeaseId, follow: bool) -> Result<mpsc::Receiver<serde_json::Value>, GatewayError>;

    /// Runs a command in a replica of a service.
    async fn shell(&self, lease: &LeaseId, service: &str, request: ExecRequest) -> Result<ExecSession, GatewayError>;

    /// Takes back a token of `owner` by its `jti`, for longer than any token lives.
    /// Returns when that is stored durably.
    ///
    /// # Errors
    /// [`GatewayError::TooMany`] when the account has taken back very many.
    async fn revoke_token(&self, owner: &str, jti: &str) -> Result<(), GatewayError>;

    /// Restarts every service of the lease. Returns when the restart is queued
    /// durably.
    async fn restart(&self, lease: &LeaseId) -> Result<(), GatewayError>;
}
