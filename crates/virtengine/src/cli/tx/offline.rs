//! Transactions as files: `tx … --generate-only` builds one, `tx sign` and `tx multisign` sign it away from any node,
//! `tx broadcast` sends it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use serde_json::Value;
use ve_base::keys::PublicKey;
use ve_base::{Address, Dec, Denom};
use ve_client::tx::file::{MemberSignature, SignerData, TxFile};
use ve_client::tx::{self, GasPrice};
use ve_proto::Any;
use ve_proto::cosmos::tx::v1beta1::Fee;

use super::super::{CliError, Context, output, tree};
use super::confirm;

/// Longest transaction file in bytes.
const MAX_FILE: u64 = 4 << 20;
/// Without a node nothing can be simulated.
const OFFLINE_GAS: u64 = 200_000;
/// uve for a unit of gas, ten times what a node takes when nothing else is configured.
const OFFLINE_GAS_PRICE: &str = "0.025";

#[derive(Debug, clap::Args)]
pub struct Account {
    /// Ask no node; needs --chain-id, --account-number and --sequence
    #[arg(long, requires_all = ["account_number", "sequence"])]
    offline: bool,
    /// Number of the account that pays
    #[arg(long, value_name = "N")]
    account_number: Option<u64>,
    /// Next sequence of the account that pays
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// The transaction; `-` is standard input
    file: PathBuf,
    /// Sign as a member of this multisig, given by name or address
    #[arg(long, value_name = "KEY")]
    multisig: Option<String>,
    /// What hardware wallets sign, instead of the bytes themselves
    #[arg(long)]
    amino_json: bool,
    #[command(flatten)]
    account: Account,
}

#[derive(Debug, clap::Args)]
pub struct MultisignArgs {
    /// The unsigned transaction
    file: PathBuf,
    /// Name of the multisig in the key store
    name: String,
    /// What the members' `tx sign --multisig` printed
    #[arg(required = true)]
    signatures: Vec<PathBuf>,
    #[command(flatten)]
    account: Account,
}

#[derive(Debug, clap::Args)]
pub struct BroadcastArgs {
    /// The signed transaction; `-` is standard input
    file: PathBuf,
}

/// The commands beside those of the modules.
pub fn commands(root: Command) -> Command {
    root.subcommand(SignArgs::augment_args(
        Command::new("sign").about("Sign a transaction of `--generate-only`").display_order(0),
    ))
    .subcommand(MultisignArgs::augment_args(
        Command::new("multisign").about("Put the signatures of a multisig's members together").display_order(0),
    ))
    .subcommand(BroadcastArgs::augment_args(
        Command::new("broadcast").about("Send a signed transaction and wait for its block").display_order(0),
    ))
}

/// Runs one of [`commands`]; `None` when another one is meant.
pub async fn run(context: &Context, matches: &ArgMatches) -> Option<Result<(), CliError>> {
    let (name, arguments) = matches.subcommand()?;
    let usage = |error: clap::Error| CliError::Usage(error.to_string());
    Some(match name {
        "sign" => match SignArgs::from_arg_matches(arguments) {
            Ok(parsed) => sign(context, parsed, arguments).await,
            Err(error) => Err(usage(error)),
        },
        "multisign" => match MultisignArgs::from_arg_matches(arguments) {
            Ok(parsed) => multisign(context, parsed).await,
            Err(error) => Err(usage(error)),
        },
        "broadcast" => match BroadcastArgs::from_arg_matches(arguments) {
            Ok(parsed) => broadcast(context, parsed, arguments).await,
            Err(error) => Err(usage(error)),
        },
        _ => return None,
    })
}

/// An unsigned transaction, made without a node.
pub fn generate(message: Any, options: &ve_client::TxOptions) -> Result<TxFile, CliError> {
    let gas_limit = options.gas.unwrap_or(OFFLINE_GAS);
    let amount = match &options.fees {
        Some(fees) => fees.clone(),
        None => {
            let amount: Dec = OFFLINE_GAS_PRICE.parse().map_err(|_| CliError::Failed("no gas price".into()))?;
            GasPrice { amount, denom: Denom::native() }.fee(gas_limit)?
        }
    };
    let fee = Fee { amount: amount.to_proto(), gas_limit, ..Fee::default() };
    Ok(TxFile::new(vec![message], options.memo.clone(), fee))
}

fn read(path: &Path) -> Result<String, CliError> {
    let fail = |cause: std::io::Error| CliError::File { path: path.display().to_string(), cause: cause.to_string() };
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_FILE).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
    };
    read.map_err(fail)?;
    Ok(text)
}

impl Account {
    /// What the signature is bound to: as given, the rest from a node.
    async fn data(&self, context: &Context, address: &Address) -> Result<SignerData, CliError> {
        let given = (self.account_number, self.sequence, context.global.chain_id.clone());
        if let (Some(account_number), Some(sequence), Some(chain_id)) = given {
            context.may_use_keyring(&chain_id)?;
            return Ok(SignerData { chain_id, account_number, sequence });
        }
        if self.offline {
            return Err(CliError::Usage("--offline needs --chain-id too".into()));
        }
        let rpc = context.rpc()?;
        let chain_id = rpc.status().await?.chain_id;
        if let Some(expected) = context.global.chain_id.clone().filter(|expected| *expected != chain_id) {
            return Err(ve_client::ClientError::WrongChain { expected, got: chain_id }.into());
        }
        context.may_use_keyring(&chain_id)?;
        let (number, sequence) = tx::account(&rpc, address).await?;
        Ok(SignerData {
            chain_id,
            account_number: self.account_number.unwrap_or(number),
            sequence: self.sequence.unwrap_or(sequence),
        })
    }

    /// Always JSON: it is a file for the next command.
    fn write(&self, value: &Value) -> Result<(), CliError> {
        match &self.output_document {
            Some(path) => std::fs::write(path, format!("{value:#}\n"))
                .map_err(|cause| CliError::File { path: path.display().to_string(), cause: cause.to_string() }),
            None => {
                output::Output::Json.print(value);
                Ok(())
            }
        }
    }
}

/// Whoever signs sees what.
fn show(file: &TxFile, arguments: &ArgMatches) -> Result<(), CliError> {
    use std::io::IsTerminal as _;
    if arguments.get_flag("yes") || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    for message in file.messages() {
        eprintln!("{}", output::text(&tree::any_value(message)).trim_end());
    }
    confirm("Sign?")
}

async fn sign(context: &Context, sign: SignArgs, arguments: &ArgMatches) -> Result<(), CliError> {
    let file = TxFile::from_json(&read(&sign.file)?)?;
    show(&file, arguments)?;
    let (key, _) = context.unlock(arguments.get_one::<String>("from").map(String::as_str))?;
    match &sign.multisig {
        Some(account) => {
            let address = context.address(account)?;
            let address = Address::from_bech32(&address, ve_base::ACCOUNT_PREFIX)
                .map_err(|cause| CliError::Usage(cause.to_string()))?;
            must_sign(&file, &address)?;
            let data = sign.account.data(context, &address).await?;
            sign.account.write(&file.sign_as_member(&key, &data)?.to_json())
        }
        None => {
            let address = key.public_key().address();
            must_sign(&file, &address)?;
            let data = sign.account.data(context, &address).await?;
            sign.account.write(&file.sign(&key, &data, sign.amino_json)?.to_json())
        }
    }
}

/// A signature of somebody else would only be refused later.
fn must_sign(file: &TxFile, address: &Address) -> Result<(), CliError> {
    let mut signers = Vec::new();
    for message in file.messages() {
        let found = tree::signers(message).map_err(CliError::Usage)?;
        signers.extend(found.into_iter().filter(|signer| !signers.contains(signer)).collect::<Vec<_>>());
    }
    match signers.as_slice() {
        [signer] if signer == address => Ok(()),
        [signer] => Err(CliError::Usage(format!("this transaction is signed by {signer}, not by {address}"))),
        _ => Err(CliError::Usage("transactions with several signers are put together by wallets".into())),
    }
}

async fn multisign(context: &Context, arguments: MultisignArgs) -> Result<(), CliError> {
    let file = TxFile::from_json(&read(&arguments.file)?)?;
    let info = context.keys()?.show(&arguments.name)?;
    let PublicKey::Multisig(multisig) = &info.public_key else {
        return Err(CliError::Usage(format!("key `{}` is no multisig; use `virtengine tx sign`", arguments.name)));
    };
    must_sign(&file, &info.address)?;
    let mut parts = Vec::new();
    for path in &arguments.signatures {
        parts.extend(MemberSignature::from_json(&read(path)?)?);
    }
    let data = arguments.account.data(context, &info.address).await?;
    arguments.account.write(&file.multisign(multisig, &parts, &data)?.to_json())
}

async fn broadcast(context: &Context, broadcast: BroadcastArgs, arguments: &ArgMatches) -> Result<(), CliError> {
    let file = TxFile::from_json(&read(&broadcast.file)?)?;
    if !file.is_signed() {
        return Err(CliError::Usage("the transaction is not signed; run `virtengine tx sign FILE` first".into()));
    }
    let timeout = super::options(arguments)?.timeout.max(Duration::from_secs(1));
    let committed = tx::broadcast(&context.rpc()?, &file.raw(), timeout).await?;
    context.output().print(&super::result(&committed));
    Ok(())
}
