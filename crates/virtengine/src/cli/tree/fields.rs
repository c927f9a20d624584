//! Flags ↔ fields: plain values as they are, coins as `100uve`, anything nested as JSON or `@FILE`.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Arg, ArgAction, ArgMatches};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use ve_base::{Coin, Dec, Denom};

use super::kebab;
use crate::cli::CliError;

/// Longest JSON or bytes file of a field.
const MAX_FILE: u64 = 4 << 20;

/// One flag per field. The signer's may be left out, it follows from `--from`.
pub fn arguments(message: &MessageDescriptor, signer: Option<&str>) -> Vec<Arg> {
    message
        .fields()
        .filter(|field| field.name() != "pagination")
        .map(|field| {
            let many = field.is_list() && !matches!(shape(&field), Shape::Json);
            let mut help = describe(&field);
            if signer == Some(field.name()) {
                help.push_str(" [default: the account of --from]");
            }
            Arg::new(field.name().to_owned())
                .long(flag(&field))
                .value_name(placeholder(&field))
                .help(help)
                .allow_negative_numbers(true)
                .action(if many { ArgAction::Append } else { ArgAction::Set })
        })
        .collect()
}

/// Names that are flags of every command already.
fn flag(field: &FieldDescriptor) -> String {
    let name = kebab(field.name());
    let taken = [
        "home",
        "node",
        "chain-id",
        "output",
        "from",
        "gas",
        "fees",
        "memo",
        "yes",
        "json",
        "height",
        "limit",
        "reverse",
        "dry-run",
        "generate-only",
        "for-account",
        "mfa-session",
        "mfa-key",
        "timeout",
        "help",
        "version",
        "page-key",
        "keyring",
        "passphrase-file",
        "passphrase-fd",
    ];
    if taken.contains(&name.as_str()) { format!("field-{name}") } else { name }
}

enum Shape {
    Number,
    Text,
    Truth,
    Bytes,
    Enum,
    Coin,
    DecCoin,
    Dec,
    Json,
}

fn shape(field: &FieldDescriptor) -> Shape {
    if field.is_map() {
        return Shape::Json;
    }
    match field.kind() {
        Kind::Bool => Shape::Truth,
        Kind::String if scalar(field).as_deref() == Some("cosmos.Dec") => Shape::Dec,
        Kind::String => Shape::Text,
        Kind::Bytes => Shape::Bytes,
        Kind::Enum(_) => Shape::Enum,
        Kind::Message(message) => match message.full_name() {
            "cosmos.base.v1beta1.Coin" => Shape::Coin,
            "cosmos.base.v1beta1.DecCoin" => Shape::DecCoin,
            _ => Shape::Json,
        },
        _ => Shape::Number,
    }
}

/// The `cosmos_proto.scalar` option.
pub(super) fn scalar(field: &FieldDescriptor) -> Option<String> {
    let extension = ve_proto::descriptors().get_extension_by_name("cosmos_proto.scalar")?;
    let options = field.options();
    let text = options.get_extension(&extension).as_str().map(str::to_owned);
    text.filter(|text| !text.is_empty())
}

fn placeholder(field: &FieldDescriptor) -> &'static str {
    match shape(field) {
        Shape::Number => "N",
        Shape::Text if scalar(field).as_deref() == Some("cosmos.AddressString") => "ADDRESS",
        Shape::Text => "TEXT",
        Shape::Truth => "true|false",
        Shape::Bytes => "BASE64",
        Shape::Enum => "NAME",
        Shape::Coin => "COIN",
        Shape::DecCoin => "COIN",
        Shape::Dec => "DECIMAL",
        Shape::Json => "JSON",
    }
}

fn describe(field: &FieldDescriptor) -> String {
    let mut help = match (shape(field), field.kind()) {
        (Shape::Enum, Kind::Enum(kind)) => {
            let names: Vec<String> = kind.values().map(|value| short(value.name(), kind.name())).collect();
            names.join(", ")
        }
        (Shape::Bytes, _) => "base64, 0x and hex, or @FILE".to_owned(),
        (Shape::Coin, _) => "like 100uve".to_owned(),
        (Shape::DecCoin, _) => "like 1.5uve".to_owned(),
        (Shape::Json, Kind::Message(message)) => format!("{} as JSON, or @FILE", message.full_name()),
        _ => String::new(),
    };
    if field.is_list() && !matches!(shape(field), Shape::Json) {
        help = format!("{help} (repeatable)").trim_start().to_owned();
    }
    help
}

/// `ORDER_STATE_OPEN` of `OrderState` → `open`.
fn short(value: &str, kind: &str) -> String {
    let prefix = format!("{}_", kebab(kind).replace('-', "_").to_ascii_uppercase());
    value.strip_prefix(&prefix).unwrap_or(value).to_ascii_lowercase()
}

/// JSON text, or the content of `@FILE`.
pub(super) fn json(text: &str) -> Result<Value, CliError> {
    let content = match text.strip_prefix('@') {
        Some(path) => String::from_utf8(file(path)?).map_err(|_| CliError::Usage(format!("{path} is not text")))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&content).map_err(|cause| CliError::Usage(format!("not valid JSON: {cause}")))
}

fn file(path: &str) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    read.map_err(|cause| CliError::File { path: path.to_owned(), cause: cause.to_string() })?;
    Ok(bytes)
}

/// The fields that flags give, as protobuf JSON.
pub(super) fn given(message: &MessageDescriptor, arguments: &ArgMatches) -> Result<Map<String, Value>, CliError> {
    let mut fields = Map::new();
    for field in message.fields().filter(|field| field.name() != "pagination") {
        let values: Vec<&String> =
            arguments.get_many::<String>(field.name()).map(Iterator::collect).unwrap_or_default();
        if values.is_empty() {
            continue;
        }
        let many = field.is_list() && !matches!(shape(&field), Shape::Json);
        let parsed: Vec<Value> = values
            .iter()
            .map(|text| parse(&field, text))
            .collect::<Result<_, _>>()
            .map_err(|error| CliError::Usage(format!("--{}: {error}", flag(&field))))?;
        let value = if many { Value::Array(parsed) } else { parsed.into_iter().next().unwrap_or_default() };
        fields.insert(field.name().to_owned(), value);
    }
    Ok(fields)
}

fn parse(field: &FieldDescriptor, text: &str) -> Result<Value, CliError> {
    let usage = |cause: String| CliError::Usage(cause);
    Ok(match shape(field) {
        Shape::Number | Shape::Text => text.into(),
        Shape::Truth => json!(text.parse::<bool>().map_err(|_| usage("write true or false".into()))?),
        Shape::Bytes => BASE64.encode(bytes(text)?).into(),
        Shape::Enum => enumeration(field, text)?,
        Shape::Coin => {
            let wrong = |cause: ve_base::CodedError| usage(format!("{}; write it like 100uve", cause.log));
            let coin: Coin = text.parse().map_err(wrong)?;
            json!({"denom": coin.denom.as_str(), "amount": coin.amount.to_string()})
        }
        Shape::DecCoin => {
            let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let (amount, denom) = text.split_at(split);
            let wrong = |cause: String| usage(format!("{cause}; write it like 1.5uve"));
            let amount: Dec = amount.parse().map_err(|cause: ve_base::DecError| wrong(cause.to_string()))?;
            let denom: Denom = denom.parse().map_err(|cause: ve_base::CodedError| wrong(cause.log))?;
            json!({"denom": denom.as_str(), "amount": amount.to_mantissa()})
        }
        Shape::Dec => {
            let amount: Dec = text.parse().map_err(|cause: ve_base::DecError| usage(cause.to_string()))?;
            amount.to_mantissa().into()
        }
        Shape::Json => json(text)?,
    })
}

fn bytes(text: &str) -> Result<Vec<u8>, CliError> {
    if let Some(path) = text.strip_prefix('@') {
        return file(path);
    }
    let decoded = match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).ok(),
        None => BASE64.decode(text).ok(),
    };
    decoded.ok_or_else(|| CliError::Usage("write base64, 0x and hex digits, or @FILE".into()))
}

fn enumeration(field: &FieldDescriptor, text: &str) -> Result<Value, CliError> {
    let Kind::Enum(kind) = field.kind() else { return Ok(text.into()) };
    let wanted = text.replace('-', "_");
    let found = kind.values().find(|value| {
        value.name().eq_ignore_ascii_case(&wanted)
            || short(value.name(), kind.name()).eq_ignore_ascii_case(&wanted)
            || value.number().to_string() == wanted
    });
    match found {
        Some(value) => Ok(value.name().into()),
        None => Err(CliError::Usage(format!("no value `{text}`; there is: {}", describe(field)))),
    }
}

/// Builds a message from protobuf JSON; unknown fields are refused.
pub fn message(descriptor: &MessageDescriptor, fields: Map<String, Value>) -> Result<DynamicMessage, CliError> {
    DynamicMessage::deserialize(descriptor.clone(), Value::Object(fields))
        .map_err(|cause| CliError::Usage(format!("{}: {cause}", descriptor.full_name())))
}
