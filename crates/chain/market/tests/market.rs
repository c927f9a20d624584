//! From deployment to lease, money and all.

mod common;

use common::{World, bid_id, price};
use ve_base::{Amount, Coin, Dec};
use ve_chain_core::distribution;
use ve_chain_core::feemarket::StressGauge as _;
use ve_chain_finance::{escrow, take};
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::escrow::v1::{MsgAccountDeposit, MsgWithdrawPayment};
use ve_proto::ve::market::v1::*;
use ve_proto::ve::provider::v1::{Attribute, MsgGiveExitNotice, MsgRevokeProviderKey, MsgUpdateProvider};

fn close(world: &mut World, dseq: u64) -> Result<(), ve_base::CodedError> {
    world.send(&MsgCloseDeployment { owner: world.name(0), dseq })
}

#[test]
fn a_thousand_blocks_are_paid_to_the_coin_and_the_rest_is_refunded() {
    let mut world = World::new();
    let (customer, provider) = (world.address(0), world.address(1));
    let (before, bonded) = (world.balance(&customer), world.balance(&provider));
    world.lease(1, "12.5", 1_000_000);
    world.wait(5000);
    close(&mut world, 1).expect("closes");
    assert_eq!(world.balance(&customer), before - 12_500);
    assert_eq!(world.balance(&provider), bonded + 11_500);
    assert_eq!(world.balance(&ve_base::module_address(take::TREASURY)), 625);
    assert_eq!(world.balance(&ve_base::module_address(take::FEE_COLLECTOR)), 125);
    assert_eq!(world.balance(&ve_base::module_address(distribution::DISTRIBUTION)), 250);
    assert_eq!(world.balance(&ve_base::module_address(escrow::ESCROW)), 0);
}

#[test]
fn closing_twice_is_refused_and_moves_nothing() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    world.wait(50);
    close(&mut world, 1).expect("closes");
    let balance = world.balance(&world.address(0));
    assert_eq!(close(&mut world, 1).expect_err("closed").code, 7);
    let again = MsgCloseLease { sender: world.name(0), lease: Some(lease), reason: Reason::Owner.into() };
    assert_eq!(world.refused(&again), ("market".into(), 7));
    assert_eq!(world.balance(&world.address(0)), balance);
}

#[test]
fn withdrawing_twice_in_a_block_pays_once() {
    let mut world = World::new();
    let lease = world.lease(1, "10000", 100_000_000);
    world.wait(10);
    let id = World::account(1, &world.name(0));
    let payment = world.payment_id(&lease);
    let withdraw = MsgWithdrawPayment { payee: world.name(1), account: Some(id.to_proto()), payment };
    let before = world.balance(&world.address(1));
    world.send(&withdraw).expect("pays");
    assert_eq!(world.balance(&world.address(1)), before + 18_400);
    assert_eq!(world.refused(&withdraw), ("escrow".into(), 13));
    assert_eq!(world.balance(&world.address(1)), before + 18_400);
    let thief = MsgWithdrawPayment { payee: world.name(2), ..withdraw };
    assert_eq!(world.refused(&thief), ("escrow".into(), 11));
}

#[test]
fn an_overdrawn_lease_is_suspended_then_closed_right_after_the_grace_time() {
    let mut world = World::new();
    // 100 per second: 5000 s are covered.
    let lease = world.lease(1, "500", 500_000);
    let provider = world.balance(&world.address(1));
    world.wait(5000);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Active);
    world.wait(1);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Grace);
    assert_eq!(world.resource_now(&lease).desired(), ResourceState::Suspended);
    world.wait(599);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Grace);
    world.wait(1);
    let closed = world.lease_now(&lease);
    assert_eq!(closed.state(), LeaseState::Closed);
    let closure = closed.closure.expect("says why");
    assert_eq!((closure.reason(), closure.actor.as_str()), (Reason::InsufficientFunds, "chain"));
    // Exactly what was there: 500 000 less 8 %, and the bid's deposit.
    assert_eq!(world.balance(&world.address(1)), provider + 460_000 + 500_000);
    assert_eq!(world.balance(&ve_base::module_address(escrow::ESCROW)), 0);
    assert_eq!(close(&mut world, 1).expect_err("closed").code, 7);
}

/// Accounts that ran dry within the last hour, and those that are open.
fn gauge(world: &mut World) -> (u64, u64) {
    world.run(|ctx| escrow::EscrowStress.dry(ctx)).expect("it is counted")
}

#[test]
fn the_price_of_gas_learns_how_many_accounts_ran_dry_within_the_last_hour() {
    let mut world = World::new();
    world.lease(1, "500", 500_000);
    assert_eq!(gauge(&mut world), (0, 2), "of the deployment and of the bid");
    world.wait(5001);
    assert_eq!(gauge(&mut world), (1, 2));
    world.wait(600);
    assert_eq!(gauge(&mut world), (1, 0), "both were closed after the grace time");
    world.wait(2_900);
    assert_eq!(gauge(&mut world).0, 1);
    world.wait(200);
    assert_eq!(gauge(&mut world).0, 0, "more than an hour ago");
}

#[test]
fn a_top_up_in_the_grace_time_restores_the_lease() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 500_000);
    world.wait(5001);
    let id = World::account(1, &world.name(0));
    let deposit = |amount: u64| Some(Coin::native(Amount::from(amount)).to_proto());
    let small = MsgAccountDeposit { depositor: world.name(3), account: Some(id.to_proto()), amount: deposit(360_099) };
    assert_eq!(world.refused(&small), ("escrow".into(), 6));
    world.send(&MsgAccountDeposit { amount: deposit(400_100), ..small }).expect("restores");
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Active);
    assert_eq!(world.resource_now(&lease).desired(), ResourceState::Active);
    let third = world.balance(&world.address(3));
    close(&mut world, 1).expect("closes");
    assert_eq!(world.balance(&world.address(3)), third + 400_000, "the third party gets back what was not spent");
}

#[test]
fn a_workload_that_never_comes_up_costs_nothing() {
    let mut world = World::new();
    let customer = world.balance(&world.address(0));
    let order = world.deploy(1, "10", 1_000_000);
    let bid = world.bid(1, &order, "10");
    world.accept(&bid, "10");
    world.wait(1800);
    let lease = world.lease_now(&bid);
    assert_eq!(lease.closure.expect("closed").reason(), Reason::ManifestTimeout);
    close(&mut world, 1).expect("closes");
    assert_eq!(world.balance(&world.address(0)), customer);
    assert_eq!(world.balance(&world.address(1)), common::ENDOWMENT - 1_000_000_000);
}

#[test]
fn bids_on_closed_orders_and_bad_bids_are_refused() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    let bid = world.bid_message(1, &order, "10.000000000000000001");
    assert_eq!(world.refused(&bid), ("market".into(), 10));
    let mut bid = world.bid_message(1, &order, "10");
    bid.resources_offer[0].count = 2;
    assert_eq!(world.refused(&bid), ("market".into(), 13));
    let mut bid = world.bid_message(1, &order, "10");
    bid.deposit = Some(Coin::native(Amount::from(499_999u64)).to_proto());
    assert_eq!(world.refused(&bid), ("market".into(), 17));
    assert_eq!(world.refused(&world.bid_message(2, &order, "10")), ("provider".into(), 3));
    world.bid(1, &order, "10");
    assert_eq!(world.refused(&world.bid_message(1, &order, "9")), ("market".into(), 16));
    close(&mut world, 1).expect("closes");
    assert_eq!(world.refused(&world.bid_message(1, &order, "10")), ("market".into(), 7));
    assert_eq!(world.balance(&world.address(1)), common::ENDOWMENT - 1_000_000_000, "the deposit is back");
}

#[test]
fn accepting_makes_the_other_bids_lost() {
    let mut world = World::new();
    world.make_provider(2);
    let order = world.deploy(1, "10", 1_000_000);
    let (first, second) = (world.bid(1, &order, "10"), world.bid(2, &order, "9"));
    let wrong = MsgAcceptBid { owner: world.name(0), bid: Some(second.clone()), price: Some(price("8")) };
    assert_eq!(world.refused(&wrong), ("market".into(), 11));
    world.accept(&second, "9");
    assert_eq!((world.count("bid_lost"), world.count("lease_created"), world.count("order_matched")), (1, 1, 1));
    let late = MsgAcceptBid { owner: world.name(0), bid: Some(first), price: Some(price("10")) };
    assert_eq!(world.refused(&late), ("market".into(), 7));
}

#[test]
fn forged_and_replayed_reports_change_nothing() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    let seen = world.resource_now(&lease);
    let replay = world.report(&lease, 2, 1, ResourceState::Active);
    world.send(&replay).expect("the same report again does nothing");
    let mut other = replay.clone();
    other.phase = "changed".into();
    assert_eq!(world.refused(&other), ("market".into(), 25));
    world.sign(&mut other);
    assert_eq!(world.refused(&other), ("market".into(), 24));
    assert_eq!(world.refused(&world.report(&lease, 4, 0, ResourceState::Active)), ("market".into(), 24));
    assert_eq!(world.refused(&world.report(&lease, 3, 0, ResourceState::Provisioning)), ("market".into(), 27));
    assert_eq!(world.refused(&world.report(&lease, 3, 9, ResourceState::Active)), ("market".into(), 28));
    let mut old = world.report(&lease, 3, 0, ResourceState::Active);
    old.observed_at -= 3601;
    world.sign(&mut old);
    assert_eq!(world.refused(&old), ("market".into(), 26));
    assert_eq!(world.resource_now(&lease), seen);
}

#[test]
fn orders_and_bids_expire_with_their_deposits_back() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    world.bid(1, &order, "10");
    world.wait(600);
    assert_eq!(world.count("bid_closed"), 1);
    world.wait(4400);
    assert_eq!((world.count("order_closed"), world.count("group_paused")), (1, 1));
    let start = MsgStartGroup { owner: world.name(0), dseq: 1, gseq: 1 };
    world.send(&start).expect("starts");
    assert_eq!(world.refused(&start), ("market".into(), 7));
    assert_eq!(world.count("order_created"), 2);
}

#[test]
fn a_reclaimed_lease_is_closed_by_the_chain_after_the_notice() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    let mut message = world.bid_message(1, &order, "10");
    message.reclamation_window = 3600;
    world.send(&message).expect("bids");
    let lease = bid_id(&order, &world.name(1), 1);
    world.accept(&lease, "10");
    for (seq, state) in [(1, ResourceState::Provisioning), (2, ResourceState::Active)] {
        world.send(&world.report(&lease, seq, 1, state)).expect("reports");
    }
    let early = MsgCloseLease { sender: world.name(1), lease: Some(lease.clone()), reason: Reason::Unstable.into() };
    assert_eq!(world.refused(&early), ("market".into(), 22));
    world.send(&MsgStartReclaim { provider: world.name(1), lease: Some(lease.clone()) }).expect("notice");
    world.wait(3599);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Reclaiming);
    world.wait(1);
    assert_eq!(world.lease_now(&lease).closure.expect("closed").reason(), Reason::Reclaimed);
}

#[test]
fn a_provider_keeps_the_attributes_of_live_leases_and_its_bond_until_they_end() {
    let mut world = World::new();
    world.lease(1, "10", 1_000_000_000);
    let moved = MsgUpdateProvider {
        owner: world.name(1),
        host_uri: "https://provider.example".into(),
        attributes: vec![Attribute { key: "region".into(), value: "us".into() }],
        info: None,
    };
    assert_eq!(world.refused(&moved), ("provider".into(), 5));
    world.send(&MsgGiveExitNotice { owner: world.name(1), immediate: false }).expect("gives notice");
    for day in 1..=14 {
        world.wait_alive(1, day, 86_399);
    }
    world.wait(14);
    assert_eq!(world.count("provider_exited"), 0);
    close(&mut world, 1).expect("closes");
    world.wait(86_400);
    world.wait(3600);
    assert_eq!(world.count("provider_exited"), 1);
}

#[test]
fn losing_the_last_key_ends_open_bids_and_an_unproven_key_is_refused() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    world.bid(1, &order, "10");
    world.send(&MsgRevokeProviderKey { owner: world.name(1), key_id: "daemon".into() }).expect("revokes");
    assert_eq!(world.count("bid_closed"), 1);
    assert_eq!(world.refused(&world.bid_message(1, &order, "10")), ("provider".into(), 9));
    let mut key = world.key_message(1, "next");
    key.key_id = "other".into();
    assert_eq!(world.refused(&key), ("provider".into(), 13));
    world.send(&world.key_message(1, "next")).expect("adds");
    world.send(&world.bid_message(1, &order, "10")).expect("bids again");
}

#[test]
fn state_goes_out_and_in_again_unchanged() {
    let mut world = World::new();
    world.lease(1, "500", 500_000);
    world.deploy(2, "10", 1_000_000);
    world.wait(100);
    let exported = world.export();
    let mut other = World::empty();
    other.block = world.block.clone();
    other.import(&exported);
    assert_eq!(other.export(), exported);
    other.check();
    other.wait(4901);
    assert_eq!(other.count("lease_grace"), 1);
}

#[test]
fn queries_show_money_settled_to_now_and_pages_lose_nothing() {
    let mut world = World::new();
    for dseq in 1..=5 {
        world.deploy(dseq, "10", 1_000_000);
    }
    world.wait(1);
    let lease = world.lease(6, "10", 1_000_000);
    world.block.time.seconds += 100;
    let runway: QueryEscrowRunwayResponse = world
        .ask("/ve.market.v1.Query/EscrowRunway", &QueryEscrowRunwayRequest { owner: lease.owner.clone(), dseq: 6 });
    assert_eq!((runway.seconds_remaining, runway.blocks_remaining), (499_900, 99_980));
    assert_eq!(Dec::from_mantissa(&runway.balance_remaining), Ok("999800".parse().expect("a decimal")));
    let mut seen = Vec::new();
    let two = |key| Some(PageRequest { key, limit: 2, ..PageRequest::default() });
    let mut request =
        QueryOrdersRequest { state: OrderState::Open.into(), pagination: two(Vec::new()), ..Default::default() };
    loop {
        let page: QueryOrdersResponse = world.ask("/ve.market.v1.Query/Orders", &request);
        seen.extend(page.orders.into_iter().filter_map(|order| order.id).map(|id| id.dseq));
        let key = page.pagination.expect("a page").next_key;
        if key.is_empty() {
            break;
        }
        request.pagination = two(key);
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let matched: QueryOrdersForProviderResponse = world.ask(
        "/ve.market.v1.Query/OrdersForProvider",
        &QueryOrdersForProviderRequest { provider: world.name(1), pagination: None },
    );
    assert_eq!(matched.orders.len(), 5);
    let changes: QueryChangesResponse = world.ask(
        "/ve.market.v1.Query/Changes",
        &QueryChangesRequest { since_height: 2, kinds: vec![ObjectKind::Lease.into()], pagination: None },
    );
    assert_eq!(changes.changes.len(), 1);
}

#[test]
fn bad_deployments_are_refused() {
    type Change = fn(&mut MsgCreateDeployment);
    let mut world = World::new();
    let good = world.deployment(1, "10", 1_000_000);
    let refusals: [(Change, u32); 6] = [
        (|message| message.dseq = 0, 2),
        (|message| message.groups.clear(), 5),
        (|message| message.hash.truncate(31), 6),
        (|message| message.groups[0].resources[0].count = 51, 5),
        (|message| message.groups[0].resources[0].price = Some(price("0")), 10),
        (|message| message.groups.push(message.groups[0].clone()), 5),
    ];
    for (change, code) in refusals {
        let mut message = good.clone();
        change(&mut message);
        assert_eq!(world.refused(&message), ("market".into(), code));
    }
    let mut signed = good.clone();
    signed.groups[0].requirements.as_mut().expect("given").signed_by =
        Some(SignedBy { all_of: vec![world.name(4)], any_of: Vec::new() });
    assert_eq!(world.refused(&signed), ("market".into(), 31));
    world.send(&good).expect("deploys");
    assert_eq!(world.refused(&good), ("market".into(), 4));
}
