//! `virtengine tx`: build, show, sign, send and await one message.

pub mod offline;

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost::Message as _;
use serde_json::json;
use ve_base::{Coin, Coins, parse_account};
use ve_client::TxOptions;
use ve_client::tx::{Committed, Session};
use ve_proto::Any;

use super::{CliError, Context, Output, tree};

/// Flags of every transaction.
pub fn arguments(command: Command) -> Command {
    let value = |name: &'static str, placeholder: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(placeholder).help(help).global(true)
    };
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help).global(true)
    };
    command
        .arg(value("from", "KEY", "Name of the signing key; may be left out when there is only one"))
        .arg(value("gas", "N", "Gas limit [default: 1.4 times what a simulation uses; 200000 when generated]"))
        .arg(value(
            "fees",
            "COIN",
            "Fee [default: gas limit times the node's lowest price; 0.025uve a unit when generated]",
        ))
        .arg(value("memo", "TEXT", "Public note, at most 256 characters"))
        .arg(value("timeout", "SECONDS", "How long to wait for a block [default: 30]"))
        .arg(value("for-account", "ADDRESS", "The account, when its key was replaced by the signing one"))
        .arg(value("mfa-session", "ID", "Sessions of multi-factor authentication that it uses, by comma"))
        .arg(value("mfa-key", "KEY", "Name of the client key of these sessions"))
        .arg(switch("dry-run", "Simulate and show gas and fee, send nothing"))
        .arg(switch("generate-only", "Print the unsigned transaction for `tx sign`, ask no node"))
        .arg(switch("yes", "Do not ask before sending").short('y'))
}

pub async fn run(context: &Context, matches: &ArgMatches) -> Result<(), CliError> {
    if let Some(result) = offline::run(context, matches).await {
        return result;
    }
    let (method, arguments) = tree::matched(matches, &["Msg"])?;
    let descriptor = method.input();
    let mut fields = tree::message_fields(&descriptor, arguments)?;
    let from = arguments.get_one::<String>("from").map(String::as_str);
    let account = arguments.get_one::<String>("for-account").map(|text| parse_account("account", text)).transpose();
    let account = account.map_err(|cause| CliError::Usage(format!("--for-account: {}", cause.log)))?;
    if let Some(signer) = tree::signer(&descriptor)
        && !fields.contains_key(&signer)
    {
        let address = match &account {
            Some(account) => account.to_string(),
            None => context.own_address(from)?,
        };
        // Operators' messages are signed by the account, but name it with the operator's prefix.
        let operator = signer == "validator_address";
        fields.insert(signer, if operator { operator_address(&address)? } else { address }.into());
    }
    let message = tree::message(&descriptor, fields)?;
    let shown = json!({"type": format!("/{}", descriptor.full_name()), "message": tree::value(&message)});
    let mut options = options(arguments)?;
    let any = Any { type_url: format!("/{}", descriptor.full_name()), value: message.encode_to_vec() };
    if arguments.get_flag("generate-only") {
        // Always JSON: it is a file for `tx sign`.
        Output::Json.print(&offline::generate(any, &options)?.to_json());
        return Ok(());
    }
    options.sessions = sessions(context, arguments)?;
    let (mut client, _) = context.signer(from).await?;
    if let Some(account) = account {
        client = client.for_account(account);
    }
    if arguments.get_flag("dry-run") {
        let gas = client.simulate(std::slice::from_ref(&any), &options).await?;
        let limit = ve_client::tx::gas_limit(gas);
        let fee: Vec<_> = ve_client::tx::GasPrice::of_node(client.rpc()).await?.fee(limit)?.to_proto();
        let fee: Vec<_> = fee.iter().map(|coin| json!({"denom": coin.denom, "amount": coin.amount})).collect();
        context.output().print(&json!({
            "gas_used": gas.to_string(), "gas_limit": limit.to_string(), "fee": fee, "tx": shown,
        }));
        return Ok(());
    }
    if !arguments.get_flag("yes") && std::io::stdin().is_terminal() {
        eprintln!("{}", super::output::text(&shown).trim_end());
        confirm("Sign and send?")?;
    }
    let committed = client.send_with(vec![any], &options).await?;
    context.output().print(&result(&committed));
    Ok(())
}

pub fn result(committed: &Committed) -> serde_json::Value {
    json!({
        "hash": committed.hash,
        "height": committed.height.to_string(),
        "gas_wanted": committed.result.gas_wanted.to_string(),
        "gas_used": committed.result.gas_used.to_string(),
        "data": BASE64.encode(&committed.result.data),
        "events": committed.result.events.iter().map(|event| {
            let attributes: serde_json::Map<String, serde_json::Value> =
                event.attributes.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            json!({"type": event.kind, "attributes": attributes})
        }).collect::<Vec<_>>(),
    })
}

fn operator_address(account: &str) -> Result<String, CliError> {
    ve_base::Address::from_bech32(account, ve_base::ACCOUNT_PREFIX)
        .map(|address| address.to_bech32(ve_base::OPERATOR_PREFIX))
        .map_err(|cause| CliError::Usage(cause.to_string()))
}

fn options(arguments: &ArgMatches) -> Result<TxOptions, CliError> {
    let text = |name: &str| arguments.get_one::<String>(name);
    let number = |name: &str| -> Result<Option<u64>, CliError> {
        let parse = |text: &String| text.parse().map_err(|_| CliError::Usage(format!("--{name} needs a whole number")));
        text(name).map(parse).transpose()
    };
    let mut options = TxOptions { memo: text("memo").cloned().unwrap_or_default(), ..TxOptions::default() };
    options.gas = number("gas")?;
    if let Some(seconds) = number("timeout")? {
        options.timeout = Duration::from_secs(seconds);
    }
    if let Some(fees) = text("fees") {
        options.fees = Some(coins(fees).map_err(|cause| CliError::Usage(format!("--fees: {}", cause.log)))?);
    }
    Ok(options)
}

/// The sessions that a transaction uses, with the key that signs for them.
fn sessions(context: &Context, arguments: &ArgMatches) -> Result<Vec<Session>, CliError> {
    let Some(ids) = arguments.get_one::<String>("mfa-session") else { return Ok(Vec::new()) };
    let name = arguments.get_one::<String>("mfa-key");
    let name = name.ok_or_else(|| CliError::Usage("--mfa-session needs --mfa-key, the key it is bound to".into()))?;
    let key = Arc::new(context.unlock(Some(name))?.0);
    let parse = |text: &str| text.trim().parse().map_err(|_| CliError::Usage("--mfa-session needs numbers".into()));
    ids.split(',').map(|id| Ok(Session { id: parse(id)?, key: key.clone() })).collect()
}

/// Coins from text like `100uve,5uvcc`.
fn coins(text: &str) -> Result<Coins, ve_base::CodedError> {
    let list: Vec<Coin> = text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>()?;
    Coins::new(list)
}

/// Asks at the terminal; anything but yes ends the command.
pub fn confirm(question: &str) -> Result<(), CliError> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" if read.is_ok() => Ok(()),
        _ => Err(CliError::Usage("not confirmed; add --yes to go on without asking".into())),
    }
}
