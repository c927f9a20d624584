//! What customers may do and how often: quotas, operations, releases, refunds, disputes, the end of a deployment's life.

mod common;

use common::{World, bid_id, price};
use ve_base::{Amount, Coin};
use ve_chain_finance::escrow;
use ve_proto::ve::escrow::v1::*;
use ve_proto::ve::market::v1::*;

fn coin(amount: u64) -> Option<ve_proto::cosmos::base::v1beta1::Coin> {
    Some(Coin::native(Amount::from(amount)).to_proto())
}

fn account(world: &World, dseq: u64) -> Option<ve_proto::ve::escrow::v1::AccountId> {
    Some(World::account(dseq, &world.name(0)).to_proto())
}

fn close(world: &mut World, dseq: u64) {
    world.send(&MsgCloseDeployment { owner: world.name(0), dseq }).expect("closes");
}

fn held(world: &World) -> u64 {
    world.balance(&ve_base::module_address(escrow::ESCROW))
}

#[test]
fn orders_are_limited_by_block_and_by_minute() {
    let mut world = World::new();
    for dseq in 1..=5 {
        world.deploy(dseq, "10", 1_000_000);
    }
    assert_eq!(world.refused(&world.deployment(6, "10", 1_000_000)), ("market".into(), 19));
    for dseq in 6..=20 {
        if dseq % 5 == 1 {
            world.wait(5);
        }
        world.deploy(dseq, "10", 1_000_000);
    }
    world.wait(5);
    assert_eq!(world.refused(&world.deployment(21, "10", 1_000_000)), ("market".into(), 34));
    world.wait(40);
    world.deploy(21, "10", 1_000_000);
}

#[test]
fn bids_are_limited_by_block() {
    let mut world = World::new();
    for dseq in 1..=11 {
        if dseq % 5 == 1 {
            world.wait(5);
        }
        world.deploy(dseq, "10", 1_000_000);
    }
    let order = |dseq| OrderId { owner: world.name(0), dseq, gseq: 1, oseq: 1 };
    let orders: Vec<OrderId> = (1..=11).map(order).collect();
    for order in &orders[..10] {
        world.bid(1, order, "10");
    }
    assert_eq!(world.refused(&world.bid_message(1, &orders[10], "10")), ("market".into(), 19));
    world.wait(5);
    world.bid(1, &orders[10], "10");
}

#[test]
fn who_cancels_all_orders_pauses_and_one_that_was_served_does_not_count() {
    let mut world = World::new();
    world.lease(1, "10", 1_000_000);
    close(&mut world, 1);
    world.wait(1);
    for dseq in 2..=5 {
        world.deploy(dseq, "10", 1_000_000);
        close(&mut world, dseq);
    }
    world.wait(1);
    // Four of five.
    world.deploy(6, "10", 1_000_000);
    close(&mut world, 6);
    assert_eq!(world.count("activity_paused"), 1, "five of six");
    world.wait(1);
    assert_eq!(world.refused(&world.deployment(7, "10", 1_000_000)), ("market".into(), 35));
    world.wait(500);
    world.deploy(7, "10", 1_000_000);
}

#[test]
fn nobody_bids_on_the_own_order() {
    let mut world = World::new();
    world.make_provider(0);
    let order = world.deploy(1, "10", 1_000_000);
    assert_eq!(world.refused(&world.bid_message(0, &order, "10")), ("market".into(), 36));
}

fn ask(world: &World, lease: &BidId, action: Action, key: u8) -> MsgRequestOperation {
    MsgRequestOperation {
        owner: world.name(0),
        lease: Some(lease.clone()),
        action: action.into(),
        idem_key: vec![key; 32],
    }
}

#[test]
fn a_stopped_workload_costs_three_tenths_until_it_is_started() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 100_000_000);
    world.send(&ask(&world, &lease, Action::Stop, 1)).expect("asks");
    world.wait(100);
    world.send(&world.report(&lease, 3, 2, ResourceState::Stopped)).expect("stopped");
    assert_eq!(world.resource_now(&lease).state(), ResourceState::Stopped);
    world.wait(1000);
    world.send(&ask(&world, &lease, Action::Start, 2)).expect("asks");
    world.send(&world.report(&lease, 4, 3, ResourceState::Active)).expect("started");
    world.wait(10);
    let funds = world.escrow_now(1).funds;
    let spent = 100 * 100 + 30 * 1000 + 100 * 10;
    assert_eq!(funds, ve_base::Dec::from_amount(Amount::from(100_000_000 - spent as u64)).expect("fits").to_mantissa());
}

#[test]
fn operations_are_asked_by_the_customer_once_and_one_at_a_time() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    let stranger = MsgRequestOperation { owner: world.name(3), ..ask(&world, &lease, Action::Stop, 1) };
    assert_eq!(world.refused(&stranger), ("market".into(), 20));
    assert_eq!(world.refused(&ask(&world, &lease, Action::Terminate, 1)), ("market".into(), 37));
    let short = MsgRequestOperation { idem_key: vec![1; 31], ..ask(&world, &lease, Action::Stop, 1) };
    assert_eq!(world.refused(&short), ("market".into(), 38));
    assert_eq!(world.refused(&ask(&world, &lease, Action::Start, 1)), ("market".into(), 7));
    world.send(&ask(&world, &lease, Action::Restart, 1)).expect("asks");
    world.send(&ask(&world, &lease, Action::Restart, 1)).expect("the same again does nothing");
    assert_eq!(world.count("lifecycle_requested"), 2, "provision and restart");
    assert_eq!(world.refused(&ask(&world, &lease, Action::Stop, 1)), ("market".into(), 39));
    assert_eq!(world.refused(&ask(&world, &lease, Action::Stop, 2)), ("market".into(), 40));
    let listed: QueryOperationsResponse = world.ask(
        "/ve.market.v1.Query/Operations",
        &QueryOperationsRequest { owner: world.name(0), action: Action::Restart.into(), ..Default::default() },
    );
    assert_eq!(listed.operations.len(), 1);
    assert_eq!(listed.operations[0].requested_by, world.name(0));
}

#[test]
fn an_operation_without_an_answer_is_over_after_an_hour_and_the_workload_as_before() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 10_000_000);
    world.send(&ask(&world, &lease, Action::Stop, 1)).expect("asks");
    world.wait(3599);
    assert_eq!(world.resource_now(&lease).state(), ResourceState::Updating);
    world.wait(1);
    let resource = world.resource_now(&lease);
    assert_eq!((resource.state(), resource.desired()), (ResourceState::Active, ResourceState::Active));
    assert_eq!(world.count("lifecycle_expired"), 1);
    assert_eq!(world.refused(&world.report(&lease, 3, 2, ResourceState::Stopped)), ("market".into(), 28));
}

#[test]
fn an_overdue_suspension_stays_wanted_and_an_overdue_teardown_is_told() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 500_000);
    world.run(|ctx| common::change_escrow(ctx, |params| params.grace_seconds = 86_400));
    world.wait(5001);
    assert_eq!(world.resource_now(&lease).state(), ResourceState::Updating);
    world.wait(3600);
    let resource = world.resource_now(&lease);
    assert_eq!((resource.state(), resource.desired()), (ResourceState::Active, ResourceState::Suspended));
    world.send(&world.report(&lease, 3, 0, ResourceState::Suspended)).expect("late, but done");
    close(&mut world, 1);
    world.wait(3600);
    assert_eq!(world.count("lifecycle_expired"), 2);
    assert_eq!(world.resource_now(&lease).state(), ResourceState::Terminating);
    world.wait(82_800);
    assert_eq!(world.resource_now(&lease).state(), ResourceState::Terminated);
}

#[test]
fn a_deployment_ends_with_its_life_and_unused_funds_go_back() {
    let mut world = World::new();
    let customer = world.balance(&world.address(0));
    let message = MsgCreateDeployment { duration: 3600, ..world.deployment(1, "500", 100_000_000) };
    assert_eq!(world.refused(&MsgCreateDeployment { duration: 3599, ..message.clone() }), ("escrow".into(), 29));
    assert_eq!(
        world.refused(&MsgCreateDeployment { duration: 366 * 86_400, ..message.clone() }),
        ("escrow".into(), 29)
    );
    world.send(&message).expect("deploys");
    let order = OrderId { owner: world.name(0), dseq: 1, gseq: 1, oseq: 1 };
    let bid = world.bid(1, &order, "500");
    world.accept(&bid, "500");
    for (seq, state) in [(1, ResourceState::Provisioning), (2, ResourceState::Active)] {
        world.send(&world.report(&bid, seq, 1, state)).expect("reports");
    }
    world.wait(3599);
    assert_eq!(world.lease_now(&bid).state(), LeaseState::Active);
    world.wait(1);
    let closure = world.lease_now(&bid).closure.expect("closed");
    assert_eq!((closure.reason(), closure.actor.as_str()), (Reason::Expired, "chain"));
    assert_eq!(world.balance(&world.address(0)), customer - 360_000);
    assert_eq!(held(&world), 0);
}

fn release(world: &World, from: usize, lease: &BidId, amount: u64) -> MsgReleaseEscrow {
    MsgReleaseEscrow {
        depositor: world.name(from),
        account: account(world, 1),
        payment: world.payment_id(lease),
        amount: coin(amount),
    }
}

#[test]
fn a_release_waits_for_its_conditions() {
    let mut world = World::new();
    let mut signers = vec![world.name(3), world.name(4)];
    signers.sort();
    let now = world.block.time.unix();
    let signatures = Signatures { signers, threshold: 2, approvals: Vec::new() };
    let conditions = vec![
        Condition { timelock: now + 100, ..Condition::default() },
        Condition { signatures: Some(signatures), ..Condition::default() },
        Condition { usage: "5000".into(), ..Condition::default() },
    ];
    let message = MsgCreateDeployment { conditions, ..world.deployment(1, "500", 100_000_000) };
    let doubled = vec![Condition { timelock: 1, usage: "1".into(), ..Condition::default() }];
    assert_eq!(world.refused(&MsgCreateDeployment { conditions: doubled, ..message.clone() }), ("escrow".into(), 20));
    world.send(&message).expect("deploys");
    let order = OrderId { owner: world.name(0), dseq: 1, gseq: 1, oseq: 1 };
    let lease = world.bid(1, &order, "500");
    world.accept(&lease, "500");
    for (seq, state) in [(1, ResourceState::Provisioning), (2, ResourceState::Active)] {
        world.send(&world.report(&lease, seq, 1, state)).expect("reports");
    }
    let wanted = release(&world, 0, &lease, 10_000);
    assert_eq!(world.refused(&wanted), ("escrow".into(), 19));
    world.wait(100);
    let approve = |who: usize| MsgApproveRelease { signer: world.name(who), account: account(&world, 1) };
    let (third, fourth, stranger) = (approve(3), approve(4), approve(5));
    world.send(&third).expect("approves");
    assert_eq!(world.refused(&third), ("escrow".into(), 21));
    assert_eq!(world.refused(&stranger), ("escrow".into(), 21));
    assert_eq!(world.refused(&wanted), ("escrow".into(), 19));
    world.send(&fourth).expect("approves");
    let provider = world.balance(&world.address(1));
    world.send(&wanted).expect("all conditions hold");
    assert_eq!(world.balance(&world.address(1)), provider + 9_200, "less commission");
    assert_eq!(world.refused(&release(&world, 3, &lease, 1)), ("escrow".into(), 22));
}

#[test]
fn a_depositor_takes_back_before_the_first_payment_and_never_after() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    let balance = world.balance(&world.address(3));
    let deposit = MsgAccountDeposit { depositor: world.name(3), account: account(&world, 1), amount: coin(700) };
    world.send(&deposit).expect("deposits");
    let refund = MsgRefundEscrow { sender: world.name(3), account: account(&world, 1), payment: String::new() };
    world.send(&refund).expect("takes back");
    assert_eq!(world.balance(&world.address(3)), balance);
    assert_eq!(world.refused(&refund), ("escrow".into(), 23), "not twice");
    let all = MsgRefundEscrow { sender: world.name(0), ..refund.clone() };
    assert_eq!(world.refused(&all), ("escrow".into(), 32), "an order keeps a deposit behind it");
    let bid = world.bid(1, &order, "10");
    let of_bid = MsgRefundEscrow {
        sender: world.name(1),
        account: Some(escrow::AccountId::bid(world.payment_id(&bid)).to_proto()),
        payment: String::new(),
    };
    assert_eq!(world.refused(&of_bid), ("escrow".into(), 30), "a bid keeps its deposit");
    world.accept(&bid, "10");
    let owner = MsgRefundEscrow { sender: world.name(0), ..refund };
    assert_eq!(world.refused(&owner), ("escrow".into(), 24));
}

#[test]
fn a_payee_gives_back_what_it_has_not_taken() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 1_000_000);
    world.wait(1000);
    let customer = world.balance(&world.address(0));
    let back =
        MsgRefundEscrow { sender: world.name(1), account: account(&world, 1), payment: world.payment_id(&lease) };
    assert_eq!(world.refused(&MsgRefundEscrow { sender: world.name(0), ..back.clone() }), ("escrow".into(), 11));
    world.send(&back).expect("gives back");
    close(&mut world, 1);
    assert_eq!(world.balance(&world.address(0)), customer + 1_000_000);
}

fn dispute(world: &World, who: usize, lease: &BidId, amount: u64) -> MsgDisputeEscrow {
    MsgDisputeEscrow {
        sender: world.name(who),
        account: account(world, 1),
        payment: world.payment_id(lease),
        amount: coin(amount),
        statement_hash: vec![4; 32],
    }
}

fn resolve(world: &World, sender: String, to_payee: &str) -> MsgResolveDispute {
    MsgResolveDispute { sender, account: account(world, 1), dispute: 1, to_payee: to_payee.into() }
}

#[test]
fn disputed_coins_stay_until_governance_divides_them() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 1_000_000);
    let (customer, provider) = (world.balance(&world.address(0)), world.balance(&world.address(1)));
    assert_eq!(world.refused(&dispute(&world, 4, &lease, 1000)), ("escrow".into(), 25));
    assert_eq!(world.refused(&dispute(&world, 0, &lease, 1_000_001)), ("escrow".into(), 26));
    let short = MsgDisputeEscrow { statement_hash: vec![4; 31], ..dispute(&world, 0, &lease, 1) };
    assert_eq!(world.refused(&short), ("escrow".into(), 31));
    world.send(&dispute(&world, 0, &lease, 600_000)).expect("disputes");
    assert_eq!(world.balance(&world.address(0)), customer - 1_000_000, "the bond");
    world.wait(1000);
    close(&mut world, 1);
    assert_eq!(world.balance(&world.address(0)), customer - 1_000_000 + 300_000);
    assert_eq!(held(&world), 600_000 + 1_000_000, "neither paid nor refunded");
    // Each party decides against itself only.
    assert_eq!(world.refused(&resolve(&world, world.name(0), "0")), ("escrow".into(), 28));
    assert_eq!(world.refused(&resolve(&world, world.name(1), "600000")), ("escrow".into(), 28));
    assert_eq!(world.refused(&resolve(&world, world.name(4), "0")), ("escrow".into(), 25));
    let gov = ve_base::module_address("gov").to_string();
    assert_eq!(world.refused(&resolve(&world, gov.clone(), "600001")), ("escrow".into(), 28));
    world.send(&resolve(&world, gov.clone(), "200000")).expect("a third for the provider");
    assert_eq!(world.balance(&world.address(0)), customer + 300_000 + 400_000, "with the bond");
    // 100 000 for 1 000 s and 200 000 by the verdict, less 8 %; and the bid's deposit.
    assert_eq!(world.balance(&world.address(1)), provider + 92_000 + 184_000 + 500_000);
    assert_eq!(held(&world), 0);
    assert_eq!(world.refused(&resolve(&world, gov, "0")), ("escrow".into(), 27));
}

#[test]
fn a_dispute_that_nobody_resolves_ends_after_a_week_and_costs_its_opener_the_bond() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 10_000_000);
    let provider = world.balance(&world.address(1));
    world.send(&dispute(&world, 1, &lease, 1_000_000)).expect("the payee may, too");
    for day in 1..=7 {
        world.wait_alive(1, day, 86_399);
    }
    assert_eq!(world.escrow_now(1).disputes.len(), 1);
    let customer = world.balance(&world.address(0));
    world.wait(7);
    assert!(world.escrow_now(1).disputes.is_empty());
    assert_eq!(world.balance(&world.address(0)), customer + 1_000_000, "for the frozen coins");
    assert_eq!(world.balance(&world.address(1)), provider - 1_000_000);
}

#[test]
fn a_party_that_gives_in_ends_the_dispute_and_the_bond_returns() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 10_000_000);
    let (customer, provider) = (world.balance(&world.address(0)), world.balance(&world.address(1)));
    world.send(&dispute(&world, 0, &lease, 500_000)).expect("disputes");
    world.send(&resolve(&world, world.name(1), "0")).expect("the payee gives in");
    assert_eq!(world.balance(&world.address(0)), customer);
    world.send(&dispute(&world, 0, &lease, 500_000)).expect("disputes again");
    let second = MsgResolveDispute { dispute: 2, ..resolve(&world, world.name(0), "500000") };
    world.send(&second).expect("the owner gives in");
    assert_eq!(world.balance(&world.address(0)), customer);
    assert_eq!(world.balance(&world.address(1)), provider + 460_000);
}

#[test]
fn lists_filter_by_price_time_name_and_state() {
    let mut world = World::new();
    let start = world.block.time.unix();
    for (dseq, limit) in [(1, "10"), (2, "20"), (3, "30")] {
        world.deploy(dseq, limit, 1_000_000);
        world.wait(100);
    }
    let bound = |text: &str| price(text).amount;
    let range = PriceRange { denom: "uve".into(), min: bound("15"), max: bound("30") };
    let found = |request: QueryOrdersRequest| -> Vec<u64> {
        let page: QueryOrdersResponse = world.ask("/ve.market.v1.Query/Orders", &request);
        page.orders.into_iter().filter_map(|order| order.id).map(|id| id.dseq).collect()
    };
    let all = QueryOrdersRequest { state: OrderState::Open.into(), ..Default::default() };
    assert_eq!(found(QueryOrdersRequest { price: Some(range.clone()), ..all.clone() }), [2, 3]);
    let early = TimeRange { from: start, until: start + 100 };
    assert_eq!(found(QueryOrdersRequest { created: Some(early), ..all.clone() }), [1, 2]);
    assert_eq!(found(QueryOrdersRequest { created: Some(early), price: Some(range), ..all.clone() }), [2]);
    assert_eq!(found(QueryOrdersRequest { name_prefix: "we".into(), region: "eu".into(), ..all.clone() }), [1, 2, 3]);
    assert!(found(QueryOrdersRequest { region: "us".into(), ..all.clone() }).is_empty());
    assert!(found(QueryOrdersRequest { name_prefix: "x".into(), owner: world.name(0), ..all }).is_empty());
}

#[test]
fn counters_say_how_many_are_in_which_state() {
    let mut world = World::new();
    world.lease(1, "10", 1_000_000);
    let order = world.deploy(2, "10", 1_000_000);
    world.bid(1, &order, "10");
    let count = |request: QueryStatusCountersRequest, kind: ObjectKind, state: &str| -> u64 {
        let answer: QueryStatusCountersResponse = world.ask("/ve.market.v1.Query/StatusCounters", &request);
        assert!(!answer.capped);
        answer.counters.iter().filter(|one| one.kind() == kind && one.state == state).map(|one| one.count).sum()
    };
    let all = QueryStatusCountersRequest::default();
    assert_eq!(count(all.clone(), ObjectKind::Deployment, "active"), 2);
    assert_eq!(count(all.clone(), ObjectKind::Order, "matched"), 1);
    let of_provider = QueryStatusCountersRequest { provider: world.name(1), ..all.clone() };
    assert_eq!(count(of_provider.clone(), ObjectKind::Bid, "active"), 1);
    assert_eq!(count(of_provider.clone(), ObjectKind::Bid, "open"), 1);
    assert_eq!(count(of_provider, ObjectKind::Order, "open"), 0, "orders have no provider");
    let of_other = QueryStatusCountersRequest { owner: world.name(3), ..all };
    assert_eq!(count(of_other, ObjectKind::Lease, "active"), 0);
    assert_eq!(bid_id(&order, &world.name(1), 1).dseq, 2);
}
