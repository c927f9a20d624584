//! The node, the chain and its providers.

use ve_client::RpcClient;
use ve_client::cert;
use ve_client::gateway::GatewayClient;
use ve_client::rpc::NodeStatus;
use ve_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::provider::v1::{ProviderState, QueryProvidersRequest, QueryProvidersResponse};

use super::report::{Report, Verdict};
use crate::cli::Context;
use crate::cli::output::money;

/// A block older than this means that the chain stands still or the node does not follow.
const MAX_BLOCK_AGE: u64 = 30;
/// Clocks further ahead make certificates and deadlines go wrong.
const MAX_SKEW: u64 = 10;
const MAX_PROVIDERS: u64 = 5;

pub async fn node(context: &Context, rpc: &RpcClient, report: &mut Report) -> bool {
    let status = match rpc.status().await {
        Ok(status) => status,
        Err(error) => {
            let remedy = "start one with `virtengine localnet`, or name one with --node";
            report.add("node", Verdict::Bad, error.to_string(), remedy);
            return false;
        }
    };
    report.good("node", format!("{} at {}", status.moniker, rpc.endpoint()));
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
    report.good("clock", "not behind the chain".into());
    let age = now.saturating_sub(block);
    let verdict = if age > MAX_BLOCK_AGE { Verdict::Bad } else { Verdict::Good };
    report.add("last block", verdict, format!("{age} s old"), "the chain stands still, or this clock is ahead");
}

pub async fn account(rpc: &RpcClient, address: &str, report: &mut Report) {
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

/// The chain must hold the very bytes of a certificate that this machine has.
pub async fn certificate(rpc: &RpcClient, address: &str, der: &[u8], report: &mut Report) {
    let remedy = "the next `virtengine deploy` publishes it, or makes a new one if it was revoked";
    match cert::verify_on_chain(rpc, der).await {
        Ok(Some(_)) => report.good("certificate on chain", format!("that of {address} is published")),
        Ok(None) => report.add("certificate on chain", Verdict::Bad, format!("that of {address} is not valid"), remedy),
        Err(error) => report.add("certificate on chain", Verdict::Bad, error.to_string(), "use another node"),
    }
}

/// The gateways of some active providers, as an anonymous client sees them.
pub async fn providers(rpc: &RpcClient, report: &mut Report) {
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
