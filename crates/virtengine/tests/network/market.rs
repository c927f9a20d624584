//! A deployment of the test's own, made through the client library, and what the chain says of it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ve_base::{Amount, Coin, Dec};
use ve_client::deploy::{self, Deployed, Options};
use ve_client::keystore::private_dir;
use ve_client::{RpcClient, TxClient};
use ve_proto::ve::escrow::v1::{Account, AccountId, Payment, QueryAccountRequest, QueryAccountResponse, Scope};
use ve_proto::ve::market::v1::{BidId, Lease, QueryLeasesRequest, QueryLeasesResponse};

use crate::support::example;

/// Money rules small enough that a deployment's life fits into a test.
pub fn small_money(state: &mut Value, grace_seconds: u64) {
    let escrow = &mut state["escrow"]["params"];
    escrow["min_deposits"][0]["amount"] = "1".into();
    escrow["grace_seconds"] = grace_seconds.to_string().into();
    escrow["restore_seconds"] = "1".into();
    escrow["min_withdraw"] = "1".into();
    let market = &mut state["market"]["params"];
    market["min_runway_seconds"] = "1".into();
    market["bid_deposit"]["amount"] = "1".into();
}

/// The example with half a CPU, which costs the local provider's customer about one uve per second.
pub fn sdl() -> String {
    let text = std::fs::read_to_string(example()).expect("the example");
    let text = text.replace("units: 100m", "units: 500m");
    assert!(text.contains("500m"), "the example still asks for a tenth of a CPU");
    text
}

pub fn options(home: &Path, deposit: Option<u64>) -> Options {
    Options {
        home: home.to_owned(),
        passphrase: "test".into(),
        deposit: deposit.map(|amount| Coin::native(Amount::from(amount))),
        bid_window: Duration::ZERO,
        bid_timeout: Duration::from_secs(60),
        run_timeout: Duration::from_secs(60),
    }
}

pub async fn deploy(customer: &TxClient, home: &Path, text: &str, deposit: Option<u64>) -> Deployed {
    let mut cheapest = |_: &str, bids: &[ve_proto::ve::market::v1::Bid]| (!bids.is_empty()).then_some(0);
    private_dir(home).expect("a writable folder");
    let mut quiet = |step: deploy::Step| println!("{}: {}", step.name, step.text);
    deploy::deploy(customer, text, &options(home, deposit), &mut cheapest, &mut quiet).await.expect("the workload runs")
}

pub fn account_id(owner: &str, dseq: u64) -> AccountId {
    AccountId { scope: Scope::Deployment as i32, xid: format!("{owner}/{dseq}") }
}

/// The deployment's escrow and its payments, settled to now.
pub async fn escrow(rpc: &RpcClient, owner: &str, dseq: u64) -> (Account, Vec<Payment>) {
    let AccountId { scope, xid } = account_id(owner, dseq);
    let request = QueryAccountRequest { scope, xid };
    let answer: QueryAccountResponse = rpc.query("/ve.escrow.v1.Query/Account", &request).await.expect("answered");
    (answer.account.expect("the account"), answer.payments)
}

/// The only lease of a deployment.
pub async fn lease(rpc: &RpcClient, owner: &str, dseq: u64) -> Lease {
    let request = QueryLeasesRequest { owner: owner.to_owned(), dseq, ..QueryLeasesRequest::default() };
    let answer: QueryLeasesResponse = rpc.query("/ve.market.v1.Query/Leases", &request).await.expect("answered");
    answer.leases.into_iter().next().expect("a lease")
}

pub fn id(lease: &Lease) -> BidId {
    lease.id.clone().expect("an id")
}

/// A decimal of the chain.
pub fn dec(mantissa: &str) -> Dec {
    Dec::from_mantissa(mantissa).expect("a decimal")
}

/// How many workloads the provider's backend has on its books.
pub fn workloads(home: &Path) -> usize {
    let folder = home.join("provider/containers/workloads");
    std::fs::read_dir(folder).map_or(0, |entries| entries.count())
}
