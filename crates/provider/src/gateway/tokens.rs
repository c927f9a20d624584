use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ve_base::keys::PublicKey;
use ve_base::{ACCOUNT_PREFIX, Address};
use ve_client::cert::unix_now;
use ve_client::gateway::token::{Claims, TokenError, Unverified};

use super::peer::CACHE;
use super::{Directory, GatewayError};

/// Keys kept in the cache.
const MAX_CACHED: usize = 4096;

impl From<TokenError> for GatewayError {
    fn from(error: TokenError) -> Self {
        Self::TokenRefused(error.0)
    }
}

/// Decides whether an account stands behind a token (marketplace §13.5).
pub(super) struct Tokens {
    directory: Arc<dyn Directory>,
    provider: String,
    lifetime: Duration,
    keys: Mutex<HashMap<String, (PublicKey, Instant)>>,
}

impl Tokens {
    pub(super) fn new(directory: Arc<dyn Directory>, provider: String, lifetime: Duration) -> Self {
        Self { directory, provider, lifetime: lifetime.min(CACHE), keys: Mutex::default() }
    }

    /// Reads a token; one that cannot be in force costs no look-up.
    pub(super) fn read(&self, text: &str) -> Result<Unverified, GatewayError> {
        let token = Unverified::parse(text)?;
        token.claims.check(&self.provider, unix_now())?;
        if Address::from_bech32(&token.claims.iss, ACCOUNT_PREFIX).is_err() {
            return Err(GatewayError::TokenRefused("iss is not an account address".to_owned()));
        }
        Ok(token)
    }

    /// Whether [`check`](Self::check) would answer without asking a node.
    pub(super) fn is_cached(&self, owner: &str) -> bool {
        self.cached(owner).is_some()
    }

    fn cached(&self, owner: &str) -> Option<PublicKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, asked) = keys.get(owner)?;
        (asked.elapsed() < self.lifetime).then(|| key.clone())
    }

    /// The claims, if the account's key on chain signed them and they were not revoked.
    pub(super) async fn check(&self, token: Unverified) -> Result<Claims, GatewayError> {
        let owner = token.claims.iss.clone();
        let key = match self.cached(&owner) {
            Some(key) => key,
            None => self.ask(&owner).await?,
        };
        let claims = token.verify(&key)?;
        self.not_revoked(&claims).await?;
        Ok(claims)
    }

    pub(super) async fn not_revoked(&self, claims: &Claims) -> Result<(), GatewayError> {
        if self.directory.is_revoked(&claims.iss, &claims.jti).await? {
            return Err(GatewayError::TokenRefused("it was revoked".to_owned()));
        }
        Ok(())
    }

    async fn ask(&self, owner: &str) -> Result<PublicKey, GatewayError> {
        let asked = Instant::now();
        let Some(key) = self.directory.account_key(owner).await? else {
            let cause = format!("the chain knows no key of {owner}; it has none before its first transaction");
            return Err(GatewayError::TokenRefused(cause));
        };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_CACHED {
            keys.retain(|_, (_, asked)| asked.elapsed() < self.lifetime);
        }
        if keys.len() < MAX_CACHED {
            keys.insert(owner.to_owned(), (key.clone(), asked));
        }
        Ok(key)
    }
}
