//! `virtengine verifier run`: what a member of a committee runs beside its node; and the keys that it needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::{Value, json};
use ve_base::envelope::EncryptionKey;
use ve_base::keys::ConsensusSecret;
use ve_client::keystore::{private_dir, write_new_private};
use ve_proto::ve::encryption::v1::Suite;
use ve_verifier::inference::Model;
use ve_verifier::worker::{DOCUMENTS, Keys, MAX_KEYS, SEALING, SIGNING, Worker, WorkerError};
use zeroize::Zeroizing;

use super::model;
use crate::cli::{Context, Global};
use crate::daemon;

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Account of the committee's member: the operator of a validator
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// Folder with the keys of the enclave [default: verifier/keys in the home folder]
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Folder for what it is bound to in runs that are open [default: verifier/runs in the home folder]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Folder of ciphertexts that are kept off the chain, each under its content id
    #[arg(long, value_name = "FOLDER")]
    artifacts: Option<PathBuf>,
    /// Manifest of the model that the chain scores with; may be given for each of several [default: model C1]
    #[arg(long, value_name = "MANIFEST")]
    model: Vec<PathBuf>,
    /// Time between looking for work
    #[arg(long, default_value = "2s", value_name = "TIME")]
    every: humantime::Duration,
}

#[derive(Debug, clap::Args)]
pub struct KeygenArgs {
    /// Folder for the keys [default: verifier/keys in the home folder]
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Make the network's key for documents, too: only the first member does, the others get it from him
    #[arg(long)]
    first: bool,
}

fn folder(context: &Context, given: Option<PathBuf>, name: &str) -> PathBuf {
    given.unwrap_or_else(|| context.home.join("verifier").join(name))
}

/// Makes the keys of one more enclave and gives their public halves, which its registration names.
pub fn keygen(global: &Global, args: KeygenArgs) -> Result<Value> {
    let folder = folder(&Context::new(global.clone()), args.keys, "keys");
    private_dir(&folder)?;
    if args.first {
        fresh(&folder.join(DOCUMENTS))?;
    }
    let path = |kind: &str, number: usize| folder.join(format!("{kind}-{number}.key"));
    let free = |number: &usize| !path(SIGNING, *number).exists() && !path(SEALING, *number).exists();
    let number = (1..=MAX_KEYS).find(free);
    let number = number.with_context(|| {
        format!("{} has keys of {MAX_KEYS} enclaves; remove those of enclaves that ended", folder.display())
    })?;
    let signing = ConsensusSecret::from_seed(*fresh(&path(SIGNING, number))?);
    let sealing = EncryptionKey::from_bytes(Suite::X25519, *fresh(&path(SEALING, number))?)?;
    // Until the first member's file is here, there is nothing to compare.
    let documents = Keys::read(&folder).ok().and_then(|keys| keys.documents_tag());
    Ok(json!({
        "folder": folder,
        "signing_key": hex::encode(signing.public()),
        "sealing_key": hex::encode(sealing.public()?.bytes()),
        "documents_tag": documents,
    }))
}

/// A secret in a new file.
fn fresh(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *secret).ok().context("this machine gives no randomness")?;
    let text = Zeroizing::new(format!("{}\n", hex::encode(*secret)));
    write_new_private(path, text.as_bytes())?;
    Ok(secret)
}

/// A process that breaks down leaves its memory on disk, where evidence must never be.
fn no_core_dumps() -> Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("core dumps cannot be turned off")
}

/// Works until it is asked to stop. A node that is gone is waited for; what this member is bound to is on disk.
pub async fn run(global: &Global, args: RunArgs) -> Result<()> {
    daemon::listen();
    daemon::log("info");
    no_core_dumps()?;
    let context = Context::new(global.clone());
    let every: Duration = args.every.into();
    if every.is_zero() {
        bail!("--every is at least a millisecond");
    }
    let keys = Keys::read(&folder(&context, args.keys, "keys"))?;
    let mut models = args.model.iter().map(|manifest| model::load(manifest)).collect::<Result<Vec<_>>>()?;
    models.push(Model::genesis());
    let documents = keys.documents_tag();
    let (client, _) = context.signer(args.from.as_deref()).await?;
    let member = client.address().to_string();
    let state = folder(&context, args.state, "runs");
    let mut worker = Worker::new(client, member.clone(), keys, models, state)?.with_artifacts(args.artifacts);
    tracing::info!(member, documents, "the verifier works; the tag of documents is the same at all members");
    loop {
        tokio::select! {
            round = worker.round() => match round {
                Ok(round) if round != Default::default() => tracing::info!(?round, "answered"),
                Ok(_) => {}
                Err(WorkerError::Chain(error)) => tracing::warn!(%error, "trying again"),
                Err(error) => return Err(error.into()),
            },
            () = daemon::asked_to_stop() => return Ok(()),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = daemon::asked_to_stop() => return Ok(()),
        }
    }
}
