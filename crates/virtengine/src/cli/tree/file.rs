//! Messages from files, for what does not fit into flags: proposals, grants, messages inside messages. In a file a coin
//! may stand as `100uve` and a decimal with its point; `"@type"` names the type of a nested message. The file that
//! `tx … --generate-only` prints is taken where messages are expected.

use clap::{Arg, ArgMatches};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use ve_base::{Coin, Dec};

use super::fields;
use crate::cli::CliError;

const ANY: &str = "google.protobuf.Any";
/// Messages inside messages.
const MAX_DEPTH: usize = 16;

/// Whether a message has room for messages of any type.
fn holds_any(message: &MessageDescriptor, depth: usize) -> bool {
    depth < MAX_DEPTH
        && message.fields().any(|field| match field.kind() {
            Kind::Message(inner) => inner.full_name() == ANY || holds_any(&inner, depth + 1),
            _ => false,
        })
}

/// The file of a message that flags cannot describe well.
pub fn argument(message: &MessageDescriptor) -> Option<Arg> {
    let help = "The whole message as JSON; `tx … --help` of a nested message shows its fields, \
                `--generate-only` prints one. Flags overwrite fields";
    holds_any(message, 0).then(|| Arg::new("message-file").value_name("FILE").help(help))
}

/// The fields that `FILE` and `--json` give.
pub fn given(message: &MessageDescriptor, arguments: &ArgMatches) -> Result<Map<String, Value>, CliError> {
    let mut fields = Map::new();
    let file = arguments.try_get_one::<String>("message-file").ok().flatten();
    if let Some(path) = file {
        fields.extend(object(fields::json(&format!("@{path}"))?, path)?);
        transaction_as_messages(message, &mut fields);
    }
    if let Some(text) = arguments.get_one::<String>("json") {
        fields.extend(object(fields::json(text)?, "--json")?);
    }
    let mut value = Value::Object(fields);
    readable(message, &mut value, 0)?;
    object(value, "the message")
}

fn object(value: Value, what: &str) -> Result<Map<String, Value>, CliError> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(CliError::Usage(format!("{what} needs an object in braces"))),
    }
}

/// A generated transaction stands for its messages.
fn transaction_as_messages(message: &MessageDescriptor, fields: &mut Map<String, Value>) {
    let list = message
        .fields()
        .find(|field| field.is_list() && matches!(field.kind(), Kind::Message(inner) if inner.full_name() == ANY));
    let messages = fields.get("body").and_then(|body| body.get("messages")).cloned();
    if let (Some(list), Some(messages)) = (list, messages) {
        fields.clear();
        fields.insert(list.name().to_owned(), messages);
    }
}

/// Rewrites what people write into what protobuf JSON has.
fn readable(message: &MessageDescriptor, value: &mut Value, depth: usize) -> Result<(), CliError> {
    if depth > MAX_DEPTH {
        return Err(CliError::Usage("messages are nested too deeply".into()));
    }
    let Value::Object(fields) = value else { return Ok(()) };
    let mut message = message.clone();
    if message.full_name() == ANY {
        let url = fields.get("@type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = url.rsplit('/').next().unwrap_or_default();
        message = ve_proto::descriptors().get_message_by_name(name).ok_or_else(|| {
            CliError::Usage(format!(
                "`{url}` in \"@type\" is no message of this chain; write it like /cosmos.bank.v1beta1.MsgSend"
            ))
        })?;
        // People leave the stroke out, which protobuf JSON refuses.
        fields.insert("@type".into(), format!("/{name}").into());
    }
    for field in message.fields().filter(|field| !field.is_map()) {
        let names = [field.name(), field.json_name()];
        let Some(name) = names.into_iter().find(|name| fields.contains_key(*name)).map(str::to_owned) else { continue };
        let Some(inner) = fields.get_mut(&name) else { continue };
        one_field(&field, inner, depth).map_err(|error| CliError::Usage(format!("{name}: {error}")))?;
    }
    Ok(())
}

fn one_field(field: &FieldDescriptor, value: &mut Value, depth: usize) -> Result<(), CliError> {
    let coins = |text: &str| text.split(',').map(coin).collect::<Result<Vec<_>, _>>();
    match (field.kind(), &mut *value) {
        (Kind::Message(inner), Value::String(text)) if inner.full_name() == "cosmos.base.v1beta1.Coin" => {
            *value = if field.is_list() { coins(text)?.into() } else { coin(text)? };
        }
        (Kind::Message(inner), Value::Array(items)) if field.is_list() => {
            for item in items {
                match item.as_str() {
                    Some(text) if inner.full_name() == "cosmos.base.v1beta1.Coin" => *item = coin(text)?,
                    _ => readable(&inner, item, depth + 1)?,
                }
            }
        }
        (Kind::Message(inner), Value::Object(_)) => readable(&inner, value, depth + 1)?,
        (Kind::String, Value::String(text)) if text.contains('.') && is_decimal(field) => {
            let parsed: Dec = text.parse().map_err(|cause: ve_base::DecError| CliError::Usage(cause.to_string()))?;
            *value = parsed.to_mantissa().into();
        }
        _ => {}
    }
    Ok(())
}

fn is_decimal(field: &FieldDescriptor) -> bool {
    fields::scalar(field).as_deref() == Some("cosmos.Dec")
}

fn coin(text: &str) -> Result<Value, CliError> {
    let coin: Coin = text.trim().parse().map_err(|cause: ve_base::CodedError| CliError::Usage(cause.log))?;
    Ok(json!({"denom": coin.denom.as_str(), "amount": coin.amount.to_string()}))
}
