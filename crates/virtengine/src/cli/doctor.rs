//! `virtengine doctor`: looks at everything that commonly goes wrong and says what to do.

use std::process::{Command, Stdio};

use serde_json::json;
use ve_client::RpcClient;
use ve_client::cert;
use ve_client::gateway::GatewayClient;
use ve_client::rpc::NodeStatus;
use ve_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::provider::v1::{ProviderState, QueryProvidersRequest, QueryProvidersResponse};

use super::output::money;
use super::{CliError, Context, Output};

pub const AFTER_HELP: &str = "Ends with 1 when a check fails. Warnings do not count as failures.";
/// A block older than this means that the chain stands still or the node does not follow.
const MAX_BLOCK_AGE: u64 = 30;
/// Clocks further ahead make certificates and deadlines go wrong.
const MAX_SKEW: u64 = 10;
const CERT_WARNING: u64 = 30 * 86_400;
const MAX_PROVIDERS: u64 = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Bad,
}

struct Report {
    output: Output,
    checks: Vec<serde_json::Value>,
    bad: usize,
}

impl Report {
    fn add(&mut self, name: &str, verdict: Verdict, found: String, remedy: &str) {
        let word = match verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Bad => "failed",
        };
        if verdict == Verdict::Bad {
            self.bad += 1;
        }
        let remedy = if verdict == Verdict::Good { "" } else { remedy };
        if self.output == Output::Text {
            let tail = if remedy.is_empty() { String::new() } else { format!("; {remedy}") };
            println!("{word:>8}  {name}: {found}{tail}");
        }
        self.checks.push(json!({"check": name, "result": word, "found": found, "remedy": remedy}));
    }
}

pub async fn run(context: &Context) -> Result<(), CliError> {
    let mut report = Report { output: context.output(), checks: Vec::new(), bad: 0 };
    report.add("program", Verdict::Good, format!("virtengine {}", env!("CARGO_PKG_VERSION")), "");
    let addresses = local(context, &mut report);
    let rpc = context.rpc()?;
    if node(context, &rpc, &mut report).await {
        for address in &addresses {
            account(&rpc, address, &mut report).await;
            certificate(context, &rpc, address, &mut report).await;
        }
        providers(&rpc, &mut report).await;
    }
    isolation(&mut report);
    if report.output == Output::Json {
        report.output.print(&json!({"ok": report.bad == 0, "checks": report.checks}));
    }
    match report.bad {
        0 => Ok(()),
        bad => Err(CliError::Failed(format!("{bad} checks failed"))),
    }
}

/// Home and keys; gives the addresses of the keys.
fn local(context: &Context, report: &mut Report) -> Vec<String> {
    let home = context.home.display().to_string();
    match context.keys().and_then(|keys| Ok(keys.list()?)) {
        Ok(list) => {
            report.add("home", Verdict::Good, home, "");
            let verdict = if list.is_empty() { Verdict::Warning } else { Verdict::Good };
            report.add("keys", verdict, format!("{} keys", list.len()), "run `virtengine keys add NAME`");
            list.into_iter().map(|key| key.address.to_string()).collect()
        }
        Err(error) => {
            report.add("home", Verdict::Bad, home, "choose a folder of your own with --home, or repair the keys");
            report.add("keys", Verdict::Bad, error.to_string(), "follow the message");
            Vec::new()
        }
    }
}

async fn node(context: &Context, rpc: &RpcClient, report: &mut Report) -> bool {
    let status = match rpc.status().await {
        Ok(status) => status,
        Err(error) => {
            let remedy = "start one with `virtengine localnet`, or name one with --node";
            report.add("node", Verdict::Bad, error.to_string(), remedy);
            return false;
        }
    };
    report.add("node", Verdict::Good, format!("{} at {}", status.moniker, rpc.endpoint()), "");
    let expected = context.global.chain_id.as_deref();
    let right = expected.is_none_or(|expected| expected == status.chain_id);
    let verdict = if right { Verdict::Good } else { Verdict::Bad };
    report.add(
        "chain",
        verdict,
        status.chain_id.clone(),
        "name a node of the right chain with --node, or fix --chain-id",
    );
    let verdict = if status.catching_up { Verdict::Warning } else { Verdict::Good };
    let found = format!("height {}{}", status.latest_height, if status.catching_up { ", catching up" } else { "" });
    report.add("sync", verdict, found, "wait until the node has caught up");
    block_age(&status, report);
    true
}

fn block_age(status: &NodeStatus, report: &mut Report) {
    let Ok(time) = status.latest_block_time.parse::<ve_proto::Timestamp>() else {
        report.add(
            "block time",
            Verdict::Bad,
            status.latest_block_time.clone(),
            "the node sends no RFC 3339 time; update it",
        );
        return;
    };
    let block = u64::try_from(time.seconds).unwrap_or(0);
    let now = cert::unix_now();
    if block > now.saturating_add(MAX_SKEW) {
        let found = format!("this clock is {} s behind the chain", block - now);
        report.add("clock", Verdict::Bad, found, "set the clock, for example with NTP");
        return;
    }
    report.add("clock", Verdict::Good, "not behind the chain".into(), "");
    let age = now.saturating_sub(block);
    let verdict = if age > MAX_BLOCK_AGE { Verdict::Bad } else { Verdict::Good };
    report.add("last block", verdict, format!("{age} s old"), "the chain stands still, or this clock is ahead");
}

async fn account(rpc: &RpcClient, address: &str, report: &mut Report) {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: ve_base::BASE_DENOM.to_owned() };
    match rpc.query::<_, QueryBalanceResponse>("/cosmos.bank.v1beta1.Query/Balance", &request).await {
        Ok(answer) => {
            let amount = answer.balance.map_or_else(|| "0".to_owned(), |coin| coin.amount);
            let verdict = if amount == "0" { Verdict::Warning } else { Verdict::Good };
            let found = format!("{address} has {}", money(&amount, ve_base::BASE_DENOM));
            report.add("balance", verdict, found, "send some VE to it before deploying");
        }
        Err(error) => report.add("balance", Verdict::Bad, error.to_string(), "use another node"),
    }
}

async fn certificate(context: &Context, rpc: &RpcClient, address: &str, report: &mut Report) {
    let path = context.home.join("deploy").join(format!("{address}.identity"));
    if !path.exists() {
        return;
    }
    let remedy = "the next `virtengine deploy` makes a new one";
    match cert::on_chain(rpc, address, "").await {
        Ok(list) => {
            let last = list.iter().map(|certificate| certificate.not_after).max().unwrap_or(0);
            let left = last.saturating_sub(cert::unix_now());
            let (verdict, found) = match left {
                0 => (Verdict::Warning, format!("{address} has none that is valid")),
                left if left < CERT_WARNING => (Verdict::Warning, format!("{address}: {} days left", left / 86_400)),
                left => (Verdict::Good, format!("{address}: {} days left", left / 86_400)),
            };
            report.add("certificate", verdict, found, remedy);
        }
        Err(error) => report.add("certificate", Verdict::Bad, error.to_string(), "use another node"),
    }
}

/// The gateways of some active providers, as an anonymous client sees them.
async fn providers(rpc: &RpcClient, report: &mut Report) {
    let page = PageRequest { limit: MAX_PROVIDERS, ..PageRequest::default() };
    let request = QueryProvidersRequest {
        state: ProviderState::Active as i32,
        pagination: Some(page),
        ..QueryProvidersRequest::default()
    };
    let answer: QueryProvidersResponse = match rpc.query("/ve.provider.v1.Query/Providers", &request).await {
        Ok(answer) => answer,
        Err(error) => return report.add("providers", Verdict::Bad, error.to_string(), "use another node"),
    };
    if answer.providers.is_empty() {
        return report.add("providers", Verdict::Warning, "none is active".into(), "nobody will bid on an order now");
    }
    for provider in answer.providers {
        let outcome = reach(rpc, &provider.owner, &provider.host_uri).await;
        let (verdict, found) = match outcome {
            Ok(()) => (Verdict::Good, format!("{} answers", provider.host_uri)),
            Err(error) => (Verdict::Warning, error),
        };
        report.add("gateway", verdict, found, "choose another provider, or ask its operator");
    }
}

async fn reach(rpc: &RpcClient, provider: &str, host: &str) -> Result<(), String> {
    // A throw-away certificate: the open pages of a gateway need none that is on chain.
    let nobody = ve_base::module_address("doctor");
    let identity = cert::Identity::generate(&nobody, &cert::Role::Client, std::time::Duration::from_secs(3600));
    let identity = identity.map_err(|error| error.to_string())?;
    let gateway = GatewayClient::connect(rpc, provider, host, &identity).await.map_err(|error| error.to_string())?;
    gateway.status().await.map(|_| ()).map_err(|error| error.to_string())
}

/// What a provider needs of this machine; buyers do not. The container keeper itself tries, in a process of its own.
fn isolation(report: &mut Report) {
    let remedy = "this machine can buy, but not sell; providers run as root with namespaces and control groups";
    let probe = std::env::current_exe().and_then(|program| {
        let shim = ve_provider::backend::container::SHIM_COMMAND;
        Command::new(program).args([shim, "probe", "user"]).stdin(Stdio::null()).output()
    });
    let failure = match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().chars().take(500).collect()),
        Err(cause) => Some(cause.to_string()),
    };
    let cgroups = std::path::Path::new("/sys/fs/cgroup").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    match (failure, cgroups) {
        (None, true) => report.add("isolation", Verdict::Good, "tenants can be isolated here".into(), ""),
        (None, false) => report.add("isolation", Verdict::Warning, "no control groups".into(), remedy),
        (Some(cause), _) => report.add("isolation", Verdict::Warning, cause, remedy),
    }
}
