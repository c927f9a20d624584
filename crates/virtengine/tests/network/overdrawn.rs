//! A deployment whose money runs out on a live network.

use std::time::Duration;

use serde_json::json;
use ve_base::{Amount, BASE_DENOM};
use ve_client::RpcClient;
use ve_proto::ve::escrow::v1::{AccountState, MsgAccountDeposit};
use ve_proto::ve::market::v1::{LeaseState, Reason};

use crate::chain::{balance, client, code, coin, eventually, paid_by, signer, supply_adds_up};
use crate::market::{account_id, dec, deploy, escrow, lease, sdl, small_money, workloads};
use crate::support::{Localnet, can_isolate, directory, free_base, get};

/// Lasts for about 25 seconds.
const DEPOSIT: u64 = 26;
const GRACE: u64 = 25;
const LIMIT: Duration = Duration::from_secs(60);

/// What a deployment's payee received, summed over the withdrawals that the chain tells of.
async fn received(rpc: &RpcClient, xid: &str) -> (u128, u128) {
    let mut events = Vec::new();
    for height in 1..=rpc.status().await.expect("answered").latest_height {
        let results = rpc.block_results(height).await.expect("answered");
        events.extend(results.block_events);
        events.extend(results.txs.into_iter().flat_map(|tx| tx.events));
    }
    let ours = |account: Option<&str>| account.is_some_and(|account| account.ends_with(xid));
    let number = |text: Option<&str>| -> u128 {
        text.expect("an amount").trim_end_matches(BASE_DENOM).parse().expect("a number")
    };
    let withdrawn = events.iter().filter(|event| event.kind == "payment_withdrawn" && ours(event.attribute("account")));
    withdrawn.fold((0, 0), |(gross, net), event| {
        (gross + number(event.attribute("gross")), net + number(event.attribute("net")))
    })
}

#[tokio::test]
async fn an_overdrawn_deployment_is_suspended_then_closed_and_the_provider_gets_exactly_what_accrued() {
    if !can_isolate() {
        return;
    }
    let (home, base) = (directory(), free_base());
    let network = Localnet::with_genesis(home.path(), base, &[], |state| small_money(state, GRACE));
    network.step("ready");
    let rpc = client(&network);
    let customer = signer(&network, "customer").await;
    let owner = customer.address().to_string();
    let provider = signer(&network, "provider").await.address().to_string();
    let before = balance(&rpc, &provider).await;
    let fees_before = fees(&rpc, &provider).await;
    let deployed = deploy(&customer, &home.path().join("customer"), &sdl(), Some(DEPOSIT)).await;
    let (dseq, url) = (deployed.dseq, deployed.leases[0].urls[0].clone());
    assert!(get(&url).is_some_and(|page| page.contains("Hello")), "the workload answers");

    // The money is gone: nothing accrues, the workload pauses, less than what restores it is refused.
    let state = async |wanted: LeaseState| (lease(&rpc, &owner, dseq).await.state == wanted as i32).then_some(());
    eventually("the lease enters its grace time", LIMIT, async || state(LeaseState::Grace).await).await;
    let (account, payments) = escrow(&rpc, &owner, dseq).await;
    assert_eq!(account.state, AccountState::Overdrawn as i32);
    assert!(dec(&account.funds).is_zero());
    assert!(!dec(&payments[0].unsettled).is_zero(), "the part of a second that nobody paid for");
    let small =
        MsgAccountDeposit { depositor: owner.clone(), account: Some(account_id(&owner, dseq)), amount: Some(coin(1)) };
    assert_eq!(code(customer.send(vec![ve_client::tx::any(&small)]).await), ("escrow".to_owned(), 6));
    eventually("the workload pauses", LIMIT, async || get(&url).is_none().then_some(())).await;
    assert!(state(LeaseState::Grace).await.is_some(), "it pauses within the grace time");

    eventually("the grace time ends the lease", LIMIT, async || state(LeaseState::Closed).await).await;
    let closure = lease(&rpc, &owner, dseq).await.closure.expect("every close has its reason");
    assert_eq!((closure.reason, closure.actor.as_str()), (Reason::InsufficientFunds as i32, "chain"));
    assert!(closure.time >= account.due_at, "not before the grace time is over");
    eventually("the workload is removed", LIMIT, async || (workloads(home.path()) == 0).then_some(())).await;

    let (account, payments) = escrow(&rpc, &owner, dseq).await;
    assert_eq!(account.state, AccountState::Closed as i32);
    let deposit = ve_base::Dec::from_amount(Amount::from(DEPOSIT)).expect("small");
    assert_eq!((dec(&account.deposited), dec(&account.transferred)), (deposit, deposit), "all of it accrued");
    assert!(dec(&account.refunded).is_zero() && dec(&account.funds).is_zero());
    assert_eq!(payments[0].withdrawn, DEPOSIT.to_string());
    let (gross, net) = received(&rpc, &format!("{owner}/{dseq}")).await;
    assert_eq!(gross, u128::from(DEPOSIT));
    assert!(net < gross && net * 10 >= gross * 9, "commission of at most a tenth: {net} of {gross}");
    // To the unit: what the provider has is what it had, less its fees, plus its earnings. Its bid's deposit is back.
    eventually("the provider's balance adds up", LIMIT, async || {
        let fees = fees(&rpc, &provider).await - fees_before;
        (balance(&rpc, &provider).await + fees == before + net).then_some(())
    })
    .await;
    supply_adds_up(&rpc).await;

    // Nothing can be done to it any more.
    assert_eq!(code(customer.send(vec![ve_client::tx::any(&small)]).await), ("escrow".to_owned(), 5));
    assert!(network.rpc(0, "status", json!({})).is_some());
    assert!(network.stop());
}

async fn fees(rpc: &RpcClient, address: &str) -> u128 {
    paid_by(rpc, address).await.iter().map(|(_, fee)| fee).sum()
}
