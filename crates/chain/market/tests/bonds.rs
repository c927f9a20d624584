//! What binds providers: bonds that cover prepaid value, signs of life, and what leaving customers costs.

mod common;

use common::{ENDOWMENT, World};
use ve_base::{Amount, Coin};
use ve_proto::ve::market::v1::*;
use ve_proto::ve::provider::v1::*;

const DAY: i64 = 86_400;

fn leave(world: &World, number: usize) -> MsgGiveExitNotice {
    MsgGiveExitNotice { owner: world.name(number), immediate: true }
}

fn amount(coin: Option<ve_proto::cosmos::base::v1beta1::Coin>) -> u64 {
    coin.expect("given").amount.parse().expect("small")
}

#[test]
fn a_lease_that_the_bond_does_not_cover_is_refused_until_more_is_bonded() {
    let mut world = World::new();
    // One per cent of what is prepaid is more than the bond of 1 000 VE.
    world.run(|ctx| common::endow_more(ctx, 0, 200_000_000_000));
    let order = world.deploy(1, "10", 150_000_000_000);
    let bid = world.bid(1, &order, "10");
    let accept = MsgAcceptBid { owner: world.name(0), bid: Some(bid), price: Some(common::price("10")) };
    assert_eq!(world.refused(&accept), ("provider".into(), 8));
    let more =
        MsgBondProvider { owner: world.name(1), amount: Some(Coin::native(Amount::from(500_000_000u64)).to_proto()) };
    world.send(&more).expect("bonds");
    world.send(&accept).expect("the bond covers it");
    let bond = world.bond_now(1);
    assert_eq!((amount(bond.bond), amount(bond.required)), (1_500_000_000, 1_500_000_000));
    assert_eq!(amount(bond.open_prepaid), 150_000_000_000);
}

#[test]
fn prepaid_value_falls_with_what_is_served_and_rises_with_deposits() {
    let mut world = World::new();
    let lease = world.lease(1, "500", 50_000_000);
    world.lease(2, "500", 50_000_000);
    assert_eq!(amount(world.bond_now(1).open_prepaid), 100_000_000);
    world.wait(1000);
    assert_eq!(amount(world.bond_now(1).open_prepaid), 100_000_000 - 200_000);
    let account = World::account(1, &world.name(0));
    let deposit = ve_proto::ve::escrow::v1::MsgAccountDeposit {
        depositor: world.name(3),
        account: Some(account.to_proto()),
        amount: Some(Coin::native(Amount::from(1_000_000u64)).to_proto()),
    };
    world.send(&deposit).expect("deposits");
    assert_eq!(amount(world.bond_now(1).open_prepaid), 101_000_000 - 200_000);
    let close = MsgCloseLease { sender: lease.owner.clone(), lease: Some(lease), reason: Reason::Owner.into() };
    world.send(&close).expect("closes");
    assert_eq!(amount(world.bond_now(1).open_prepaid), 50_000_000 - 100_000);
}

#[test]
fn what_accrues_before_delivery_stays_prepaid() {
    let mut world = World::new();
    let order = world.deploy(1, "500", 50_000_000);
    let bid = world.bid(1, &order, "500");
    world.accept(&bid, "500");
    world.wait(1000);
    assert_eq!(amount(world.bond_now(1).open_prepaid), 50_000_000);
}

#[test]
fn a_bond_that_is_short_for_a_day_restricts_and_a_larger_one_lifts_it() {
    let mut world = World::new();
    world.run(|ctx| common::endow_more(ctx, 3, 400_000_000_000));
    world.lease(1, "10", 1_000_000);
    let account = World::account(1, &world.name(0));
    let deposit = ve_proto::ve::escrow::v1::MsgAccountDeposit {
        depositor: world.name(3),
        account: Some(account.to_proto()),
        amount: Some(Coin::native(Amount::from(200_000_000_000u64)).to_proto()),
    };
    world.send(&deposit).expect("anybody may deposit");
    let order = world.deploy(2, "10", 1_000_000);
    assert_eq!(world.refused(&world.bid_message(1, &order, "10")), ("provider".into(), 8));
    world.wait_alive(1, 1, 3600);
    assert_eq!(world.provider_now(1).state(), ProviderState::Active, "a day to put it right");
    world.wait_alive(1, 2, DAY - 1);
    assert_eq!(world.provider_now(1).state(), ProviderState::Active);
    world.wait(1);
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted);
    assert_eq!(world.count("lease_closed"), 0, "leases run on");
    let more =
        MsgBondProvider { owner: world.name(1), amount: Some(Coin::native(Amount::from(1_100_000_000u64)).to_proto()) };
    world.send(&more).expect("bonds");
    assert_eq!(world.provider_now(1).state(), ProviderState::Active);
}

#[test]
fn a_provider_silent_for_a_day_loses_its_leases_and_pays_its_customers() {
    let mut world = World::new();
    let customer = world.balance(&world.address(0));
    let lease = world.lease(1, "500", 1_000_000_000);
    world.wait(DAY - 1);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Active, "an outage within the time closes nothing");
    world.wait(1);
    let closed = world.lease_now(&lease);
    let closure = closed.closure.expect("closed");
    assert_eq!((closure.reason(), closure.actor.as_str()), (Reason::ProviderLost, "chain"));
    assert_eq!(world.count("provider_lost"), 1);
    // Unserved: 1 000 VE less a day at 100 uve per second. 10 % of it is more than 5 % of the bond of 1 000 VE.
    let served = 100 * DAY as u64;
    let penalty = (1_000_000_000 - served) / 10;
    assert_eq!(world.provider_now(1).state(), ProviderState::Exiting);
    assert_eq!(world.provider_now(1).bond, (1_000_000_000 - penalty).to_string());
    assert_eq!(world.provider_now(1).penalties, penalty.to_string());
    world.send(&MsgCloseDeployment { owner: world.name(0), dseq: 1 }).expect("closes");
    assert_eq!(world.balance(&world.address(0)), customer - served + penalty, "the rest is refunded, the penalty paid");
    world.wait(2 * DAY);
    world.wait(12 * DAY);
    assert_eq!(world.provider_now(1).state(), ProviderState::Exited);
    assert_eq!(world.balance(&world.address(1)), ENDOWMENT - penalty + served - served * 8 / 100);
}

#[test]
fn heartbeats_and_reports_keep_a_provider() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    world.wait_alive(1, 1, DAY - 1);
    world.wait(DAY - 1);
    let report = world.report(&lease, 3, 0, ResourceState::Active);
    world.send(&report).expect("reports");
    world.wait(DAY - 1);
    assert_eq!(world.lease_now(&lease).state(), LeaseState::Active);
    assert_eq!(world.count("provider_lost"), 0);
}

#[test]
fn a_silent_provider_without_leases_loses_nothing() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    world
        .send(&MsgCloseLease { sender: lease.owner.clone(), lease: Some(lease), reason: Reason::Owner.into() })
        .expect("closes");
    world.wait(30 * DAY);
    assert_eq!(world.provider_now(1).state(), ProviderState::Active);
    assert_eq!(world.provider_now(1).bond, "1000000000");
}

#[test]
fn forged_replayed_and_stale_heartbeats_are_refused() {
    let mut world = World::new();
    let beat = world.heartbeat(1, 5);
    world.send(&beat).expect("alive");
    assert_eq!(world.refused(&beat), ("provider".into(), 19));
    assert_eq!(world.refused(&world.heartbeat(1, 4)), ("provider".into(), 19));
    let mut forged = world.heartbeat(1, 6);
    forged.seq = 7;
    assert_eq!(world.refused(&forged), ("provider".into(), 21));
    assert_eq!(world.refused(&MsgHeartbeat { key_id: "other".into(), ..forged.clone() }), ("provider".into(), 12));
    let late = world.heartbeat(1, 8);
    world.wait(601);
    assert_eq!(world.refused(&late), ("provider".into(), 20));
    assert_eq!(world.refused(&world.heartbeat(2, 1)), ("provider".into(), 3));
}

#[test]
fn leaving_at_once_pays_each_customer_by_what_it_loses() {
    let mut world = World::new();
    world.lease(1, "500", 400_000_000);
    let spec = world.deployment(7, "500", 100_000_000);
    world.send(&MsgCreateDeployment { owner: world.name(4), ..spec }).expect("another customer");
    let order = OrderId { owner: world.name(4), dseq: 7, gseq: 1, oseq: 1 };
    let bid = world.bid(1, &order, "500");
    world.accept(&bid, "500");
    let (first, second) = (world.balance(&world.address(0)), world.balance(&world.address(4)));
    assert_eq!(amount(world.bond_now(1).penalty), 50_000_000);
    let message = leave(&world, 1);
    world.send(&message).expect("leaves");
    assert_eq!(world.provider_now(1).state(), ProviderState::Penalised);
    assert_eq!(world.refused(&message), ("provider".into(), 9));
    world.wait(0);
    assert_eq!(world.provider_now(1).state(), ProviderState::Exiting);
    // 5 % of the bond of 1 000 VE and 10 % of 500 VE are 50 VE, by 4 to 1.
    assert_eq!(world.balance(&world.address(0)), first + 40_000_000);
    assert_eq!(world.balance(&world.address(4)), second + 10_000_000);
    assert_eq!(world.count("penalty_settled"), 1);
}

#[test]
fn no_customer_gets_more_than_it_loses_and_the_rest_is_burned() {
    let mut world = World::new();
    world.lease(1, "10", 1_000_000);
    let before = world.balance(&world.address(0));
    let message = leave(&world, 1);
    world.send(&message).expect("leaves");
    world.wait(0);
    assert_eq!(world.balance(&world.address(0)), before + 1_000_000, "5 % of the bond are 50 VE, 1 VE was at stake");
    assert_eq!(world.count("burn"), 1);
}

#[test]
fn a_surge_of_departures_doubles_the_penalty() {
    let mut world = World::new();
    world.make_provider(2);
    world.lease(1, "10", 1_000_000);
    let quote = amount(world.bond_now(1).penalty);
    world.send(&MsgGiveExitNotice { owner: world.name(2), immediate: true }).expect("nobody to leave: a notice");
    assert_eq!(world.provider_now(2).state(), ProviderState::Exiting);
    assert_eq!(amount(world.bond_now(1).penalty), 2 * quote);
    for day in 1..=30 {
        world.wait_alive(1, day, DAY - 1);
    }
    assert_eq!(amount(world.bond_now(1).penalty), 2 * quote);
    world.wait(30);
    assert_eq!(amount(world.bond_now(1).penalty), quote, "a month later it is forgotten");
}

#[test]
fn a_refused_customer_gets_no_bid_and_no_lease() {
    let mut world = World::new();
    let order = world.deploy(1, "10", 1_000_000);
    let bid = world.bid(1, &order, "10");
    let deny = MsgSetDenyList { owner: world.name(1), add: vec![world.name(0)], remove: Vec::new() };
    world.send(&deny).expect("refuses");
    let accept = MsgAcceptBid { owner: world.name(0), bid: Some(bid), price: Some(common::price("10")) };
    assert_eq!(world.refused(&accept), ("provider".into(), 17));
    let other = world.deploy(2, "10", 1_000_000);
    assert_eq!(world.refused(&world.bid_message(1, &other, "10")), ("provider".into(), 17));
    let listed: QueryDenyListResponse =
        world.ask("/ve.provider.v1.Query/DenyList", &QueryDenyListRequest { owner: world.name(1), pagination: None });
    assert_eq!(listed.customers, [world.name(0)]);
    world.send(&MsgSetDenyList { owner: world.name(1), add: Vec::new(), remove: vec![world.name(0)] }).expect("takes");
    world.send(&accept).expect("accepts");
    assert_eq!(world.refused(&MsgSetDenyList { owner: world.name(3), ..deny.clone() }), ("provider".into(), 3));
    assert_eq!(world.refused(&MsgSetDenyList { remove: deny.add.clone(), ..deny }), ("provider".into(), 18));
}

#[test]
fn a_rotated_key_verifies_for_a_day_and_a_revoked_one_not_at_all() {
    let mut world = World::new();
    let lease = world.lease(1, "10", 1_000_000);
    let next = MsgAddProviderKey { replaces: "daemon".into(), ..world.key_message(1, "next") };
    world.send(&next).expect("rotates");
    let old = world.report(&lease, 3, 0, ResourceState::Active);
    world.send(&old).expect("still on its way");
    world.wait(DAY - 1);
    let mut new = world.report(&lease, 4, 0, ResourceState::Active);
    new.key_id = "next".into();
    world.sign(&mut new);
    world.send(&new).expect("the new key");
    world.wait(1);
    assert_eq!(world.refused(&world.report(&lease, 5, 0, ResourceState::Active)), ("provider".into(), 12));
    let revoke = MsgRevokeProviderKey { owner: world.name(1), key_id: "next".into() };
    world.send(&revoke).expect("revokes");
    let mut gone = world.report(&lease, 5, 0, ResourceState::Active);
    gone.key_id = "next".into();
    world.sign(&mut gone);
    assert_eq!(world.refused(&gone), ("provider".into(), 12));
    let again = MsgAddProviderKey { replaces: "next".into(), ..world.key_message(1, "third") };
    assert_eq!(world.refused(&again), ("provider".into(), 12));
}

fn change_params(world: &mut World, change: impl FnOnce(&mut ve_proto::ve::provider::v1::Params)) {
    let item: ve_store::Item<ve_proto::ve::provider::v1::Params> = ve_store::Item::new("provider", 0);
    world.run(|ctx| {
        let mut params = item.get(ctx).expect("reads").expect("given at genesis");
        change(&mut params);
        item.set(ctx, &params).expect("writes");
    });
}

fn name_attesters(world: &mut World) {
    common::name_attesters(world);
    change_params(world, |params| params.require_domain = true);
}

fn request(world: &World, number: usize) -> MsgRequestDomainVerification {
    MsgRequestDomainVerification {
        owner: world.name(number),
        domain: "provider.example".into(),
        method: DomainMethod::Txt.into(),
    }
}

fn domain_now(world: &World, number: usize) -> QueryDomainResponse {
    world.ask("/ve.provider.v1.Query/Domain", &QueryDomainRequest { owner: world.name(number) })
}

fn attest(world: &World, attester: usize, number: usize, holds: bool) -> MsgSubmitDomainAttestation {
    MsgSubmitDomainAttestation {
        attester: world.name(attester),
        provider: world.name(number),
        token: domain_now(world, number).request.expect("asked").token,
        holds,
        observed_at: world.block.time.unix(),
    }
}

#[test]
fn two_attesters_make_a_domain_the_providers_and_forged_proof_is_refused() {
    let mut world = World::new();
    name_attesters(&mut world);
    world.wait(3600);
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted, "no domain yet");
    let elsewhere = MsgRequestDomainVerification { domain: "elsewhere.example".into(), ..request(&world, 1) };
    assert_eq!(world.refused(&elsewhere), ("provider".into(), 23));
    assert_eq!(
        world.refused(&MsgRequestDomainVerification { domain: "Provider.example".into(), ..elsewhere }),
        ("provider".into(), 22)
    );
    world.send(&request(&world, 1)).expect("asks");
    assert_eq!(world.refused(&request(&world, 1)), ("provider".into(), 24));
    assert_eq!(world.refused(&attest(&world, 0, 1, true)), ("attester".into(), 2), "not an attester");
    assert_eq!(world.refused(&attest(&world, 1, 1, true)), ("provider".into(), 27), "the provider itself");
    let first = attest(&world, 3, 1, true);
    world.send(&first).expect("sees it");
    assert_eq!(world.refused(&first), ("provider".into(), 27), "each attester once");
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted, "one is not enough");
    let forged = MsgSubmitDomainAttestation { token: "00".repeat(32), ..attest(&world, 4, 1, true) };
    assert_eq!(world.refused(&forged), ("provider".into(), 28));
    world.send(&attest(&world, 4, 1, true)).expect("sees it");
    assert_eq!(world.provider_now(1).state(), ProviderState::Active);
    assert_eq!(world.refused(&request(&world, 1)), ("provider".into(), 25), "too early to renew");
    let moved = MsgUpdateProvider {
        owner: world.name(1),
        host_uri: "https://elsewhere.example".into(),
        attributes: world.provider_now(1).attributes,
        info: None,
    };
    world.send(&moved).expect("moves");
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted, "the gateway left the domain");
}

#[test]
fn two_attesters_of_one_organisation_are_one() {
    let mut world = World::new();
    name_attesters(&mut world);
    world.wait(3600);
    world.send(&request(&world, 1)).expect("asks");
    world.send(&attest(&world, 4, 1, true)).expect("sees it");
    assert_eq!(world.refused(&attest(&world, 5, 1, true)), ("provider".into(), 27), "another one of the south");
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted);
    world.send(&attest(&world, 3, 1, true)).expect("the north sees it too");
    assert_eq!(world.provider_now(1).state(), ProviderState::Active);
}

#[test]
fn domains_are_required_only_when_enough_organisations_attest_them() {
    use ve_proto::ve::provider::v1::{MsgUpdateParams, QueryParamsRequest, QueryParamsResponse};
    let mut world = World::new();
    let mut params = world.ask::<_, QueryParamsResponse>("/ve.provider.v1.Query/Params", &QueryParamsRequest {}).params;
    let mut change = |world: &mut World, attestations| {
        let params = params.as_mut().expect("given");
        (params.require_domain, params.attestations) = (true, attestations);
        let authority = ve_base::module_address("gov").to_string();
        world.send(&MsgUpdateParams { authority, params: Some(params.clone()) })
    };
    let refused = change(&mut world, 2).expect_err("nobody attests");
    assert!(refused.log.contains("fewer attesters"), "{}", refused.log);
    common::name_attesters(&mut world);
    change(&mut world, 3).expect_err("there is no third organisation");
    change(&mut world, 2).expect("two organisations attest");
}

#[test]
fn a_domain_goes_to_the_provider_that_proved_it_last() {
    let mut world = World::new();
    name_attesters(&mut world);
    world.make_provider(2);
    for number in [1, 2] {
        world.send(&request(&world, number)).expect("asks");
        for attester in [3, 4] {
            world.send(&attest(&world, attester, number, true)).expect("sees it");
        }
    }
    assert!(domain_now(&world, 1).verified.is_none());
    assert_eq!(world.provider_now(1).state(), ProviderState::Restricted);
    assert_eq!(world.provider_now(2).state(), ProviderState::Active);
    world.send(&MsgRevokeDomain { owner: world.name(2) }).expect("gives it up");
    assert_eq!(world.refused(&MsgRevokeDomain { owner: world.name(2) }), ("provider".into(), 29));
    assert_eq!(world.provider_now(2).state(), ProviderState::Restricted);
}

#[test]
fn a_mismatch_pauses_requests_and_five_a_day_are_the_most() {
    let mut world = World::new();
    name_attesters(&mut world);
    for number in 0..5 {
        world.send(&request(&world, 1)).expect("asks");
        for attester in [3, 4] {
            world.send(&attest(&world, attester, 1, false)).expect("does not see it");
        }
        assert_eq!(world.refused(&request(&world, 1)), ("provider".into(), 26), "request {number}");
        world.wait(3600);
    }
    assert_eq!(world.refused(&request(&world, 1)), ("provider".into(), 26));
    world.wait(DAY - 5 * 3600);
    world.send(&request(&world, 1)).expect("the next day");
    world.wait(7 * DAY);
    assert_eq!(domain_now(&world, 1).request.expect("asked").state(), DomainState::Expired);
}

#[test]
fn a_domain_that_nobody_confirms_for_three_weeks_is_lost() {
    let mut world = World::new();
    name_attesters(&mut world);
    world.send(&request(&world, 1)).expect("asks");
    for attester in [3, 4] {
        world.send(&attest(&world, attester, 1, true)).expect("sees it");
    }
    world.wait(7 * DAY);
    world.wait(7 * DAY);
    assert_eq!(domain_now(&world, 1).verified.expect("two misses").missed, 2);
    for attester in [3, 5] {
        world.send(&attest(&world, attester, 1, true)).expect("confirms");
    }
    assert_eq!(domain_now(&world, 1).verified.expect("confirmed").missed, 0);
    for _ in 0..3 {
        world.wait(7 * DAY);
    }
    assert!(domain_now(&world, 1).verified.is_none());
    assert_eq!(world.count("domain_lost"), 1);
}
