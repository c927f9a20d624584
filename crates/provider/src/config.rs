//! `provider.toml`: how a provider's daemon runs and what it asks for its capacity.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ve_base::Dec;

use crate::backend::Resources;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    pub chain_id: String,
    /// JSON-RPC endpoints of nodes, tried in order.
    pub nodes: Vec<String>,
    /// Where the gateway listens.
    #[serde(default = "default_gateway")]
    pub gateway_listen: String,
    /// Prometheus metrics and health.
    #[serde(default = "default_metrics")]
    pub metrics_listen: String,
    /// Host that customers reach workloads under.
    #[serde(default = "default_host")]
    pub public_host: String,
    /// Directory of OCI image layouts that customers may name as `localhost/NAME:TAG`.
    #[serde(default)]
    pub image_layouts: Option<PathBuf>,
    /// What may be sold; the machine's own capacity less a reserve when absent.
    #[serde(default)]
    pub capacity: Option<Resources>,
    #[serde(default)]
    pub pricing: Pricing,
    /// Seconds between full comparisons of chain, store and backend.
    #[serde(default = "default_reconcile")]
    pub reconcile_seconds: u64,
    /// Seconds that a customer has to deliver the manifest.
    #[serde(default = "default_manifest")]
    pub manifest_seconds: u64,
    /// Seconds between withdrawals of earnings.
    #[serde(default = "default_withdraw")]
    pub withdraw_seconds: u64,
    /// Seconds between signs of life; the chain takes a provider for lost after a silent day.
    #[serde(default = "default_heartbeat")]
    pub heartbeat_seconds: u64,
}

fn default_gateway() -> String {
    "127.0.0.1:8443".into()
}

fn default_metrics() -> String {
    "127.0.0.1:26760".into()
}

fn default_host() -> String {
    "127.0.0.1".into()
}

fn default_reconcile() -> u64 {
    300
}

fn default_manifest() -> u64 {
    300
}

fn default_withdraw() -> u64 {
    86_400
}

fn default_heartbeat() -> u64 {
    900
}

/// Prices in `uve` per accounting block of 5 s (marketplace spec section 13.2). Decimals as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pricing {
    pub per_cpu: String,
    pub per_memory_mib: String,
    pub per_storage_mib: String,
    pub per_endpoint: String,
    /// Percent added to the sum.
    pub markup_percent: u32,
    /// The bid is never below this.
    pub floor: String,
    /// Orders that would cost more are left alone.
    pub cap: Option<String>,
    /// Only these customers are served; empty = all.
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

impl Default for Pricing {
    fn default() -> Self {
        Self {
            per_cpu: "10".into(),
            per_memory_mib: "0.004".into(),
            per_storage_mib: "0.001".into(),
            per_endpoint: "0".into(),
            markup_percent: 0,
            floor: "0.000001".into(),
            cap: None,
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {cause}; `virtengine provider init` writes one")]
    Read { path: String, cause: String },
    #[error("{path} is not a valid provider configuration: {cause}")]
    Invalid { path: String, cause: String },
}

impl ProviderConfig {
    pub fn new(chain_id: &str, nodes: Vec<String>) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            nodes,
            gateway_listen: default_gateway(),
            metrics_listen: default_metrics(),
            public_host: default_host(),
            image_layouts: None,
            capacity: None,
            pricing: Pricing::default(),
            reconcile_seconds: default_reconcile(),
            manifest_seconds: default_manifest(),
            withdraw_seconds: default_withdraw(),
            heartbeat_seconds: default_heartbeat(),
        }
    }

    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read { path: shown(), cause: error.to_string() })?;
        let invalid = |cause: String| ConfigError::Invalid { path: shown(), cause };
        let config: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        config.check().map_err(invalid)?;
        Ok(config)
    }

    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, toml::to_string_pretty(self).map_err(std::io::Error::other)?)
    }

    fn check(&self) -> Result<(), String> {
        if self.nodes.is_empty() {
            return Err("nodes: give at least one JSON-RPC endpoint".into());
        }
        let pricing = &self.pricing;
        let decimals = [
            ("per_cpu", Some(&pricing.per_cpu)),
            ("per_memory_mib", Some(&pricing.per_memory_mib)),
            ("per_storage_mib", Some(&pricing.per_storage_mib)),
            ("per_endpoint", Some(&pricing.per_endpoint)),
            ("floor", Some(&pricing.floor)),
            ("cap", pricing.cap.as_ref()),
        ];
        for (name, text) in decimals.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            match text.parse::<Dec>() {
                Ok(value) if !value.is_negative() => {}
                _ => return Err(format!("pricing.{name}: {text:?} is not a decimal of at least 0")),
            }
        }
        Ok(())
    }
}

/// Where a provider's daemon keeps its files.
#[derive(Clone, Debug)]
pub struct Home(pub PathBuf);

impl Home {
    pub fn config(&self) -> PathBuf {
        self.0.join("provider.toml")
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("provider.redb")
    }

    /// Where the running daemon hears its operator.
    pub fn admin(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// The backend's images, workloads and logs.
    pub fn containers(&self) -> PathBuf {
        self.0.join("containers")
    }

    /// The encrypted key store.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// File with the key store's passphrase, readable by the owner only.
    pub fn passphrase(&self) -> PathBuf {
        self.0.join("passphrase")
    }

    pub fn certificate(&self) -> PathBuf {
        self.0.join("gateway.pem")
    }
}
