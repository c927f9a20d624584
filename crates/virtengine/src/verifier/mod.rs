//! `virtengine verifier`: reads evidence and scores features on this machine, and works for a committee of the chain.

mod agree;
mod composite;
mod model;
mod run;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ve_base::attestation::key_id;
use ve_verifier::inference::{self, Features, Findings, ScoreOutcome, features};
use ve_verifier::{Circumstances, Evidence, Extraction};

use crate::cli::Global;

/// Longest file of evidence or features.
const MAX_FILE: u64 = 64 << 10;

#[derive(Debug, clap::Subcommand)]
pub enum VerifierCommand {
    /// Verify identities as a member of the chain's committee, beside its node, until asked to stop
    Run(run::RunArgs),
    /// Make the keys of a member's enclave and print their public halves
    Keygen(run::KeygenArgs),
    /// Read one piece of evidence and print the features that it gives
    Extract {
        /// What it is
        #[arg(long, value_parser = kind)]
        kind: Evidence,
        /// File with it, `-` for standard input
        file: PathBuf,
        /// Time to judge it at, in seconds since 1970 [default: now]
        #[arg(long, value_name = "SECONDS")]
        at: Option<u64>,
        /// Account that an attestation must be about
        #[arg(long, default_value = "", value_name = "ADDRESS")]
        subject: String,
        /// Ed25519 key of an attester, in hexadecimal; give it once for each
        #[arg(long, value_name = "ADDRESS=KEY", value_parser = issuer_key)]
        issuer_key: Vec<(String, [u8; 32])>,
        /// Print what was read of the person, too
        #[arg(long)]
        reveal: bool,
    },
    /// Score features: their 140 bytes in hexadecimal, or JSON with the basis points of each by name
    Score {
        /// File with them, `-` for standard input
        file: PathBuf,
        /// Manifest of a trained model; its files are in the folder beside it [default: model C1]
        #[arg(long, value_name = "MANIFEST")]
        model: Option<PathBuf>,
        /// Findings of the committee, one bit each
        #[arg(long, default_value_t = 0)]
        findings: u8,
    },
    /// Compute the composite score of an account from a description of its evidence in JSON
    Composite {
        /// File with it, `-` for standard input
        file: PathBuf,
    },
    /// Compute anew what a committee agreed on from what its members revealed, in JSON
    Agree {
        /// File with it, `-` for standard input
        file: PathBuf,
    },
    /// Check every file of a model against its manifest
    Model {
        /// Manifest; the files are in the folder of the same name
        manifest: PathBuf,
    },
}

fn kind(name: &str) -> Result<Evidence, String> {
    let known: Vec<&str> = Evidence::ALL.iter().map(|(name, _)| *name).collect();
    Evidence::from_name(name).ok_or_else(|| format!("known are {}", known.join(", ")))
}

fn issuer_key(text: &str) -> Result<(String, [u8; 32]), String> {
    let wrong = || "write ADDRESS=KEY, the key as 64 hexadecimal digits".to_owned();
    let (address, key) = text.split_once('=').ok_or_else(wrong)?;
    let bytes = hex::decode(key).ok().and_then(|bytes| bytes.try_into().ok());
    Ok((address.to_owned(), bytes.ok_or_else(wrong)?))
}

pub async fn run(global: &Global, command: VerifierCommand) -> Result<()> {
    let value = match command {
        VerifierCommand::Run(args) => return run::run(global, args).await,
        VerifierCommand::Keygen(args) => run::keygen(global, args)?,
        VerifierCommand::Extract { kind, file, at, subject, issuer_key, reveal } => {
            let keys = issuer_key.into_iter().map(|(address, key)| ((address, key_id(&key)), key));
            let circumstances = Circumstances {
                now: at.map_or_else(now, Ok)?,
                chain_id: global.chain_id.clone().unwrap_or_default(),
                subject,
                issuer_keys: keys.collect(),
            };
            let extraction = kind.extractor().extract(&read(&file)?, &circumstances)?;
            extracted(&extraction, reveal)
        }
        VerifierCommand::Score { file, model, findings } => {
            let features = parse(&read(&file)?)?;
            let findings = Findings::from_bits(findings).context("findings are five bits, 0 to 31")?;
            let model = model.map_or_else(|| Ok(inference::Model::genesis()), |manifest| model::load(&manifest))?;
            scored(&inference::score(&features, findings, &model))
        }
        VerifierCommand::Composite { file } => composite::run(&read(&file)?)?,
        VerifierCommand::Agree { file } => agree::run(&read(&file)?)?,
        VerifierCommand::Model { manifest } => model::describe(&manifest)?,
    };
    global.output.print(&value);
    Ok(())
}

fn now() -> Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Ok(since.context("the clock of this machine stands before 1970; give the time with --at")?.as_secs())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)
    };
    read.with_context(|| format!("read {}", path.display()))?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("{} is larger than {} KiB", path.display(), MAX_FILE >> 10);
    }
    Ok(bytes)
}

/// Hexadecimal or JSON.
fn parse(bytes: &[u8]) -> Result<Features> {
    let text = std::str::from_utf8(bytes).context("features are text: hexadecimal or JSON")?.trim();
    if !text.starts_with('{') {
        let bytes = hex::decode(text).context("features are hexadecimal or a JSON object")?;
        return Features::decode(&bytes).context("these are no features");
    }
    let named: BTreeMap<String, u16> =
        serde_json::from_str(text).context("features in JSON are names with basis points, 0 to 10000")?;
    let pairs = named.iter().map(|(name, value)| feature(name).map(|index| (index, *value)));
    Features::from_pairs(&pairs.collect::<Result<Vec<_>>>()?).context("these are no features")
}

/// Index of a feature by its name.
fn feature(name: &str) -> Result<usize> {
    let index = (0..features::COUNT).find(|index| features::name(*index) == name);
    index.with_context(|| format!("there is no feature {name}"))
}

fn extracted(extraction: &Extraction, reveal: bool) -> Value {
    let features: BTreeMap<String, u16> =
        extraction.features.iter().map(|(index, value)| (features::name(*index), *value)).collect();
    let mut value = json!({ "features": features, "problems": extraction.problems });
    if reveal {
        let fields: BTreeMap<String, &str> =
            extraction.fields.iter().map(|(field, value)| (field.name(), value.reveal())).collect();
        value["fields"] = json!(fields);
    }
    value
}

fn scored(outcome: &ScoreOutcome) -> Value {
    let part = |part: &inference::Contribution| json!({"name": part.name, "raw": part.raw, "weight": part.weight, "weighted": part.weighted});
    json!({
        "score": outcome.score,
        "score_after_step_up": outcome.score_after_step_up,
        "bp": outcome.bp,
        "margin_bp": outcome.margin_bp,
        "reasons": outcome.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
        "contributions": outcome.contributions.iter().map(part).collect::<Vec<_>>(),
        "input_hash": hex::encode(outcome.input_hash),
        "model": hex::encode(outcome.model),
        "outcome_hash": hex::encode(outcome.hash()),
    })
}
