//! `virtengine tx`: build, show, sign, send and await one message.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost::Message as _;
use serde_json::json;
use ve_base::{Coin, Coins};
use ve_client::TxOptions;
use ve_client::tx::Committed;
use ve_proto::Any;

use super::{CliError, Context, tree};

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
        .arg(value("gas", "N", "Gas limit [default: 1.4 times what a simulation uses]"))
        .arg(value("fees", "COIN", "Fee [default: gas limit times the node's lowest price]"))
        .arg(value("memo", "TEXT", "Public note, at most 256 characters"))
        .arg(value("timeout", "SECONDS", "How long to wait for a block [default: 30]"))
        .arg(switch("dry-run", "Simulate and show the gas, send nothing"))
        .arg(switch("generate-only", "Print the message and needed signer, sign and send nothing"))
        .arg(switch("yes", "Do not ask before sending").short('y'))
}

pub async fn run(context: &Context, matches: &ArgMatches) -> Result<(), CliError> {
    let (method, arguments) = tree::matched(matches, &["Msg"])?;
    let descriptor = method.input();
    let mut fields = tree::message_fields(&descriptor, arguments)?;
    let from = arguments.get_one::<String>("from").map(String::as_str);
    if let Some(signer) = tree::signer(&descriptor)
        && !fields.contains_key(&signer)
    {
        let address = context.own_address(from)?;
        // Operators' messages are signed by the account, but name it with the operator's prefix.
        let operator = signer == "validator_address";
        fields.insert(signer, if operator { operator_address(&address)? } else { address }.into());
    }
    let message = tree::message(&descriptor, fields)?;
    let shown = json!({"type": format!("/{}", descriptor.full_name()), "message": tree::value(&message)});
    if arguments.get_flag("generate-only") {
        context.output().print(&shown);
        return Ok(());
    }
    let options = options(arguments)?;
    let any = Any { type_url: format!("/{}", descriptor.full_name()), value: message.encode_to_vec() };
    let (client, _) = context.signer(from).await?;
    if arguments.get_flag("dry-run") {
        let gas = client.simulate(std::slice::from_ref(&any), &options).await?;
        context.output().print(&json!({"gas_used": gas.to_string(), "tx": shown}));
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
        let coin: Coin = fees.parse().map_err(|cause: ve_base::CodedError| CliError::Usage(cause.log))?;
        options.fees = Some(Coins::one(coin));
    }
    Ok(options)
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
