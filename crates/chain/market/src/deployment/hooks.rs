//! What escrow and the provider registry ask of the order book.

use ve_base::{Address, Amount, CodedError};
use ve_chain_finance::escrow::{AccountId, EscrowHooks, Scope};
use ve_proto::ve::market::v1::{BidState, DeploymentState, Reason};
use ve_proto::ve::provider::v1::Attribute;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::flow::{self, CHAIN, Cause};
use super::ids::{DeploymentId, parse_deployment};
use super::keys::{BIDS_BY_PROVIDER, DEPLOYMENTS, LEASES, ORDERS, PROVIDER_LIVE_LEASES, RESOURCES_BY_PROVIDER};
use super::lifecycle::{self, BidEvent, LeaseEvent, ResourceEvent};
use super::{event, exposure, resource};
use crate::provider::attributes::missing;
use crate::provider::{Error as ProviderError, ProviderHooks};

/// Registered by the application for [`EscrowHooks`] and [`ProviderHooks`].
pub struct MarketHooks;

fn deployment_of(id: &AccountId) -> Option<DeploymentId> {
    if id.scope() == Scope::Deployment { parse_deployment(id.xid()) } else { None }
}

/// Moves every live lease of a deployment, and its resource with it.
fn move_leases(
    ctx: &mut Context<'_>,
    id: &AccountId,
    what: LeaseEvent,
    then: ResourceEvent,
    name: &str,
) -> Result<(), CodedError> {
    let Some(deployment) = deployment_of(id) else { return Ok(()) };
    for id in flow::live_leases(ctx, &deployment)? {
        let mut lease = flow::lease(ctx, &id)?;
        let Some(next) = lifecycle::lease(lease.state(), what) else { continue };
        lease.set_state(next);
        lease.updated_height = ctx.height();
        LEASES.set(ctx, &id, &lease)?;
        event::bid(ctx, "lease", name, &id, lease.price.as_ref(), None);
        resource::apply(ctx, &id, then)?;
    }
    Ok(())
}

impl EscrowHooks for MarketHooks {
    fn overdrawn(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
        move_leases(ctx, id, LeaseEvent::Overdraw, ResourceEvent::Suspend, "grace")
    }

    fn restored(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
        move_leases(ctx, id, LeaseEvent::Restore, ResourceEvent::Resume, "restored")
    }

    fn exhausted(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
        end_deployment(ctx, id, Reason::InsufficientFunds)
    }

    fn expired(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
        end_deployment(ctx, id, Reason::Expired)
    }

    fn changed(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
        deployment_of(id).map_or(Ok(()), |deployment| exposure::refresh(ctx, &deployment))
    }
}

fn end_deployment(ctx: &mut Context<'_>, id: &AccountId, reason: Reason) -> Result<(), CodedError> {
    let Some(deployment) = deployment_of(id) else { return Ok(()) };
    let active = DEPLOYMENTS.get(ctx, &deployment)?.is_some_and(|found| found.state() == DeploymentState::Active);
    if !active {
        return Ok(());
    }
    flow::close_deployment(ctx, &deployment, &Cause::new(reason, CHAIN))
}

impl ProviderHooks for MarketHooks {
    fn allow_attributes(&self, ctx: &Context<'_>, owner: &Address, attributes: &[Attribute]) -> Result<(), CodedError> {
        for entry in PROVIDER_LIVE_LEASES.keys(ctx, owner) {
            let order = ORDERS.require(ctx, &entry?.order)?;
            let required = order.spec.and_then(|spec| spec.requirements).unwrap_or_default().attributes;
            if let Some(lost) = missing(&required, attributes) {
                return Err(ProviderError::IncompatibleAttributes(format!("{}={}", lost.key, lost.value)).into());
            }
        }
        Ok(())
    }

    fn withdrawn(&self, ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
        let open = u8::try_from(i32::from(BidState::Open)).unwrap_or_default();
        let mut bids = Vec::new();
        for entry in BIDS_BY_PROVIDER.keys(ctx, &(owner.clone(), open)) {
            bids.push(entry?);
        }
        let cause = Cause::new(Reason::ProviderInactive, owner);
        bids.iter().try_for_each(|id| flow::end_bid(ctx, id, BidEvent::Close, &cause))
    }

    fn has_leases(&self, ctx: &Context<'_>, owner: &Address) -> Result<bool, CodedError> {
        Ok(PROVIDER_LIVE_LEASES.keys(ctx, owner).next().transpose()?.is_some())
    }

    fn is_serving(&self, ctx: &Context<'_>, owner: &Address) -> Result<bool, CodedError> {
        let terminating =
            u8::try_from(i32::from(ve_proto::ve::market::v1::ResourceState::Terminating)).unwrap_or_default();
        Ok(self.has_leases(ctx, owner)?
            || RESOURCES_BY_PROVIDER.keys(ctx, &(owner.clone(), terminating)).next().transpose()?.is_some())
    }

    fn open_prepaid(&self, state: &dyn Read, now: u64, owner: &Address) -> Result<Amount, CodedError> {
        exposure::of_provider(state, owner, now)
    }

    fn abandon(
        &self,
        ctx: &mut Context<'_>,
        owner: &Address,
        limit: usize,
    ) -> Result<Vec<(Address, Amount)>, CodedError> {
        let mut leases = Vec::new();
        for entry in PROVIDER_LIVE_LEASES.keys(ctx, owner).take(limit) {
            leases.push(entry?);
        }
        let cause = Cause::new(Reason::ProviderLost, CHAIN);
        let mut unserved = Vec::new();
        for id in leases {
            let value = exposure::of_lease(ctx, &id, ctx.time().unix())?;
            match ctx.atomic(|ctx| flow::close_lease(ctx, &id, &cause)) {
                Ok(()) => unserved.push((id.order.owner().clone(), value)),
                // One lease that cannot be closed must not keep the others open: it is visible and tried again.
                Err(error) => {
                    let cause = format!("{}/{}", error.codespace, error.code);
                    ctx.emit(Event::new("market_timer_failed").with("id", &id).with("cause", cause));
                }
            }
        }
        Ok(unserved)
    }
}
