use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ve_base::{ACCOUNT_PREFIX, Address};
use ve_client::cert::unix_now;

use super::{ChainCertificate, Directory, GatewayError};

/// Longest time an answer of the chain is used (marketplace §2, §13.5).
pub const CACHE: Duration = Duration::from_secs(15);

/// Certificates kept in the cache.
const MAX_CACHED: usize = 4096;

/// The certificate that a client proved to hold the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Account address: common name of subject and issuer.
    pub owner: String,
    /// Lower-case hex without leading zeros.
    pub serial: String,
    der: Vec<u8>,
}

impl PeerCertificate {
    /// Reads a certificate of the profile of marketplace §2. Its own signature, key
    /// type and extensions are not checked: the chain did, and only a byte-equal
    /// copy of what it holds is accepted later.
    ///
    /// # Errors
    /// Text that names what deviates.
    pub fn parse(der: &[u8]) -> Result<Self, String> {
        let facts = ve_client::cert::facts(der).map_err(|error| error.to_string())?;
        // Nothing else is worth a query to the chain.
        if Address::from_bech32(&facts.owner, ACCOUNT_PREFIX).is_err() {
            return Err("the common name is not an account address".to_owned());
        }
        Ok(Self { owner: facts.owner, serial: facts.serial, der: der.to_vec() })
    }
}

/// A chain answer and when it was asked for.
struct Cached {
    record: ChainCertificate,
    asked: Instant,
}

/// Decides whether the chain vouches for a certificate.
pub(super) struct Authenticator {
    directory: Arc<dyn Directory>,
    lifetime: Duration,
    cache: Mutex<HashMap<(String, String), Cached>>,
}

impl Authenticator {
    pub(super) fn new(directory: Arc<dyn Directory>, lifetime: Duration) -> Self {
        Self { directory, lifetime: lifetime.min(CACHE), cache: Mutex::default() }
    }

    /// Whether [`check`](Self::check) would answer without asking a node.
    pub(super) fn is_cached(&self, peer: &PeerCertificate) -> bool {
        self.cached(peer).is_some()
    }

    /// Succeeds when the chain holds this very certificate, valid and in date.
    pub(super) async fn check(&self, peer: &PeerCertificate) -> Result<(), GatewayError> {
        let record = match self.cached(peer) {
            Some(record) => record,
            None => self.ask(peer).await?,
        };
        judge(peer, &record, unix_now())
    }

    fn cached(&self, peer: &PeerCertificate) -> Option<ChainCertificate> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(&(peer.owner.clone(), peer.serial.clone()))?;
        (cached.asked.elapsed() < self.lifetime).then(|| cached.record.clone())
    }

    async fn ask(&self, peer: &PeerCertificate) -> Result<ChainCertificate, GatewayError> {
        // Taken before the question: the answer is never used longer than `lifetime`
        // after the state it was read from.
        let asked = Instant::now();
        let record = self.directory.certificate(&peer.owner, &peer.serial).await?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (peer.owner.clone(), peer.serial.clone());
        let Some(record) = record else {
            // Not remembered: a customer who has just registered must not wait.
            cache.remove(&key);
            return Err(GatewayError::Unauthenticated(format!(
                "the chain holds no certificate {} of {}",
                peer.serial, peer.owner
            )));
        };
        if cache.len() >= MAX_CACHED {
            cache.retain(|_, cached| cached.asked.elapsed() < self.lifetime);
        }
        if cache.len() < MAX_CACHED {
            cache.insert(key, Cached { record: record.clone(), asked });
        }
        Ok(record)
    }
}

fn judge(peer: &PeerCertificate, record: &ChainCertificate, now: u64) -> Result<(), GatewayError> {
    let refuse = |cause: &str| Err(GatewayError::Unauthenticated(format!("certificate {} {cause}", peer.serial)));
    if record.der != peer.der {
        refuse("is not the one that the chain holds under this serial")
    } else if !record.valid {
        refuse("is revoked")
    } else if now < record.not_before {
        refuse("is not valid yet")
    } else if now > record.not_after {
        refuse("has expired")
    } else {
        Ok(())
    }
}
