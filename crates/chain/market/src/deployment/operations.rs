//! Random operations for the simulation.

use ve_base::{Address, Amount, Coin, Dec, preimage};
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::escrow::v1::{Condition, Signatures};
use ve_proto::ve::market::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};
use ve_store::{IndexedMap, Key, Value};

use super::ids::{BidId, DeploymentId, GroupId};
use super::keys::{BID_EXPIRY, BIDS, DEPLOYMENTS, GROUPS, LEASES, ORDERS, ORDERS_BY_STATE, RESOURCES};
use crate::provider::operations::{DAEMON_KEY_ID, daemon_key, pick, propose, some_active};

pub fn all() -> Vec<Operation> {
    let operation = |message, weight, generate| Operation { message, weight, generate };
    vec![
        operation("/ve.market.v1.MsgCreateDeployment", 20, create_deployment),
        operation("/ve.market.v1.MsgUpdateDeployment", 3, update_deployment),
        operation("/ve.market.v1.MsgCloseDeployment", 3, close_deployment),
        operation("/ve.market.v1.MsgPauseGroup", 2, pause_group),
        operation("/ve.market.v1.MsgStartGroup", 4, start_group),
        operation("/ve.market.v1.MsgCloseGroup", 1, close_group),
        operation("/ve.market.v1.MsgCreateBid", 25, create_bid),
        operation("/ve.market.v1.MsgCloseBid", 3, close_bid),
        operation("/ve.market.v1.MsgAcceptBid", 20, accept_bid),
        operation("/ve.market.v1.MsgCloseLease", 4, close_lease),
        operation("/ve.market.v1.MsgStartReclaim", 2, start_reclaim),
        operation("/ve.market.v1.MsgRequestOperation", 6, request_operation),
        operation("/ve.market.v1.MsgReportResource", 3, forged_report),
        operation("/ve.market.v1.MsgReportResource", 30, report),
        operation("/ve.market.v1.MsgUpdateParams", 1, usurped_params),
    ]
}

/// One of the first 200 objects.
fn some<K: Key + Clone, V: Value + Clone>(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    map: &'static IndexedMap<K, V>,
) -> Option<(K, V)> {
    let known: Vec<(K, V)> = map.scan().entries(ctx).take(200).filter_map(Result::ok).collect();
    pick(draw, &known)
}

fn price(amount: u64) -> Option<DecCoin> {
    let amount = Dec::from_parts(amount, 1).ok()?;
    Some(DecCoin { denom: ve_base::BASE_DENOM.into(), amount: amount.to_mantissa() })
}

fn group_spec(name: &str, limit: u64) -> GroupSpec {
    let resources = Resources { id: 1, cpu: 500, memory: 1 << 29, ..Resources::default() };
    let unit = ResourceUnit { resources: Some(resources), count: 1, price: price(limit) };
    GroupSpec { name: name.into(), resources: vec![unit], ..GroupSpec::default() }
}

fn create_deployment(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let owner = pick(draw, accounts)?;
    let dseq = draw.below(40);
    let fresh = !DEPLOYMENTS.has(ctx, &DeploymentId { owner: owner.clone(), dseq }).ok()?;
    let groups = if draw.below(3) == 0 { vec!["web", "data"] } else { vec!["web"] };
    let message = MsgCreateDeployment {
        owner: owner.to_string(),
        dseq,
        groups: groups.into_iter().map(|name| group_spec(name, 10_000)).collect(),
        hash: vec![u8::try_from(draw.below(256)).ok()?; 32],
        deposit: Some(Coin::native(Amount::from(500_000 + draw.below(1_000_000))).to_proto()),
        auto_reorder: draw.below(2) == 0,
        conditions: conditions(draw, accounts),
        duration: if draw.below(4) == 0 { 3600 + draw.below(86_400) } else { 0 },
    };
    propose(owner, &message, if fresh && dseq > 0 { Expect::Either } else { Expect::Refused })
}

/// One of four asks for the approval of one of two accounts.
fn conditions(draw: &mut dyn Draw, accounts: &[Address]) -> Vec<Condition> {
    if draw.below(4) > 0 {
        return Vec::new();
    }
    let mut signers: Vec<String> =
        (0..2).filter_map(|_| pick(draw, accounts)).map(|signer| signer.to_string()).collect();
    signers.sort();
    signers.dedup();
    let signatures = Signatures { signers, threshold: 1, approvals: Vec::new() };
    vec![Condition { signatures: Some(signatures), ..Condition::default() }]
}

/// Stops what runs, starts what is stopped, or asks for what cannot be.
fn request_operation(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let steady: Vec<(BidId, Resource)> = RESOURCES
        .scan()
        .entries(ctx)
        .take(2000)
        .filter_map(Result::ok)
        .filter(|(_, resource)| matches!(resource.state(), ResourceState::Active | ResourceState::Stopped))
        .collect();
    let (id, resource) = pick(draw, &steady)?;
    let action = match (resource.state(), draw.below(4)) {
        (ResourceState::Stopped, 1..) | (ResourceState::Active, 0) => Action::Start,
        (_, 1) => Action::Restart,
        _ => Action::Stop,
    };
    let owner = id.order.owner().clone();
    let message = MsgRequestOperation {
        owner: owner.to_string(),
        lease: Some(id.to_proto()),
        action: action.into(),
        idem_key: vec![u8::try_from(draw.below(256)).ok()?; 32],
    };
    propose(owner, &message, Expect::Either)
}

fn update_deployment(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (id, _) = some(draw, ctx, &DEPLOYMENTS)?;
    let message = MsgUpdateDeployment { owner: id.owner.to_string(), dseq: id.dseq, hash: vec![1; 32] };
    propose(id.owner, &message, Expect::Either)
}

fn close_deployment(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (id, deployment) = some(draw, ctx, &DEPLOYMENTS)?;
    let over = deployment.state() == DeploymentState::Closed;
    let message = MsgCloseDeployment { owner: id.owner.to_string(), dseq: id.dseq };
    propose(id.owner, &message, if over { Expect::Refused } else { Expect::Either })
}

fn some_group(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(Address, GroupId)> {
    let (id, _) = some(draw, ctx, &GROUPS)?;
    Some((id.deployment.owner.clone(), id))
}

fn pause_group(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (owner, id) = some_group(draw, ctx)?;
    let message = MsgPauseGroup { owner: owner.to_string(), dseq: id.deployment.dseq, gseq: id.gseq };
    propose(owner, &message, Expect::Either)
}

fn start_group(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (owner, id) = some_group(draw, ctx)?;
    let message = MsgStartGroup { owner: owner.to_string(), dseq: id.deployment.dseq, gseq: id.gseq };
    propose(owner, &message, Expect::Either)
}

fn close_group(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (owner, id) = some_group(draw, ctx)?;
    let message = MsgCloseGroup { owner: owner.to_string(), dseq: id.deployment.dseq, gseq: id.gseq };
    propose(owner, &message, Expect::Either)
}

fn create_bid(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let open = u8::try_from(i32::from(OrderState::Open)).ok()?;
    let orders: Vec<_> = ORDERS_BY_STATE.keys(ctx, &open).take(200).filter_map(Result::ok).collect();
    let bidder = if draw.below(8) == 0 { None } else { some_active(draw, ctx) };
    let (provider, id) = (bidder.or_else(|| pick(draw, accounts))?, pick(draw, &orders)?);
    let order = ORDERS.get(ctx, &id).ok()??;
    let offers = order.spec?.resources.into_iter();
    let offers = offers.map(|unit| ResourceOffer { resources: unit.resources, count: unit.count });
    let message = MsgCreateBid {
        provider: provider.to_string(),
        order: Some(id.to_proto()),
        price: price(draw.below(12_000)),
        resources_offer: offers.collect(),
        reclamation_window: if draw.below(4) == 0 { 3600 } else { 0 },
        deposit: Some(Coin::native(Amount::from(500_000u64)).to_proto()),
    };
    propose(provider, &message, Expect::Either)
}

fn close_bid(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let open = open_bids(ctx);
    let (id, bid) = if draw.below(4) == 0 { some(draw, ctx, &BIDS)? } else { pick(draw, &open)? };
    let message = MsgCloseBid { provider: id.provider.to_string(), order: Some(id.order.to_proto()), bseq: id.bseq };
    let expect = if bid.state() == BidState::Open { Expect::Either } else { Expect::Refused };
    propose(id.provider, &message, expect)
}

fn open_bids(ctx: &QueryContext<'_>) -> Vec<(BidId, Bid)> {
    let ids = BID_EXPIRY.scan().keys(ctx).take(200).filter_map(Result::ok);
    ids.filter_map(|(_, id)| BIDS.get(ctx, &id).ok().flatten().map(|bid| (id, bid))).collect()
}

fn accept_bid(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (id, bid) = pick(draw, &open_bids(ctx))?;
    let owner = id.order.owner().clone();
    let message = MsgAcceptBid { owner: owner.to_string(), bid: Some(id.to_proto()), price: bid.price };
    propose(owner, &message, Expect::Either)
}

fn close_lease(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (id, lease) = some(draw, ctx, &LEASES)?;
    let by_provider = draw.below(2) == 0;
    let sender = if by_provider { id.provider.clone() } else { id.order.owner().clone() };
    let reason = if by_provider { Reason::Unstable } else { Reason::Owner };
    let message = MsgCloseLease { sender: sender.to_string(), lease: Some(id.to_proto()), reason: reason.into() };
    let expect = if lease.state() == LeaseState::Closed { Expect::Refused } else { Expect::Either };
    propose(sender, &message, expect)
}

fn start_reclaim(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let agreed: Vec<(BidId, Lease)> = LEASES
        .scan()
        .entries(ctx)
        .take(2000)
        .filter_map(Result::ok)
        .filter(|(_, lease)| lease.state() == LeaseState::Active && lease.reclamation_window > 0)
        .collect();
    let (id, _) = if draw.below(4) == 0 { some(draw, ctx, &LEASES)? } else { pick(draw, &agreed)? };
    let message = MsgStartReclaim { provider: id.provider.to_string(), lease: Some(id.to_proto()) };
    propose(id.provider, &message, Expect::Either)
}

/// What a working daemon would report next.
fn report(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let pending: Vec<(BidId, Resource)> = RESOURCES
        .scan()
        .entries(ctx)
        .take(2000)
        .filter_map(Result::ok)
        .filter(|(_, resource)| !matches!(resource.state(), ResourceState::Terminated | ResourceState::Failed))
        .collect();
    let (id, resource) = pick(draw, &pending)?;
    // One of eight customers' wishes fails.
    let failed = resource.state() == ResourceState::Updating && draw.below(8) == 0;
    let observed = match resource.state() {
        ResourceState::Pending => ResourceState::Provisioning,
        ResourceState::Provisioning if draw.below(8) == 0 => ResourceState::Failed,
        ResourceState::Provisioning => ResourceState::Active,
        ResourceState::Terminating => ResourceState::Terminated,
        _ => resource.desired(),
    };
    let relayer = pick(draw, accounts)?;
    let mut message = MsgReportResource {
        relayer: relayer.to_string(),
        lease: Some(id.to_proto()),
        seq: resource.last_seq.saturating_add(1),
        op_id: super::resource::running(&resource).map_or(0, |operation| operation.op_id),
        kind: if failed { ReportKind::Result } else { ReportKind::Status }.into(),
        result_code: u32::from(failed),
        observed_state: observed.into(),
        spec_rev: resource.spec_rev,
        observed_at: ctx.time().unix(),
        key_id: DAEMON_KEY_ID.into(),
        ..MsgReportResource::default()
    };
    message.signature = daemon_key()?.sign(&preimage::resource_report(ctx.chain_id(), &message)).to_vec();
    propose(relayer, &message, Expect::Either)
}

/// A report with a signature that nobody made.
fn forged_report(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (id, resource) = some(draw, ctx, &RESOURCES)?;
    let relayer = pick(draw, accounts)?;
    let message = MsgReportResource {
        relayer: relayer.to_string(),
        lease: Some(id.to_proto()),
        seq: resource.last_seq.saturating_add(1),
        kind: ReportKind::Status.into(),
        observed_state: ResourceState::Active.into(),
        spec_rev: 1,
        observed_at: ctx.time().unix(),
        key_id: "callback".into(),
        signature: vec![7; 64],
        ..MsgReportResource::default()
    };
    propose(relayer, &message, Expect::Refused)
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    propose(signer, &message, Expect::Refused)
}
