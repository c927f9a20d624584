//! Hostile parties of a real lease: the gateway and the chain refuse each with its code, and the money stays right.

use std::path::Path;
use std::time::Duration;

use ve_base::Dec;
use ve_client::cert::{self, Identity, Role};
use ve_client::deploy::{connect_gateway, ensure_identity};
use ve_client::gateway::{GatewayClient, GatewayError, LeaseRef};
use ve_client::keystore::private_dir;
use ve_client::manifest::{self, Manifest};
use ve_client::rpc::TxInfo;
use ve_client::tx::any;
use ve_client::{ClientError, RpcClient, TxClient, TxOptions};
use ve_proto::Any;
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::escrow::v1::{AccountState, MsgAccountDeposit, MsgWithdrawPayment};
use ve_proto::ve::market::v1::{
    BidId, MsgAcceptBid, MsgCloseDeployment, MsgCloseLease, MsgCreateBid, MsgReportResource, OrderId, Reason,
    ReportKind, ResourceOffer, ResourceState,
};

use crate::chain::{client, code, coin, eventually, signer, supply_adds_up};
use crate::market::{account_id, dec, deploy, escrow, id, lease, sdl, small_money, workloads};
use crate::support::{Localnet, can_isolate, directory, free_base, get};

const LIMIT: Duration = Duration::from_secs(60);
/// Lasts for an hour and more.
const DEPOSIT: u64 = 5_000;

/// The parties of one running lease.
struct Scene {
    network: Localnet,
    rpc: RpcClient,
    customer: TxClient,
    provider: TxClient,
    stranger: TxClient,
    owner: String,
    dseq: u64,
    lease: BidId,
    url: String,
}

impl Scene {
    async fn new(home: &Path) -> Self {
        let network = Localnet::with_genesis(home, free_base(), &[], |state| small_money(state, 600));
        network.step("ready");
        let customer = signer(&network, "customer").await;
        let owner = customer.address().to_string();
        let deployed = deploy(&customer, &home.join("customer"), &sdl(), Some(DEPOSIT)).await;
        let rpc = client(&network);
        Self {
            provider: signer(&network, "provider").await,
            stranger: signer(&network, "validator").await,
            lease: id(&lease(&rpc, &owner, deployed.dseq).await),
            url: deployed.leases[0].urls[0].clone(),
            dseq: deployed.dseq,
            network,
            rpc,
            customer,
            owner,
        }
    }

    fn withdrawal(&self) -> Any {
        let BidId { owner, dseq, gseq, oseq, provider, bseq } = &self.lease;
        any(&MsgWithdrawPayment {
            payee: provider.clone(),
            account: Some(account_id(owner, *dseq)),
            payment: format!("{owner}/{dseq}/{gseq}/{oseq}/{provider}/{bseq}"),
        })
    }

    fn top_up(&self) -> Any {
        let account = Some(account_id(&self.owner, self.dseq));
        any(&MsgAccountDeposit { depositor: self.owner.clone(), account, amount: Some(coin(1)) })
    }

    fn close(&self) -> Any {
        any(&MsgCloseDeployment { owner: self.owner.clone(), dseq: self.dseq })
    }
}

/// A simulation would judge the second of two before the first is executed.
fn unsimulated() -> TxOptions {
    TxOptions { gas: Some(2_000_000), ..TxOptions::default() }
}

async fn back_to_back(first: (&TxClient, Any), second: (&TxClient, Any)) -> (TxInfo, TxInfo) {
    let options = unsimulated();
    let mut hashes = Vec::new();
    for (sender, message) in [first.clone(), second] {
        hashes.push(sender.submit(vec![message], &options).await.expect("kept by the mempool"));
    }
    let found = async |hash: &[u8; 32]| {
        eventually("both are executed", LIMIT, async || first.0.rpc().tx(hash).await.expect("answered")).await
    };
    (found(&hashes[0]).await, found(&hashes[1]).await)
}

fn coded(tx: &TxInfo) -> (&str, u32) {
    (tx.result.codespace.as_str(), tx.result.code)
}

#[tokio::test]
async fn hostile_parties_of_a_lease_are_refused_and_the_money_adds_up() {
    if !can_isolate() {
        return;
    }
    let home = directory();
    let scene = Scene::new(home.path()).await;
    forged_manifests_are_refused(&scene, home.path()).await;
    strangers_cannot_touch_the_lease(&scene).await;
    nobody_bids_on_a_taken_order(&scene).await;
    nothing_is_withdrawn_twice(&scene).await;
    nothing_is_closed_twice(&scene).await;
    nobody_bids_on_a_taken_order(&scene).await;
    eventually("the workload is removed", LIMIT, async || (workloads(home.path()) == 0).then_some(())).await;

    let (account, payments) = escrow(&scene.rpc, &scene.owner, scene.dseq).await;
    assert_eq!(account.state, AccountState::Closed as i32);
    let withdrawn: Dec = payments.iter().fold(Dec::zero(), |sum, payment| {
        sum.checked_add(payment.withdrawn.parse().expect("a whole number")).expect("small")
    });
    assert_eq!(dec(&account.transferred), withdrawn);
    let out = withdrawn.checked_add(dec(&account.refunded)).expect("small");
    assert_eq!(dec(&account.deposited), out, "every unit that went in came out");
    supply_adds_up(&scene.rpc).await;
    // A violated invariant would have stopped the chain.
    assert!(scene.network.reach(0, scene.network.height(0) + 2, LIMIT));
    assert!(scene.network.stop());
}

fn status_of<T: std::fmt::Debug>(outcome: Result<T, GatewayError>) -> (u16, String) {
    match outcome {
        Err(GatewayError::Refused { status, message, .. }) => {
            let body: serde_json::Value = serde_json::from_str(&message).expect("a coded answer");
            assert!(body["remedy"].is_string(), "{body}");
            (status, body["code"].as_str().expect("a code").to_owned())
        }
        other => panic!("not refused by the gateway: {other:?}"),
    }
}

async fn forged_manifests_are_refused(scene: &Scene, home: &Path) {
    let gateway = async |identity: &Identity| -> GatewayClient {
        connect_gateway(&scene.rpc, &scene.lease.provider, identity).await.expect("the gateway is there")
    };
    let honest: Manifest = manifest::manifest(&ve_client::sdl::parse(&sdl()).expect("the example"));
    let mut forged = honest.clone();
    forged.0[0].services[0].env = Some(vec!["GREETING=Forged".into()]);
    private_dir(&home.join("stranger")).expect("a writable folder");
    let (own, _) = ensure_identity(&scene.customer, &home.join("customer"), "test").await.expect("published");
    let (other, _) = ensure_identity(&scene.stranger, &home.join("stranger"), "test").await.expect("published");
    let unpublished =
        Identity::generate(scene.customer.address(), &Role::Client, cert::MAX_VALIDITY).expect("a certificate");

    let put = async |identity: &Identity, manifest: &Manifest| {
        status_of(gateway(identity).await.put_manifest(scene.dseq, manifest).await)
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(put(&own, &forged).await, refused(422, "invalid_manifest"), "another hash than on chain");
    assert_eq!(put(&other, &honest).await, refused(404, "no_lease"), "somebody else's certificate");
    assert_eq!(put(&unpublished, &honest).await, refused(401, "certificate_refused"), "a certificate of nobody");
    let leased = LeaseRef { dseq: scene.dseq, gseq: 1, oseq: 1 };
    let peeked = status_of(gateway(&other).await.lease_status(&leased).await);
    assert_eq!(peeked, refused(404, "no_lease"), "a look at somebody else's lease");
    gateway(&own).await.put_manifest(scene.dseq, &honest).await.expect("the same manifest again changes nothing");
    assert!(get(&scene.url).is_some_and(|page| page.contains("Hello")), "the workload is the customer's");
}

async fn strangers_cannot_touch_the_lease(scene: &Scene) {
    let Scene { stranger, lease, owner, dseq, .. } = scene;
    let market = |code: u32| ("market".to_owned(), code);
    let sender = stranger.address().to_string();
    let close = MsgCloseLease { sender: sender.clone(), lease: Some(lease.clone()), reason: Reason::Owner as i32 };
    assert_eq!(code(stranger.send(vec![any(&close)]).await), market(20), "closing somebody else's lease");
    let report = MsgReportResource {
        relayer: sender.clone(),
        lease: Some(lease.clone()),
        seq: 1,
        kind: ReportKind::Status as i32,
        observed_state: ResourceState::Failed as i32,
        spec_rev: 1,
        observed_at: cert::unix_now(),
        key_id: ve_provider::chain::REPORT_KEY_ID.into(),
        signature: vec![7; 64],
        ..MsgReportResource::default()
    };
    assert_eq!(code(stranger.send(vec![any(&report)]).await), market(25), "a report that the provider did not sign");
    let price = Some(DecCoin { denom: ve_base::BASE_DENOM.into(), amount: "1".into() });
    let accept = MsgAcceptBid { owner: owner.clone(), bid: Some(lease.clone()), price };
    assert_eq!(code(scene.customer.send(vec![any(&accept)]).await), market(7), "an accepted bid again");
    let MsgWithdrawPayment { account, payment, .. } = {
        let withdrawal = scene.withdrawal();
        prost::Message::decode(withdrawal.value.as_slice()).expect("a message")
    };
    let theft = MsgWithdrawPayment { payee: sender, account, payment };
    assert_eq!(code(stranger.send(vec![any(&theft)]).await), ("escrow".to_owned(), 11), "somebody else's earnings");
    assert_eq!(*dseq, lease.dseq);
}

async fn nobody_bids_on_a_taken_order(scene: &Scene) {
    let BidId { owner, dseq, gseq, oseq, provider, .. } = scene.lease.clone();
    let groups = manifest::group_specs(&ve_client::sdl::parse(&sdl()).expect("the example"));
    let spec = groups[0].to_proto(0);
    let offers = spec.resources.into_iter();
    let bid = MsgCreateBid {
        provider,
        order: Some(OrderId { owner, dseq, gseq, oseq }),
        price: Some(DecCoin { denom: ve_base::BASE_DENOM.into(), amount: "1000000000000000000".into() }),
        resources_offer: offers.map(|unit| ResourceOffer { resources: unit.resources, count: unit.count }).collect(),
        reclamation_window: 0,
        deposit: Some(coin(1)),
    };
    assert_eq!(code(scene.provider.send(vec![any(&bid)]).await), ("market".to_owned(), 7));
}

async fn nothing_is_withdrawn_twice(scene: &Scene) {
    let nothing = ("escrow".to_owned(), 13);
    let twice = scene.provider.send_with(vec![scene.withdrawal(), scene.withdrawal()], &unsimulated()).await;
    assert_eq!(code(twice), nothing, "twice in one transaction");
    let (first, second) =
        same_block(scene, (&scene.provider, scene.withdrawal()), (&scene.provider, scene.withdrawal())).await;
    assert_eq!(coded(&first).1, 0, "{}", first.result.log);
    assert_eq!(coded(&second), ("escrow", 13), "twice in one block");
    // Settling twice at one height is no fault as long as nothing is paid twice.
    let (first, second) =
        same_block(scene, (&scene.provider, scene.withdrawal()), (&scene.customer, scene.top_up())).await;
    assert_eq!((coded(&first).1, coded(&second).1), (0, 0), "{} {}", first.result.log, second.result.log);
}

/// Tries until both land in one block.
async fn same_block(scene: &Scene, first: (&TxClient, Any), second: (&TxClient, Any)) -> (TxInfo, TxInfo) {
    for _ in 0..10 {
        // Something must have accrued since the last attempt.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (one, two) = back_to_back((first.0, first.1.clone()), (second.0, second.1.clone())).await;
        if one.height == two.height && one.index < two.index {
            return (one, two);
        }
    }
    panic!("never in one block; the chain is at {}", scene.network.height(0));
}

async fn nothing_is_closed_twice(scene: &Scene) {
    let closed = ("market".to_owned(), 7);
    let twice = scene.customer.send_with(vec![scene.close(), scene.close()], &unsimulated()).await;
    assert_eq!(code(twice), closed, "twice in one transaction undoes both");
    let (first, second) = back_to_back((&scene.customer, scene.close()), (&scene.customer, scene.close())).await;
    assert_eq!(coded(&first).1, 0, "{}", first.result.log);
    assert_eq!(coded(&second), ("market", 7), "closed at once again");
    let late: Result<_, ClientError> = scene.customer.send(vec![scene.close()]).await;
    assert_eq!(code(late), closed, "closed again later");
    let again: Result<_, ClientError> = scene.provider.send(vec![scene.withdrawal()]).await;
    assert_ne!(code(again).1, 0, "nothing is left to withdraw");
}
