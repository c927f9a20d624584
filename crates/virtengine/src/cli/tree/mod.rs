//! `tx` and `query` as the schema has them: every method of every `Msg` and `Query` service is a command, every field
//! of its request a flag.

mod fields;
mod file;
mod show;

use clap::{Arg, ArgAction, ArgMatches, Command};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, ServiceDescriptor};
use serde_json::Value;
use std::collections::BTreeMap;

use super::{CliError, Context};

pub use fields::{arguments, message};
pub use show::{any_value, value};

/// Name of the module in `package.v1.Service`: the part before the version.
fn module(service: &ServiceDescriptor) -> String {
    let parts: Vec<&str> = service.package_name().split('.').collect();
    let versioned =
        parts.last().is_some_and(|last| last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit()));
    parts.iter().rev().nth(usize::from(versioned)).copied().unwrap_or("base").to_owned()
}

pub fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.char_indices() {
        if letter == '_' {
            out.push('-');
        } else if letter.is_ascii_uppercase() {
            if index > 0 {
                out.push('-');
            }
            out.push(letter.to_ascii_lowercase());
        } else {
            out.push(letter);
        }
    }
    out
}

type Methods = BTreeMap<String, BTreeMap<String, MethodDescriptor>>;

/// module → command → method.
fn methods(wanted: &[&str]) -> Methods {
    let mut modules = Methods::new();
    let ours =
        |service: &ServiceDescriptor| ["cosmos.", "ve."].iter().any(|root| service.full_name().starts_with(root));
    for service in
        ve_proto::descriptors().services().filter(|service| ours(service) && wanted.contains(&service.name()))
    {
        for method in service.methods() {
            modules.entry(module(&service)).or_default().insert(kebab(method.name()), method);
        }
    }
    modules
}

/// The field that names who must sign, unless several must.
pub fn signer(message: &MessageDescriptor) -> Option<String> {
    let extension = ve_proto::descriptors().get_extension_by_name("cosmos.msg.v1.signer")?;
    let options = message.options();
    let names = options.get_extension(&extension);
    match names.as_list()? {
        [name] => name.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Who must sign a message. The error says what is wrong with it.
pub fn signers(message: &ve_proto::Any) -> Result<Vec<ve_base::Address>, String> {
    let name = message.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = ve_proto::descriptors().get_message_by_name(name).ok_or(format!("unknown message {name}"))?;
    let fields = ve_sdk::signers::SignerFields::from_descriptor(&descriptor)?;
    fields.read(&message.value).map_err(|cause| format!("{name}: {}", cause.log))
}

pub fn transactions() -> Command {
    let root =
        Command::new("tx").about("Change the chain's state").subcommand_required(true).arg_required_else_help(true);
    let root = super::tx::offline::commands(super::tx::arguments(root));
    methods(&["Msg"]).into_iter().fold(root, |root, (module, methods)| {
        let parent = Command::new(module.clone()).about(format!("Transactions of {module}")).subcommand_required(true);
        root.subcommand(methods.into_iter().fold(parent, |parent, (name, method)| {
            let input = method.input();
            let about = format!("Send {}", input.full_name());
            let signer = signer(&input);
            let command = Command::new(name).about(about).args(arguments(&input, signer.as_deref()));
            parent.subcommand(command.args(file::argument(&input)).arg(json_argument()))
        }))
    })
}

fn json_argument() -> Arg {
    let help = "The whole message as JSON, or @FILE; flags overwrite its fields";
    Arg::new("json").long("json").value_name("JSON").help(help).action(ArgAction::Set)
}

pub fn queries() -> Command {
    let height = Arg::new("height").long("height").global(true).value_name("HEIGHT").default_value("0");
    let root = Command::new("query")
        .about("Read the chain's state")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(height.value_parser(clap::value_parser!(u64)).help("State after this block; 0 is the newest"));
    methods(&["Query", "Service"]).into_iter().fold(root, |root, (module, methods)| {
        let parent = Command::new(module.clone()).about(format!("State of {module}")).subcommand_required(true);
        root.subcommand(methods.into_iter().fold(parent, |parent, (name, method)| {
            let input = method.input();
            let about = format!("Ask {}", method.full_name());
            let command = Command::new(name).about(about).args(arguments(&input, None)).arg(json_argument());
            parent.subcommand(if input.get_field_by_name("pagination").is_some() { paged(command) } else { command })
        }))
    })
}

fn paged(command: Command) -> Command {
    command
        .arg(Arg::new("page-limit").long("limit").value_name("N").help("Entries of one page"))
        .arg(Arg::new("page-key").long("page-key").value_name("BASE64").help("`next_key` of the page before"))
        .arg(Arg::new("page-reverse").long("reverse").action(ArgAction::SetTrue).help("Last entries first"))
}

/// The method that a matched `tx` or `query` command names, with its own matches.
pub fn matched<'a>(matches: &'a ArgMatches, wanted: &[&str]) -> Result<(MethodDescriptor, &'a ArgMatches), CliError> {
    let unknown = || CliError::Usage("no such command; see --help".into());
    let (module, inner) = matches.subcommand().ok_or_else(unknown)?;
    let (name, arguments) = inner.subcommand().ok_or_else(unknown)?;
    let method = methods(wanted).get(module).and_then(|methods| methods.get(name)).cloned();
    Ok((method.ok_or_else(unknown)?, arguments))
}

pub async fn run_query(context: &Context, matches: &ArgMatches) -> Result<(), CliError> {
    let (method, arguments) = matched(matches, &["Query", "Service"])?;
    let mut fields = message_fields(&method.input(), arguments)?;
    if let Some(page) = page(arguments) {
        fields.insert("pagination".into(), page);
    }
    let request = message(&method.input(), fields)?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let height = arguments.get_one::<u64>("height").copied().unwrap_or(0);
    let answer = context.rpc()?.abci_query(&path, &request.encode_to_vec(), height).await?;
    let answer = DynamicMessage::decode(method.output(), answer.as_slice()).map_err(|cause| {
        CliError::Failed(format!("the answer is not understood: {cause}; is this program older than the node?"))
    })?;
    context.output().print(&value(&answer));
    Ok(())
}

fn page(arguments: &ArgMatches) -> Option<Value> {
    let mut page = serde_json::Map::new();
    let text = |name: &str| arguments.try_get_one::<String>(name).ok().flatten().cloned();
    if let Some(limit) = text("page-limit") {
        page.insert("limit".into(), limit.into());
    }
    if let Some(key) = text("page-key") {
        page.insert("key".into(), key.into());
    }
    if arguments.try_get_one::<bool>("page-reverse").ok().flatten().copied().unwrap_or(false) {
        page.insert("reverse".into(), true.into());
    }
    (!page.is_empty()).then(|| page.into())
}

/// Fields from `FILE`, from `--json` and from flags; the later wins.
pub fn message_fields(
    descriptor: &MessageDescriptor,
    arguments: &ArgMatches,
) -> Result<serde_json::Map<String, Value>, CliError> {
    let mut fields = file::given(descriptor, arguments)?;
    fields.extend(fields::given(descriptor, arguments)?);
    Ok(fields)
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
