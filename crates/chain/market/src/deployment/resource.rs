//! Resources: applying events to them with all that follows.

use ve_base::{Amount, CodedError, Dec, Rounding};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::{Error, state_name};
use super::flow::{self, CHAIN, Cause, missing};
use super::ids::{BidId, OperationId};
use super::keys::{LEASES, OPERATIONS, RESOURCES, is_running};
use super::lifecycle::{self, ResourceEffect, ResourceEvent};
use super::{params, spec};

/// Operations of a lease that are kept.
const KEPT_OPERATIONS: u64 = 50;

pub fn load<R: Read>(state: &R, id: &BidId) -> Result<Resource, CodedError> {
    RESOURCES.get(state, id)?.ok_or_else(|| missing(format!("resource of lease {id}")).into())
}

/// The operation that the provider is working on.
pub fn running(resource: &Resource) -> Option<&Operation> {
    resource.operation.as_ref().filter(|operation| is_running(operation))
}

/// Who asks for an operation, and with which key.
#[derive(Clone, Debug)]
pub struct Request {
    pub by: String,
    pub idem_key: Vec<u8>,
    pub deadline: u64,
}

impl Request {
    /// By the chain itself, for the usual time.
    fn by_chain(ctx: &Context<'_>) -> Result<Self, CodedError> {
        let deadline = ctx.time().unix().saturating_add(params::load(ctx)?.operation_seconds);
        Ok(Self { by: CHAIN.to_owned(), idem_key: Vec::new(), deadline })
    }
}

/// The resource of a new lease, asked to be provisioned.
pub fn create(ctx: &mut Context<'_>, id: &BidId, deadline: u64) -> Result<(), CodedError> {
    let mut resource = Resource {
        lease: Some(id.to_proto()),
        state: ResourceState::Pending.into(),
        desired: ResourceState::Active.into(),
        spec_rev: 1,
        ..Resource::default()
    };
    let request = Request { deadline, ..Request::by_chain(ctx)? };
    begin(ctx, id, &mut resource, Action::Provision, request)?;
    save(ctx, id, &mut resource)
}

pub fn save(ctx: &mut Context<'_>, id: &BidId, resource: &mut Resource) -> Result<(), CodedError> {
    resource.updated_height = ctx.height();
    RESOURCES.set(ctx, id, resource)?;
    ctx.emit(
        Event::new("resource_updated")
            .with("id", id)
            .with("owner", id.order.owner())
            .with("provider", &id.provider)
            .with("state", state_name(resource.state().as_str_name()))
            .with("desired", state_name(resource.desired().as_str_name())),
    );
    Ok(())
}

/// Keeps an operation as it is now, and tells of it.
fn tell(ctx: &mut Context<'_>, id: &BidId, operation: &mut Operation) -> Result<(), CodedError> {
    operation.updated_height = ctx.height();
    let key = OperationId { lease: id.clone(), op_id: operation.op_id };
    OPERATIONS.set(ctx, &key, operation)?;
    if let Some(op_id) = operation.op_id.checked_sub(KEPT_OPERATIONS) {
        OPERATIONS.remove(ctx, &OperationId { op_id, ..key })?;
    }
    let state = state_name(operation.state().as_str_name());
    let action = operation.action().as_str_name().trim_start_matches("ACTION_").to_ascii_lowercase();
    ctx.emit(
        Event::new(format!("lifecycle_{state}"))
            .with("id", id)
            .with("owner", id.order.owner())
            .with("provider", &id.provider)
            .with("op_id", operation.op_id)
            .with("action", action)
            .with("by", &operation.requested_by)
            .with("result_code", operation.result_code),
    );
    Ok(())
}

/// Replaces the running operation, if any, by a new one. Returns its number.
fn begin(
    ctx: &mut Context<'_>,
    id: &BidId,
    resource: &mut Resource,
    action: Action,
    request: Request,
) -> Result<u64, CodedError> {
    finish(ctx, id, resource, OperationState::Cancelled, 0)?;
    let op_id = resource.operation.as_ref().map_or(0, |operation| operation.op_id).saturating_add(1);
    let mut operation = Operation {
        op_id,
        action: action.into(),
        state: OperationState::Requested.into(),
        requested_at: ctx.time().unix(),
        deadline: request.deadline,
        result_code: 0,
        lease: Some(id.to_proto()),
        requested_by: request.by,
        idem_key: request.idem_key,
        updated_height: 0,
    };
    tell(ctx, id, &mut operation)?;
    resource.operation = Some(operation);
    Ok(op_id)
}

/// Ends the running operation, if any.
fn finish(
    ctx: &mut Context<'_>,
    id: &BidId,
    resource: &mut Resource,
    state: OperationState,
    code: u32,
) -> Result<(), CodedError> {
    if let Some(operation) = resource.operation.as_mut().filter(|operation| is_running(operation)) {
        operation.set_state(state);
        operation.result_code = code;
        tell(ctx, id, operation)?;
    }
    Ok(())
}

/// What the chain wants of a resource after an event of its own.
fn wanted(what: ResourceEvent, next: ResourceState, desired: ResourceState) -> ResourceState {
    match what {
        // A stopped one stays as the customer wants it.
        ResourceEvent::Suspend if next != ResourceState::Stopped => ResourceState::Suspended,
        ResourceEvent::Resume if next != ResourceState::Stopped => ResourceState::Active,
        ResourceEvent::Asked(Action::Stop) => ResourceState::Stopped,
        ResourceEvent::Asked(_) => ResourceState::Active,
        ResourceEvent::Terminate => ResourceState::Terminated,
        _ => desired,
    }
}

/// Applies what the chain itself decides. A resource that is beyond it stays as it is.
pub fn apply(ctx: &mut Context<'_>, id: &BidId, what: ResourceEvent) -> Result<(), CodedError> {
    let mut resource = load(ctx, id)?;
    let action = running(&resource).map(Operation::action);
    let Some((next, effect)) = lifecycle::resource(resource.state(), action, resource.desired(), what) else {
        return Ok(());
    };
    resource.set_state(next);
    let desired = wanted(what, next, resource.desired());
    resource.set_desired(desired);
    match what {
        ResourceEvent::Terminate => {
            resource.force_at = ctx.time().unix().saturating_add(params::load(ctx)?.force_seconds);
        }
        ResourceEvent::Force => {
            resource.force_at = 0;
            finish(ctx, id, &mut resource, OperationState::Expired, 0)?;
        }
        ResourceEvent::Overdue => roll_back(ctx, id, &mut resource, OperationState::Expired, 0)?,
        _ => {}
    }
    if let ResourceEffect::Request(action) = effect {
        let request = Request::by_chain(ctx)?;
        begin(ctx, id, &mut resource, action, request)?;
    }
    save(ctx, id, &mut resource)
}

/// The customer asks for an operation. Returns its number.
pub fn ask(ctx: &mut Context<'_>, id: &BidId, action: Action, by: &str, idem_key: &[u8]) -> Result<u64, CodedError> {
    let mut resource = load(ctx, id)?;
    if let Some(operation) = running(&resource) {
        return Err(Error::Busy(operation.op_id).into());
    }
    let what = ResourceEvent::Asked(action);
    let Some((next, _)) = lifecycle::resource(resource.state(), None, resource.desired(), what) else {
        let needed = if action == Action::Start { "stopped" } else { "active" };
        return Err(flow::wrong_state(format!("resource of {id}"), resource.state().as_str_name(), needed).into());
    };
    resource.set_state(next);
    let desired = wanted(what, next, resource.desired());
    resource.set_desired(desired);
    let request = Request { by: by.to_owned(), idem_key: idem_key.to_vec(), ..Request::by_chain(ctx)? };
    let op_id = begin(ctx, id, &mut resource, action, request)?;
    save(ctx, id, &mut resource)?;
    Ok(op_id)
}

/// Ends an operation that did not succeed. What a customer asked for is given up; what the customer's funds ask for
/// stays wanted, and the provider can still report it.
fn roll_back(
    ctx: &mut Context<'_>,
    id: &BidId,
    resource: &mut Resource,
    state: OperationState,
    code: u32,
) -> Result<(), CodedError> {
    let asked = running(resource)
        .is_some_and(|operation| matches!(operation.action(), Action::Stop | Action::Start | Action::Restart));
    if asked {
        let now = resource.state();
        resource.set_desired(now);
        let state = if state == OperationState::Failed { OperationState::RolledBack } else { state };
        return finish(ctx, id, resource, state, code);
    }
    finish(ctx, id, resource, state, code)
}

/// Applies a verified report of the provider: `what` changes the state, `None` is progress only.
pub fn report(
    ctx: &mut Context<'_>,
    id: &BidId,
    mut resource: Resource,
    what: Option<ResourceEvent>,
    code: u32,
) -> Result<(), CodedError> {
    let Some(what) = what else {
        if let Some(operation) = resource.operation.as_mut().filter(|operation| is_running(operation)) {
            operation.set_state(OperationState::Executing);
            tell(ctx, id, operation)?;
        }
        return save(ctx, id, &mut resource);
    };
    let before = resource.state();
    let action = running(&resource).map(Operation::action);
    let next = lifecycle::resource(before, action, resource.desired(), what);
    let (next, effect) = next.ok_or_else(|| Error::Transition {
        from: state_name(before.as_str_name()),
        to: match what {
            ResourceEvent::Observed(state) => state_name(state.as_str_name()),
            _ => "failed".into(),
        },
    })?;
    resource.set_state(next);
    match effect {
        ResourceEffect::Done | ResourceEffect::Delivered => {
            finish(ctx, id, &mut resource, OperationState::Succeeded, 0)?;
        }
        ResourceEffect::Failed => finish(ctx, id, &mut resource, OperationState::Failed, code)?,
        _ if what == ResourceEvent::OperationFailed => {
            roll_back(ctx, id, &mut resource, OperationState::Failed, code)?;
        }
        _ if next == ResourceState::Provisioning => {
            if let Some(operation) = resource.operation.as_mut().filter(|operation| is_running(operation)) {
                operation.set_state(OperationState::Executing);
                tell(ctx, id, operation)?;
            }
        }
        _ => {}
    }
    if next == ResourceState::Terminated {
        resource.force_at = 0;
    }
    let suspend = next == ResourceState::Active && resource.desired() == ResourceState::Suspended;
    save(ctx, id, &mut resource)?;
    match effect {
        ResourceEffect::Delivered => delivered(ctx, id)?,
        ResourceEffect::Failed => return flow::close_lease(ctx, id, &Cause::new(Reason::Unstable, &id.provider)),
        _ => {}
    }
    bill(ctx, id, before, next)?;
    // It came up while the customer's funds were out.
    if suspend && what != ResourceEvent::OperationFailed { apply(ctx, id, ResourceEvent::Suspend) } else { Ok(()) }
}

/// A stopped workload costs a part of its price, a running one all of it.
fn bill(ctx: &mut Context<'_>, id: &BidId, before: ResourceState, next: ResourceState) -> Result<(), CodedError> {
    let stopped = match next {
        ResourceState::Stopped if before != ResourceState::Stopped => true,
        ResourceState::Active if before == ResourceState::Updating => false,
        _ => return Ok(()),
    };
    let account = AccountId::deployment(id.order.deployment());
    let full = escrow::rate_per_second(spec::price(flow::lease(ctx, id)?.price.as_ref())?.1)?;
    let rate = if stopped { part(full, params::load(ctx)?.suspended_rate_bps)? } else { full };
    let book = escrow::settle(ctx, &account)?;
    let now = book.payments.iter().find(|payment| payment.xid == id.to_string()).map(|payment| payment.rate);
    if now == Some(rate) {
        return Ok(());
    }
    escrow::set_rate(ctx, &account, &id.to_string(), rate)
}

/// A part of a rate. One too small to be divided stays as it is: a payment has a rate above zero.
fn part(rate: Dec, bps: u32) -> Result<Dec, CodedError> {
    let share = rate.mul_int(Amount::from(u64::from(bps)))?.quo_int(Amount::from(10_000u64), Rounding::Truncate)?;
    Ok(if share.is_zero() { rate } else { share })
}

/// From now on what accrues is the provider's.
fn delivered(ctx: &mut Context<'_>, id: &BidId) -> Result<(), CodedError> {
    let mut lease = flow::lease(ctx, id)?;
    lease.provision_deadline = 0;
    lease.updated_height = ctx.height();
    LEASES.set(ctx, id, &lease)?;
    escrow::unlock(ctx, &AccountId::deployment(id.order.deployment()), &id.to_string())
}
