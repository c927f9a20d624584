//! Resources: applying events to them with all that follows.

use ve_base::CodedError;
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::{Error, state_name};
use super::flow::{self, Cause, missing};
use super::ids::BidId;
use super::keys::{LEASES, RESOURCES};
use super::lifecycle::{self, ResourceEffect, ResourceEvent};

/// Seconds that an operation may take.
pub const OPERATION_SECONDS: u64 = 3600;
/// A resource without proof of its end counts as terminated after a day.
pub const FORCE_SECONDS: u64 = 86_400;

pub fn load<R: Read>(state: &R, id: &BidId) -> Result<Resource, CodedError> {
    RESOURCES.get(state, id)?.ok_or_else(|| missing(format!("resource of lease {id}")).into())
}

pub fn is_running(operation: &Operation) -> bool {
    matches!(operation.state(), OperationState::Requested | OperationState::Executing)
}

/// The operation that the provider is working on.
pub fn running(resource: &Resource) -> Option<&Operation> {
    resource.operation.as_ref().filter(|operation| is_running(operation))
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
    request(ctx, id, &mut resource, Action::Provision, deadline);
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

fn tell(ctx: &mut Context<'_>, id: &BidId, operation: &Operation) {
    let state = state_name(operation.state().as_str_name());
    let action = operation.action().as_str_name().trim_start_matches("ACTION_").to_ascii_lowercase();
    ctx.emit(
        Event::new(format!("lifecycle_{state}"))
            .with("id", id)
            .with("owner", id.order.owner())
            .with("provider", &id.provider)
            .with("op_id", operation.op_id)
            .with("action", action)
            .with("result_code", operation.result_code),
    );
}

/// Replaces the running operation, if any, by a new one.
fn request(ctx: &mut Context<'_>, id: &BidId, resource: &mut Resource, action: Action, deadline: u64) {
    finish(ctx, id, resource, OperationState::Cancelled, 0);
    let op_id = resource.operation.as_ref().map_or(0, |operation| operation.op_id).saturating_add(1);
    let operation = Operation {
        op_id,
        action: action.into(),
        state: OperationState::Requested.into(),
        requested_at: ctx.time().unix(),
        deadline,
        result_code: 0,
    };
    tell(ctx, id, &operation);
    resource.operation = Some(operation);
}

/// Ends the running operation, if any.
fn finish(ctx: &mut Context<'_>, id: &BidId, resource: &mut Resource, state: OperationState, code: u32) {
    if let Some(operation) = resource.operation.as_mut().filter(|operation| is_running(operation)) {
        operation.set_state(state);
        operation.result_code = code;
        tell(ctx, id, operation);
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
    match what {
        ResourceEvent::Suspend => resource.set_desired(ResourceState::Suspended),
        ResourceEvent::Resume => resource.set_desired(ResourceState::Active),
        ResourceEvent::Terminate => {
            resource.set_desired(ResourceState::Terminated);
            resource.force_at = ctx.time().unix().saturating_add(FORCE_SECONDS);
        }
        ResourceEvent::Force => {
            resource.force_at = 0;
            finish(ctx, id, &mut resource, OperationState::Expired, 0);
        }
        _ => {}
    }
    if let ResourceEffect::Request(action) = effect {
        let deadline = ctx.time().unix().saturating_add(OPERATION_SECONDS);
        request(ctx, id, &mut resource, action, deadline);
    }
    save(ctx, id, &mut resource)
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
            finish(ctx, id, &mut resource, OperationState::Succeeded, 0);
        }
        ResourceEffect::Failed => finish(ctx, id, &mut resource, OperationState::Failed, code),
        _ if what == ResourceEvent::OperationFailed => {
            finish(ctx, id, &mut resource, OperationState::Failed, code);
        }
        _ if next == ResourceState::Provisioning => {
            if let Some(operation) = resource.operation.as_mut().filter(|operation| is_running(operation)) {
                operation.set_state(OperationState::Executing);
                tell(ctx, id, operation);
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
    // It came up while the customer's funds were out.
    if suspend && what != ResourceEvent::OperationFailed { apply(ctx, id, ResourceEvent::Suspend) } else { Ok(()) }
}

/// From now on what accrues is the provider's.
fn delivered(ctx: &mut Context<'_>, id: &BidId) -> Result<(), CodedError> {
    let mut lease = flow::lease(ctx, id)?;
    lease.provision_deadline = 0;
    lease.updated_height = ctx.height();
    LEASES.set(ctx, id, &lease)?;
    escrow::unlock(ctx, &AccountId::deployment(id.order.deployment()), &id.to_string())
}
