//! `virtengine envelope`: keys that others seal data to, sealing files for people, and opening them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;
use ve_base::Address;
use ve_base::envelope::{self, Content, EncryptionKey, PublicEncryptionKey, Recipients, Subject};
use ve_base::keys::{PublicKey, SecretKey};
use ve_client::tx::any;
use ve_client::{RpcClient, TxClient};
use ve_proto::cosmos::auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse};
use ve_proto::ve::encryption::v1::*;

use super::{CliError, Context, tx};

/// Module name that files are sealed under.
const MODULE: &str = "file";
/// Keys that are derived from an account in search of one.
const MAX_DERIVED: u32 = 64;
/// Codes of the chain: no such key; the key was registered before.
const CODESPACE: &str = "encryption";
const NOT_FOUND: u32 = 21;
const EXISTS: u32 = 22;
/// Largest file that is sealed or opened, in bytes.
const MAX_FILE: u64 = 64 << 20;

#[derive(Debug, clap::Subcommand)]
pub enum EnvelopeCommand {
    /// Put an encryption key of the account on the chain, so that others can seal data to it
    Key {
        /// Key that signs [default: the only key]
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        suite: SuiteName,
        /// Replace this key, which then opens only what it has
        #[arg(long, value_name = "KEY_ID")]
        rotate: Option<String>,
        /// What you call it
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Seal a file so that only the named accounts can read it
    Seal {
        /// File to seal, `-` for standard input
        file: String,
        /// Account that may read it; give it once for each
        #[arg(long, required = true, value_name = "ADDRESS")]
        to: Vec<String>,
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        /// What the file belongs to; whoever opens it must name the same
        #[arg(long, default_value = "")]
        subject: String,
        #[arg(long, default_value = "application/octet-stream")]
        content_type: String,
    },
    /// Print what an envelope holds, after checking who sealed it
    Open {
        /// Envelope as `seal` printed it, `-` for standard input
        file: String,
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        /// As it was named when sealing
        #[arg(long, default_value = "")]
        subject: String,
    },
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum SuiteName {
    #[default]
    X25519,
    /// Holds against quantum computers too; keys and envelopes are larger by a kilobyte
    XWing,
}

impl SuiteName {
    fn suite(self) -> Suite {
        match self {
            Self::X25519 => Suite::X25519,
            Self::XWing => Suite::XWing,
        }
    }
}

pub async fn run(context: &Context, command: EnvelopeCommand) -> Result<(), CliError> {
    match command {
        EnvelopeCommand::Key { from, suite, rotate, label } => {
            register(context, from.as_deref(), suite.suite(), rotate, label).await
        }
        EnvelopeCommand::Seal { file, to, from, subject, content_type } => {
            seal(context, &file, &to, from.as_deref(), &subject, &content_type).await
        }
        EnvelopeCommand::Open { file, from, subject } => open(context, &file, from.as_deref(), &subject).await,
    }
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// Randomness of the operating system; the first failure is kept, because sealing itself has no way to report it.
struct Entropy(Result<(), CliError>);

impl Entropy {
    fn fill(&mut self, buffer: &mut [u8]) {
        if SystemRandom::new().fill(buffer).is_err() {
            self.0 = Err(CliError::Failed("the operating system gives no randomness".into()));
        }
    }
}

async fn registered(rpc: &RpcClient, key: &PublicEncryptionKey) -> Result<Option<RecipientKey>, CliError> {
    let request = QueryKeyByFingerprintRequest { fingerprint: key.fingerprint() };
    let found = rpc.query("/ve.encryption.v1.Query/KeyByFingerprint", &request).await;
    match found {
        Ok(QueryKeyByFingerprintResponse { key }) => Ok(key),
        Err(error) if error.chain_code() == Some((CODESPACE, NOT_FOUND)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The first key derived from the account that the chain has never seen. A purged one is unknown to the query and known
/// to the chain, so the caller goes on when the chain refuses it.
async fn register(
    context: &Context,
    from: Option<&str>,
    suite: Suite,
    rotate: Option<String>,
    label: String,
) -> Result<(), CliError> {
    let (account, _) = context.unlock(from)?;
    let signer = SecretKey::from_bytes(account.to_bytes()).map_err(failed)?;
    let client = TxClient::connect(context.rpc()?, signer, context.global.chain_id.as_deref()).await?;
    context.may_use_keyring(client.chain_id())?;
    let owner = client.address().to_string();
    for index in 1..=MAX_DERIVED {
        let key = EncryptionKey::of_account(&account, suite, index).map_err(failed)?;
        let public = key.public().map_err(failed)?;
        if registered(client.rpc(), &public).await?.is_some() {
            continue;
        }
        let mut fresh = [0; 64];
        let mut entropy = Entropy(Ok(()));
        entropy.fill(&mut fresh);
        entropy.0?;
        let proof = key.prove(client.chain_id(), &owner, &fresh).map_err(failed)?.to_vec();
        let (suite, public_key) = (suite.into(), public.bytes().to_vec());
        let message = match &rotate {
            Some(old) => any(&MsgRotateKey {
                owner: owner.clone(),
                old_key_id: old.clone(),
                suite,
                public_key,
                proof_of_possession: proof,
                label: label.clone(),
            }),
            None => any(&MsgRegisterKey {
                owner: owner.clone(),
                suite,
                public_key,
                proof_of_possession: proof,
                label: label.clone(),
            }),
        };
        let committed = match client.send(vec![message]).await {
            Err(error) if error.chain_code() == Some((CODESPACE, EXISTS)) => continue,
            result => result?,
        };
        let key = registered(client.rpc(), &public).await?;
        let mut shown = tx::result(&committed);
        shown["key_id"] = key.map(|key| envelope::key_id(&key.public_key, key.version)).into();
        context.output().print(&shown);
        return Ok(());
    }
    Err(CliError::Failed(format!("all {MAX_DERIVED} keys of this account were used; use another account")))
}

/// The newest active key of each account.
async fn recipients(rpc: &RpcClient, to: &[String]) -> Result<Recipients, CliError> {
    let mut keys = BTreeMap::new();
    for owner in to {
        let request = QueryKeysRequest { owner: owner.clone(), state: KeyState::Active.into(), pagination: None };
        let response: QueryKeysResponse = rpc.query("/ve.encryption.v1.Query/Keys", &request).await?;
        let newest = response.keys.into_iter().max_by_key(|key| key.version).ok_or_else(|| {
            CliError::Failed(format!("{owner} has no encryption key; its owner runs `virtengine envelope key`"))
        })?;
        let public = PublicEncryptionKey::new(newest.suite(), &newest.public_key).map_err(failed)?;
        keys.insert(envelope::key_id(public.bytes(), newest.version), public);
    }
    Ok(Recipients { mode: Mode::Specific, epoch: 0, keys })
}

async fn seal(
    context: &Context,
    file: &str,
    to: &[String],
    from: Option<&str>,
    subject: &str,
    content_type: &str,
) -> Result<(), CliError> {
    let plaintext = read(file)?;
    let to = to.iter().map(|name| context.address(name)).collect::<Result<Vec<_>, _>>()?;
    let (account, _) = context.unlock(from)?;
    let rpc = context.rpc()?;
    let chain_id = rpc.status().await?.chain_id;
    let owner = account.public_key().address().to_string();
    let recipients = recipients(&rpc, &to).await?;
    let subject = Subject { chain_id: &chain_id, module: MODULE, object_id: subject, owner: &owner };
    let content = Content { plaintext: &plaintext, content_type, data_class: 2, retention_seconds: 0 };
    let mut entropy = Entropy(Ok(()));
    let sealed = envelope::seal(&subject, &recipients, &content, &account, &mut |buffer| entropy.fill(buffer));
    entropy.0?;
    let json = to_json(&sealed.map_err(failed)?)?;
    println!("{json}");
    Ok(())
}

async fn open(context: &Context, file: &str, from: Option<&str>, subject: &str) -> Result<(), CliError> {
    let sealed = from_json(&read(file)?)?;
    let (account, _) = context.unlock(from)?;
    let rpc = context.rpc()?;
    let chain_id = rpc.status().await?.chain_id;
    let owner = &sealed.sender_key_id;
    let subject = Subject { chain_id: &chain_id, module: MODULE, object_id: subject, owner };
    let sender = public_key(&rpc, owner).await?;
    envelope::verify_sender(&sealed, &subject, &sender).map_err(failed)?;
    let (id, key) = own_entry(&sealed, &account)?;
    let plaintext = envelope::open(&sealed, &subject, &id, &key).map_err(failed)?;
    context.output().note(&format!("sealed by {owner}, {}", sealed.content_type));
    std::io::stdout().write_all(&plaintext).map_err(|cause| failed(format!("standard output: {cause}")))
}

/// The account's public key, which the chain knows from its first transaction on.
async fn public_key(rpc: &RpcClient, address: &str) -> Result<PublicKey, CliError> {
    Address::from_bech32(address, ve_base::ACCOUNT_PREFIX).map_err(failed)?;
    let request = QueryAccountInfoRequest { address: address.to_owned() };
    let response: QueryAccountInfoResponse = rpc.query("/cosmos.auth.v1beta1.Query/AccountInfo", &request).await?;
    let key = response.info.and_then(|info| info.pub_key);
    let key =
        key.ok_or_else(|| CliError::Failed(format!("{address} has not sent a transaction yet: its key is unknown")))?;
    PublicKey::from_any(&key).map_err(failed)
}

/// The entry that a key of the account opens.
fn own_entry(sealed: &Envelope, account: &SecretKey) -> Result<(String, EncryptionKey), CliError> {
    for index in 1..=MAX_DERIVED {
        let key = EncryptionKey::of_account(account, sealed.suite(), index).map_err(failed)?;
        let prefix = format!("{}:", key.public().map_err(failed)?.fingerprint());
        if let Some(entry) = sealed.recipients.iter().find(|entry| entry.key_id.starts_with(&prefix)) {
            return Ok((entry.key_id.clone(), key));
        }
    }
    let address = account.public_key().address();
    Err(CliError::Failed(format!("{address} is no recipient of this envelope; open it with another key by --from")))
}

fn read(path: &str) -> Result<Vec<u8>, CliError> {
    let file = |cause: std::io::Error| CliError::File { path: path.to_owned(), cause: cause.to_string() };
    let mut bytes = Vec::new();
    let read = match path {
        "-" => std::io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes),
        _ => std::fs::File::open(path).map_err(file)?.take(MAX_FILE + 1).read_to_end(&mut bytes),
    };
    read.map_err(file)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CliError::File { path: path.to_owned(), cause: format!("larger than {} MiB", MAX_FILE >> 20) });
    }
    Ok(bytes)
}

fn descriptor() -> Result<prost_reflect::MessageDescriptor, CliError> {
    let found = ve_proto::descriptors().get_message_by_name("ve.encryption.v1.Envelope");
    found.ok_or_else(|| CliError::Failed("the schema of envelopes is missing".into()))
}

fn to_json(envelope: &Envelope) -> Result<Value, CliError> {
    let message = DynamicMessage::decode(descriptor()?, envelope.encode_to_vec().as_slice()).map_err(failed)?;
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).map_err(failed)
}

fn from_json(bytes: &[u8]) -> Result<Envelope, CliError> {
    let no_envelope = |cause: String| {
        CliError::Failed(format!("not an envelope: {cause}; give what `virtengine envelope seal` printed"))
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|cause| no_envelope(cause.to_string()))?;
    let message = DynamicMessage::deserialize(descriptor()?, value).map_err(|cause| no_envelope(cause.to_string()))?;
    let envelope =
        Envelope::decode(message.encode_to_vec().as_slice()).map_err(|cause| no_envelope(cause.to_string()))?;
    Ok(envelope)
}
