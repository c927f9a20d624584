//! Validators of the first block: each participant signs its own, one of them collects all.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::{Message as _, Name as _};
use serde_json::{Value, json};
use ve_base::keys::PublicKey;
use ve_base::tx::{SignDoc, Signer, decode_tx};
use ve_base::{Coin, Dec, OPERATOR_PREFIX, parse_operator};
use ve_chain_core::staking;
use ve_client::tx::any;
use ve_client::tx::file::{SignerData, TxFile};
use ve_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use ve_proto::cosmos::tx::v1beta1::Fee;

use super::{Target, failed, file, home};
use crate::cli::{CliError, Context};

/// Files that one ceremony collects.
const MAX_GENTXS: usize = 500;
const MAX_FILE: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
pub struct GentxArgs {
    /// Key of the account that operates the validator and bonds its coins
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// The validator's own stake, at least 1000000000uve
    #[arg(long, value_name = "COIN")]
    amount: String,
    /// Name that delegators see
    #[arg(long)]
    moniker: String,
    #[arg(long, default_value = "")]
    website: String,
    /// Where to report security problems
    #[arg(long, default_value = "")]
    security_contact: String,
    #[arg(long, default_value = "")]
    details: String,
    /// Part of the rewards that the validator keeps
    #[arg(long, value_name = "DECIMAL", default_value = "0.05")]
    commission_rate: Dec,
    /// What that part never exceeds
    #[arg(long, value_name = "DECIMAL", default_value = "0.2")]
    commission_max_rate: Dec,
    /// By how much it changes at most within a day
    #[arg(long, value_name = "DECIMAL", default_value = "0.01")]
    commission_max_change_rate: Dec,
    /// Consensus key in base64, when a signer elsewhere has it [default: the key of the node's home]
    #[arg(long, value_name = "KEY")]
    pubkey: Option<String>,
    /// Where other nodes reach this one, such as /ip4/203.0.113.7/tcp/26656
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    peer: String,
    /// Where to write the signed validator [default: config/gentx in the node's home]
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub struct CollectArgs {
    /// Folder with the participants' files [default: config/gentx in the node's home]
    #[arg(long, value_name = "DIR")]
    gentx_dir: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

fn folder(context: &Context) -> PathBuf {
    home(context).0.join("config/gentx")
}

fn chain_id(document: &Value) -> Result<String, CliError> {
    let chain_id = document["chain_id"].as_str().ok_or_else(|| failed("the genesis file has no chain_id"))?;
    Ok(chain_id.to_owned())
}

/// Nothing was sent before genesis.
fn signer_data(chain_id: &str) -> SignerData {
    SignerData { chain_id: chain_id.to_owned(), account_number: 0, sequence: 0 }
}

fn consensus_key(context: &Context, given: Option<&str>) -> Result<PublicKey, CliError> {
    let key = match given {
        Some(text) => {
            let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or_else(|| CliError::Usage("--pubkey is 32 bytes in base64".into()))?
        }
        None => ve_node::node::create_keys(&home(context)).map_err(|cause| failed(format!("{cause:#}")))?.validator_key,
    };
    let key = PublicKey::Ed25519(key);
    key.check().map_err(|cause| CliError::Usage(cause.to_string()))?;
    Ok(key)
}

pub fn make(context: &Context, arguments: &GentxArgs) -> Result<(), CliError> {
    let mut document = file::read(&arguments.target.path(context))?;
    let chain_id = chain_id(&document)?;
    context.may_use_keyring(&chain_id)?;
    let amount: Coin = arguments.amount.parse().map_err(|cause: ve_base::CodedError| CliError::Usage(cause.log))?;
    let (key, _) = context.unlock(arguments.from.as_deref())?;
    let operator = key.public_key().address();
    let consensus = consensus_key(context, arguments.pubkey.as_deref())?;
    #[allow(deprecated, reason = "the message has a field that is no longer used")]
    let message = MsgCreateValidator {
        description: Some(Description {
            moniker: arguments.moniker.clone(),
            website: arguments.website.clone(),
            security_contact: arguments.security_contact.clone(),
            details: arguments.details.clone(),
            ..Description::default()
        }),
        commission: Some(CommissionRates {
            rate: arguments.commission_rate.to_mantissa(),
            max_rate: arguments.commission_max_rate.to_mantissa(),
            max_change_rate: arguments.commission_max_change_rate.to_mantissa(),
        }),
        min_self_delegation: staking::MIN_SELF_BOND.to_string(),
        delegator_address: String::new(),
        validator_address: operator.to_bech32(OPERATOR_PREFIX),
        pubkey: Some(consensus.to_any()),
        value: Some(amount.to_proto()),
    };
    // What the collection would refuse shows where it is made.
    staking::add_created(&mut document["app_state"], &message).map_err(|cause| failed(cause.log))?;
    let fee = Fee { gas_limit: 200_000, ..Fee::default() };
    let signed =
        TxFile::new(vec![any(&message)], arguments.peer.clone(), fee).sign(&key, &signer_data(&chain_id), false)?;
    let path = match &arguments.output_document {
        Some(path) => path.clone(),
        None => folder(context).join(format!("gentx-{operator}.json")),
    };
    file::write(&path, &signed.to_json())?;
    context.output().print(&json!({
        "gentx": path.display().to_string(),
        "validator": message.validator_address,
        "self_bond": amount.to_string(),
    }));
    Ok(())
}

/// A participant's validator, its signature checked.
struct Signed {
    message: MsgCreateValidator,
    peer: String,
}

fn parse(text: &str, chain_id: &str) -> Result<Signed, CliError> {
    let file = TxFile::from_json(text)?;
    let [content] = file.messages() else { return Err(failed("it has to hold exactly one message")) };
    if content.type_url != MsgCreateValidator::type_url() {
        return Err(failed(format!("it holds a {}, not a MsgCreateValidator", content.type_url)));
    }
    let message = MsgCreateValidator::decode(content.value.as_slice()).map_err(failed)?;
    let tx = decode_tx(&file.raw()).map_err(failed)?;
    let ([info], [signature]) = (tx.auth_info.signer_infos.as_slice(), tx.signatures.as_slice()) else {
        return Err(failed("it has to have exactly one signature"));
    };
    let key = info.public_key.as_ref().ok_or_else(|| failed("it does not say whose signature it has"))?;
    let key = PublicKey::from_any(key).map_err(failed)?;
    let address = key.address();
    if parse_operator(&message.validator_address).map_err(|cause| failed(cause.log))? != address {
        return Err(failed(format!("it is signed by {address}, not by the operator {}", message.validator_address)));
    }
    let data = signer_data(chain_id);
    let document = SignDoc { tx: &tx, chain_id, account_number: data.account_number, sequence: data.sequence };
    let signer = Signer { address: &address, info, key: &key };
    document
        .verify(&signer, signature)
        .map_err(|cause| failed(format!("{cause}; it has to be made for the network {chain_id}")))?;
    Ok(Signed { message, peer: tx.body.memo.clone() })
}

fn read(path: &Path, chain_id: &str) -> Result<Signed, CliError> {
    let fail = |cause: String| CliError::File { path: path.display().to_string(), cause };
    let size = std::fs::metadata(path).map_err(|cause| fail(cause.to_string()))?.len();
    if size > MAX_FILE {
        return Err(fail(format!("{size} bytes are no signed validator")));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| fail(cause.to_string()))?;
    parse(&text, chain_id).map_err(|cause| fail(cause.to_string()))
}

/// All or nothing. Validators stand in the order of their addresses, whatever their files are called.
pub fn collect(context: &Context, arguments: &CollectArgs) -> Result<(), CliError> {
    let path = arguments.target.path(context);
    let mut document = file::read(&path)?;
    let chain_id = chain_id(&document)?;
    let folder = arguments.gentx_dir.clone().unwrap_or_else(|| folder(context));
    let fail = |cause: std::io::Error| CliError::File { path: folder.display().to_string(), cause: cause.to_string() };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    if files.is_empty() || files.len() > MAX_GENTXS {
        return Err(CliError::Usage(format!(
            "{} holds {} signed validators, 1 to {MAX_GENTXS} are needed",
            folder.display(),
            files.len()
        )));
    }
    let mut signed = Vec::new();
    for file in &files {
        signed.push((file, read(file, &chain_id)?));
    }
    signed.sort_by(|(_, left), (_, right)| left.message.validator_address.cmp(&right.message.validator_address));
    for (file, one) in &signed {
        staking::add_created(&mut document["app_state"], &one.message)
            .map_err(|cause| CliError::File { path: file.display().to_string(), cause: cause.log })?;
    }
    let sha256 = file::write(&path, &document)?;
    let validators = signed.iter().map(|(_, one)| {
        let moniker = one.message.description.as_ref().map(|description| description.moniker.clone());
        json!({"validator": one.message.validator_address, "moniker": moniker, "peer": one.peer})
    });
    context.output().print(&json!({"validators": validators.collect::<Vec<_>>(), "sha256": sha256}));
    Ok(())
}
