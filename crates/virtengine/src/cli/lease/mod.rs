//! `virtengine lease`: what runs, what it prints, a shell inside, stop and start, and the end.

mod operate;
mod session;
mod terminal;

use std::io::IsTerminal as _;

use serde_json::json;
use ve_base::{ACCOUNT_PREFIX, Address, Dec};
use ve_client::deploy::{connect_gateway, ensure_identity, lease_id};
use ve_client::gateway::{GatewayClient, LeaseRef};
use ve_client::tx::any;
use ve_proto::ve::market::v1::{
    Action, BidId, LeaseState, MsgCloseLease, Operation, QueryLeasesRequest, QueryLeasesResponse, QueryResourceRequest,
    QueryResourceResponse, Reason, Resource,
};

use super::{CliError, Context, deploy, tx};

#[derive(Debug, clap::Subcommand)]
pub enum LeaseCommand {
    /// Leases of an account
    List {
        /// Key or address [default: the only key]
        #[arg(long, value_name = "KEY")]
        from: Option<String>,
        /// Closed ones too
        #[arg(long)]
        all: bool,
    },
    /// What the chain and the provider say of a lease
    Status(Chosen),
    /// Print what the workload prints
    Logs {
        #[command(flatten)]
        chosen: Chosen,
        /// One service only
        #[arg(long)]
        service: Option<String>,
        /// Go on until Ctrl-C
        #[arg(long, short)]
        follow: bool,
        /// Begin with this many last lines
        #[arg(long, value_name = "LINES")]
        tail: Option<u64>,
    },
    /// Run a command inside a service
    Shell {
        #[command(flatten)]
        chosen: Chosen,
        #[arg(long)]
        service: String,
        /// Which replica, counted from 0
        #[arg(long, default_value_t = 0)]
        replica: u32,
        /// Give the command a terminal; Ctrl-] leaves a session that hangs
        #[arg(long, short)]
        tty: bool,
        /// The command and its arguments
        #[arg(last = true, default_value = "/bin/sh")]
        command: Vec<String>,
    },
    /// Print what happened to the workload
    Events {
        #[command(flatten)]
        chosen: Chosen,
        /// Go on until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
    /// Stop every service; the lease goes on at a part of its price
    Stop(operate::Wanted),
    /// Start what was stopped
    Start(operate::Wanted),
    /// Stop and start every service
    Restart(operate::Wanted),
    /// End a lease; what was not used is refunded
    Close {
        #[command(flatten)]
        chosen: Chosen,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// `OWNER/DSEQ/GSEQ/OSEQ/PROVIDER/BSEQ`, or a deployment's number when it has one lease
    pub lease: String,
    /// Name of the key; may be left out when there is only one
    #[arg(long, value_name = "KEY")]
    pub from: Option<String>,
}

pub async fn run(context: &Context, command: LeaseCommand) -> Result<(), CliError> {
    match command {
        LeaseCommand::List { from, all } => list(context, from.as_deref(), all).await,
        LeaseCommand::Status(chosen) => status(context, &chosen).await,
        LeaseCommand::Logs { chosen, service, follow, tail } => {
            let (gateway, lease) = gateway(context, &chosen).await?;
            let mut logs = gateway.logs(&lease, service.as_deref(), follow, tail).await?;
            while let Some(line) = logs.next().await? {
                if context.output().is_json() {
                    context.output().print(&json!({"name": line.name, "message": line.message}));
                } else {
                    say(&format!("{}: {}", line.name, printable(&line.message)));
                }
            }
            Ok(())
        }
        LeaseCommand::Shell { chosen, service, replica, tty, command } => {
            if tty && !std::io::stdin().is_terminal() {
                return Err(CliError::Usage("--tty needs a terminal; leave it out in scripts".into()));
            }
            let (gateway, lease) = gateway(context, &chosen).await?;
            let shell = gateway.shell(&lease, &service, replica, tty, &command).await?;
            session::run(shell, tty).await
        }
        LeaseCommand::Events { chosen, follow } => {
            let (gateway, lease) = gateway(context, &chosen).await?;
            let mut events = gateway.events(&lease, follow).await?;
            while let Some(event) = events.next().await? {
                if context.output().is_json() {
                    context.output().print(&event);
                } else {
                    say(&printable(&event_line(&event)));
                }
            }
            Ok(())
        }
        LeaseCommand::Stop(wanted) => operate::run(context, &wanted, Action::Stop).await,
        LeaseCommand::Start(wanted) => operate::run(context, &wanted, Action::Start).await,
        LeaseCommand::Restart(wanted) => operate::run(context, &wanted, Action::Restart).await,
        LeaseCommand::Close { chosen, yes } => close(context, &chosen, yes).await,
    }
}

/// A tenant's or provider's text must not control the terminal beyond its own lines.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// One line on standard output; a closed pipe ends the output, not the command.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// `2026-01-01T00:00:00Z  started: message`.
fn event_line(event: &serde_json::Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let seconds = event["at"].as_i64().unwrap_or(0);
    let at = ve_base::BlockTime { seconds, nanos: 0 };
    format!("{at}  {}: {}", text("kind"), text("message"))
}

fn parse_id(text: &str) -> Option<BidId> {
    let parts: Vec<&str> = text.split('/').collect();
    let [owner, dseq, gseq, oseq, provider, bseq] = parts.as_slice() else { return None };
    for address in [owner, provider] {
        Address::from_bech32(address, ACCOUNT_PREFIX).ok()?;
    }
    Some(BidId {
        owner: (*owner).to_owned(),
        dseq: dseq.parse().ok()?,
        gseq: gseq.parse().ok()?,
        oseq: oseq.parse().ok()?,
        provider: (*provider).to_owned(),
        bseq: bseq.parse().ok()?,
    })
}

async fn leases(context: &Context, owner: &str, dseq: u64) -> Result<QueryLeasesResponse, CliError> {
    let request = QueryLeasesRequest { owner: owner.to_owned(), dseq, ..QueryLeasesRequest::default() };
    Ok(context.rpc()?.query("/ve.market.v1.Query/Leases", &request).await?)
}

async fn find(context: &Context, chosen: &Chosen) -> Result<BidId, CliError> {
    if let Some(id) = parse_id(&chosen.lease) {
        return Ok(id);
    }
    let Ok(dseq) = chosen.lease.parse::<u64>() else {
        return Err(CliError::Usage(format!("`{}` is no lease; see `virtengine lease list`", chosen.lease)));
    };
    let owner = context.own_address(chosen.from.as_deref())?;
    let found = leases(context, &owner, dseq).await?.leases;
    let live: Vec<BidId> = found
        .into_iter()
        .filter(|lease| lease.state != LeaseState::Closed as i32)
        .filter_map(|lease| lease.id)
        .collect();
    match live.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(CliError::Failed(format!("deployment {dseq} has no live lease; see `virtengine lease list --all`"))),
        _ => Err(CliError::Usage(format!("deployment {dseq} has several leases; name one of `virtengine lease list`"))),
    }
}

async fn list(context: &Context, from: Option<&str>, all: bool) -> Result<(), CliError> {
    let owner = context.own_address(from)?;
    let mut shown = Vec::new();
    for lease in leases(context, &owner, 0).await?.leases {
        let (Some(id), state) = (&lease.id, LeaseState::try_from(lease.state).unwrap_or_default()) else { continue };
        if !all && state == LeaseState::Closed {
            continue;
        }
        let price = lease.price.clone().unwrap_or_default();
        let amount = Dec::from_mantissa(&price.amount).map_or(price.amount, |amount| amount.to_string());
        shown.push(json!({
            "lease": lease_id(id),
            "state": plain(state.as_str_name(), "LEASE_STATE_"),
            "price_per_block": {"amount": amount, "denom": price.denom},
            "created_at": ve_base::BlockTime { seconds: i64::try_from(lease.created_at).unwrap_or(0), nanos: 0 }.to_string(),
        }));
    }
    context.output().print(&shown.into());
    Ok(())
}

async fn gateway(context: &Context, chosen: &Chosen) -> Result<(GatewayClient, LeaseRef), CliError> {
    let id = find(context, chosen).await?;
    let (client, passphrase) = context.signer(chosen.from.as_deref()).await?;
    let (identity, _) = ensure_identity(&client, &deploy::identities(context)?, &passphrase).await?;
    let gateway = connect_gateway(client.rpc(), &id.provider, &identity).await?;
    Ok((gateway, LeaseRef { dseq: id.dseq, gseq: id.gseq, oseq: id.oseq }))
}

/// The name of a state or action without what its kind has in common.
fn plain(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

/// The workload of a lease as the chain knows it, and the height of which that is true.
async fn resource(context: &Context, id: &BidId) -> Result<(Resource, u64), CliError> {
    let BidId { owner, dseq, gseq, oseq, provider, bseq } = id.clone();
    let request = QueryResourceRequest { owner, dseq, gseq, oseq, provider, bseq };
    let answer: QueryResourceResponse = context.rpc()?.query("/ve.market.v1.Query/Resource", &request).await?;
    Ok((answer.resource.unwrap_or_default(), answer.height))
}

async fn status(context: &Context, chosen: &Chosen) -> Result<(), CliError> {
    let id = find(context, chosen).await?;
    let (resource, height) = resource(context, &id).await?;
    let operation = |operation: &Operation| {
        json!({
            "number": operation.op_id.to_string(),
            "action": plain(operation.action().as_str_name(), "ACTION_"),
            "state": plain(operation.state().as_str_name(), "OPERATION_STATE_"),
            "result_code": operation.result_code,
        })
    };
    let mut shown = json!({
        "lease": lease_id(&id),
        "state": plain(resource.state().as_str_name(), "RESOURCE_STATE_"),
        "progress": resource.progress,
        "phase": resource.phase,
        "operation": resource.operation.as_ref().map(operation),
        "endpoints": resource.endpoints.iter().map(|endpoint| json!({"service": endpoint.service, "url": endpoint.url})).collect::<Vec<_>>(),
        "height": height.to_string(),
    });
    let (gateway, lease) = gateway(context, &Chosen { lease: lease_id(&id), from: chosen.from.clone() }).await?;
    // The chain's answer is of use even when the provider is silent.
    shown["provider"] = match gateway.lease_status(&lease).await {
        Ok(status) => status,
        Err(error) => json!({"error": error.to_string()}),
    };
    context.output().print(&shown);
    Ok(())
}

async fn close(context: &Context, chosen: &Chosen, yes: bool) -> Result<(), CliError> {
    let id = find(context, chosen).await?;
    if !yes && std::io::stdin().is_terminal() {
        tx::confirm(&format!("End lease {}? Its data is deleted.", lease_id(&id)))?;
    }
    let (client, _) = context.signer(chosen.from.as_deref()).await?;
    let sender = client.address().to_string();
    let message = MsgCloseLease { sender, lease: Some(id.clone()), reason: Reason::Owner as i32 };
    let committed = client.send(vec![any(&message)]).await?;
    context.output().print(&json!({"closed": lease_id(&id), "tx": tx::result(&committed)}));
    Ok(())
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
