//! The genesis file, in CometBFT's shape.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use ve_base::BlockTime;
use ve_base::keys::consensus_address;
use ve_sdk::application::{AppState, ConsensusParams};

#[derive(Clone, Debug)]
pub struct Genesis {
    pub chain_id: String,
    pub genesis_seconds: i64,
    pub initial_height: u64,
    pub params: ConsensusParams,
    /// For applications that name no validators themselves.
    pub validators: Vec<([u8; 32], u64)>,
    pub app_state: AppState,
}

/// The document with what the application reads itself left as text: it may be large.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    genesis_time: Value,
    #[serde(default)]
    chain_id: Value,
    #[serde(default)]
    initial_height: Value,
    #[serde(default)]
    consensus_params: Value,
    #[serde(default)]
    validators: Value,
    #[serde(borrow)]
    app_state: BTreeMap<String, &'a RawValue>,
}

impl Genesis {
    pub fn new(chain_id: &str, genesis_seconds: i64, app_state: Value, validators: Vec<([u8; 32], u64)>) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            genesis_seconds,
            initial_height: 1,
            params: ConsensusParams::default(),
            validators,
            app_state: app_state.into(),
        }
    }

    pub fn time(&self) -> BlockTime {
        BlockTime { seconds: self.genesis_seconds, nanos: 0 }
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.to_json()?)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| {
            format!("cannot read the genesis file {}; copy the network's file there", path.display())
        })?;
        Self::parse(&bytes).with_context(|| format!("the genesis file {} is not valid", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let document: Document<'_> = serde_json::from_slice(bytes)?;
        let text = |value: &Value, what: &str| -> Result<String> {
            Ok(value.as_str().with_context(|| format!("{what} is missing or not a string"))?.to_owned())
        };
        let number = |value: &Value, what: &str| -> Result<i64> {
            text(value, what)?.parse().with_context(|| format!("{what} is not an integer"))
        };
        let chain_id = text(&document.chain_id, "chain_id")?;
        if chain_id.is_empty() || chain_id.len() > 50 {
            bail!("chain_id must have 1 to 50 bytes");
        }
        let params = &document.consensus_params;
        let duration = number(&params["evidence"]["max_age_duration"], "evidence.max_age_duration")?;
        let enable = &params["abci"]["vote_extensions_enable_height"];
        let validators = document.validators.as_array().cloned().unwrap_or_default();
        Ok(Self {
            genesis_seconds: parse_time(&text(&document.genesis_time, "genesis_time")?)?,
            initial_height: u64::try_from(number(&document.initial_height, "initial_height")?)?.max(1),
            params: ConsensusParams {
                block_max_bytes: number(&params["block"]["max_bytes"], "block.max_bytes")?,
                block_max_gas: number(&params["block"]["max_gas"], "block.max_gas")?,
                evidence_max_age_blocks: number(&params["evidence"]["max_age_num_blocks"], "max_age_num_blocks")?,
                evidence_max_age_secs: duration / 1_000_000_000,
                evidence_max_bytes: number(&params["evidence"]["max_bytes"], "evidence.max_bytes")?,
                vote_extensions_enable_height: if enable.is_null() { 0 } else { number(enable, "enable height")? },
                app_version: u64::try_from(number(&params["version"]["app"], "version.app")?)?,
            },
            validators: validators.iter().map(validator).collect::<Result<_>>()?,
            app_state: AppState::Texts(
                document.app_state.into_iter().map(|(name, text)| (name, text.get().into())).collect(),
            ),
            chain_id,
        })
    }

    pub fn to_json(&self) -> Result<Value> {
        let params = &self.params;
        let nanos = params.evidence_max_age_secs.saturating_mul(1_000_000_000);
        let validators: Vec<Value> = self
            .validators
            .iter()
            .map(|(key, power)| {
                json!({
                    "address": hex::encode_upper(consensus_address(key)),
                    "pub_key": {"type": "tendermint/PubKeyEd25519", "value": STANDARD.encode(key)},
                    "power": power.to_string(),
                    "name": "",
                })
            })
            .collect();
        Ok(json!({
            "genesis_time": self.time().to_string(),
            "chain_id": self.chain_id,
            "initial_height": self.initial_height.to_string(),
            "consensus_params": {
                "block": {
                    "max_bytes": params.block_max_bytes.to_string(),
                    "max_gas": params.block_max_gas.to_string(),
                },
                "evidence": {
                    "max_age_num_blocks": params.evidence_max_age_blocks.to_string(),
                    "max_age_duration": nanos.to_string(),
                    "max_bytes": params.evidence_max_bytes.to_string(),
                },
                "validator": {"pub_key_types": ["ed25519"]},
                "version": {"app": params.app_version.to_string()},
                "abci": {"vote_extensions_enable_height": params.vote_extensions_enable_height.to_string()},
            },
            "validators": validators,
            "app_hash": "",
            "app_state": self.app_state.to_value()?,
        }))
    }
}

fn validator(value: &Value) -> Result<([u8; 32], u64)> {
    let key = value["pub_key"]["value"].as_str().context("a validator without pub_key")?;
    let key: [u8; 32] = STANDARD.decode(key)?.try_into().ok().context("a validator key must have 32 bytes")?;
    Ok((key, value["power"].as_str().context("a validator without power")?.parse()?))
}

/// RFC 3339 in UTC; a fraction of a second is dropped.
fn parse_time(text: &str) -> Result<i64> {
    let wrong = || format!("genesis_time {text:?} is not an RFC 3339 time in UTC, such as 2026-01-31T12:00:00Z");
    let (date, clock) = text.strip_suffix('Z').and_then(|rest| rest.split_once('T')).with_context(wrong)?;
    let numbers = |text: &str, separator: char| -> Option<Vec<i64>> {
        text.split(separator).map(|part| part.parse().ok()).collect()
    };
    let clock = clock.split('.').next().unwrap_or_default();
    let (Some([year, month, day]), Some([hour, minute, second])) = (
        numbers(date, '-').and_then(|parts| <[i64; 3]>::try_from(parts).ok()),
        numbers(clock, ':').and_then(|parts| <[i64; 3]>::try_from(parts).ok()),
    ) else {
        bail!(wrong());
    };
    let (shifted_year, shifted_month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = shifted_year.div_euclid(400);
    let of_era = shifted_year.rem_euclid(400);
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    if (BlockTime { seconds, nanos: 0 }).to_string()[..19] != text[..19.min(text.len())] {
        bail!(wrong());
    }
    Ok(seconds)
}
