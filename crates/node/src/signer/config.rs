//! `config/signer.toml` and the places of a signer's home.

use std::path::{Path, PathBuf};

use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// Everything that an operator may set of a signer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerConfig {
    /// Nothing of another chain is signed.
    pub chain_id: String,
    /// Multiaddress to listen on.
    pub listen: String,
    /// Link ids of the nodes that are answered, as `node init` prints them.
    pub nodes: Vec<String>,
}

impl SignerConfig {
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: name(), cause: cause.to_string() })?;
        let config: Self =
            toml::from_str(&text).map_err(|cause| ConfigError::Parse { path: name(), cause: cause.to_string() })?;
        config.validate()?;
        Ok(config)
    }

    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        self.validate()?;
        let failed = |cause: String| ConfigError::Write { path: path.display().to_string(), cause };
        let text = toml::to_string(self).map_err(|cause| failed(cause.to_string()))?;
        std::fs::write(path, text).map_err(|cause| failed(cause.to_string()))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.listen_address()?;
        if self.allowed()?.is_empty() {
            let cause = "must name a node, by the link id that `virtengine node init` prints".into();
            return Err(ConfigError::Value { key: "nodes", value: "[]".into(), cause });
        }
        Ok(())
    }

    pub fn listen_address(&self) -> Result<Multiaddr, ConfigError> {
        self.listen.parse().map_err(|_| ConfigError::Value {
            key: "listen",
            value: self.listen.clone(),
            cause: "is not a multiaddress such as /ip4/10.0.0.9/tcp/26659".into(),
        })
    }

    pub fn allowed(&self) -> Result<Vec<PeerId>, ConfigError> {
        let parse = |text: &String| {
            text.parse().map_err(|_| ConfigError::Value {
                key: "nodes",
                value: text.clone(),
                cause: "is not a link id as `virtengine node init` prints it".into(),
            })
        };
        self.nodes.iter().map(parse).collect()
    }
}

/// Where things are below a signer's home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerHome(pub PathBuf);

impl SignerHome {
    pub fn config(&self) -> PathBuf {
        self.0.join("config/signer.toml")
    }

    pub fn consensus_key(&self) -> PathBuf {
        self.0.join("config/priv_validator_key.json")
    }

    pub fn link_key(&self) -> PathBuf {
        self.0.join("config/link_key.json")
    }

    /// What the guard remembers. Never copy it together with the key to a second machine.
    pub fn guard(&self) -> PathBuf {
        self.0.join("data/priv_validator_state.json")
    }

    /// Held by the one signer that runs on this home.
    pub fn lock(&self) -> PathBuf {
        self.0.join("data/lock")
    }
}
