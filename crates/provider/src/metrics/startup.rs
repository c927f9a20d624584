//! From the first moment on: what the daemon still waits for, and the daemon once it runs.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Health;
use crate::daemon::Daemon;

/// What answers for a daemon that may not run yet.
pub struct Startup {
    daemon: OnceLock<Arc<Daemon>>,
    waits: Mutex<Health>,
}

impl Default for Startup {
    fn default() -> Self {
        let opening = || Some("being opened".to_owned());
        let chain = Some("no node was asked yet".to_owned());
        let waits = Health { chain, store: opening(), backend: opening(), ..Health::default() };
        Self { daemon: OnceLock::new(), waits: Mutex::new(waits) }
    }
}

impl Startup {
    /// Store and backend are there; the chain is not, because of `cause`.
    pub fn waits_for_chain(&self, cause: &str) {
        let waits = Health { chain: Some(format!("waiting for a node: {cause}")), ..Health::default() };
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = waits;
    }

    /// From now on the daemon answers for itself.
    pub fn runs(&self, daemon: Arc<Daemon>) {
        let _ = self.daemon.set(daemon);
    }

    pub fn daemon(&self) -> Option<&Arc<Daemon>> {
        self.daemon.get()
    }

    /// Of the daemon, or of what it waits for.
    pub async fn health(&self) -> Health {
        match self.daemon() {
            Some(daemon) => Health::of(daemon).await,
            None => self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
