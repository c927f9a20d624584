//! Queries of `ve.market.v1`: single objects here, lists and counters in the files beside.

mod counters;
mod filter;
mod list;

use ve_base::{CodedError, parse_account};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::ids::{BidId, DeploymentId, GroupId, OperationId, OrderId};
use super::keys::*;
use super::{flow, params, resource};
use crate::provider::{self, attributes::missing};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.market.v1.Query/Params", parameters);
    registrar.query("/ve.market.v1.Query/Deployments", list::deployments);
    registrar.query("/ve.market.v1.Query/Deployment", deployment);
    registrar.query("/ve.market.v1.Query/Groups", list::groups);
    registrar.query("/ve.market.v1.Query/Group", group);
    registrar.query("/ve.market.v1.Query/Orders", list::orders);
    registrar.query("/ve.market.v1.Query/Order", order);
    registrar.query("/ve.market.v1.Query/Bids", list::bids);
    registrar.query("/ve.market.v1.Query/Bid", bid);
    registrar.query("/ve.market.v1.Query/Leases", list::leases);
    registrar.query("/ve.market.v1.Query/Lease", lease);
    registrar.query("/ve.market.v1.Query/Resources", list::resources);
    registrar.query("/ve.market.v1.Query/Resource", resource);
    registrar.query("/ve.market.v1.Query/Operations", list::operations);
    registrar.query("/ve.market.v1.Query/Operation", operation);
    registrar.query("/ve.market.v1.Query/StatusCounters", counters::status_counters);
    registrar.query("/ve.market.v1.Query/OrdersForProvider", orders_for_provider);
    registrar.query("/ve.market.v1.Query/Changes", changes);
    registrar.query("/ve.market.v1.Query/EscrowRunway", escrow_runway);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

/// A state as indexes hold it; what no state is matches nothing.
fn byte(state: i32) -> u8 {
    u8::try_from(state).unwrap_or(u8::MAX)
}

fn deployment(ctx: &QueryContext<'_>, request: &QueryDeploymentRequest) -> Result<QueryDeploymentResponse, CodedError> {
    let id = DeploymentId::new(&request.owner, request.dseq)?;
    let deployment = flow::deployment(ctx, &id)?;
    let groups = GROUPS.scan().prefix(&id).entries(ctx).map(|entry| entry.map(|(_, group)| group));
    let groups = groups.collect::<Result<_, _>>()?;
    let book = escrow::settled(ctx, &AccountId::deployment(&id), ctx.time().unix())?;
    let escrow = book.map(|book| book.account.to_proto());
    Ok(QueryDeploymentResponse { deployment: Some(deployment), groups, escrow, height: ctx.height() })
}

fn group(ctx: &QueryContext<'_>, request: &QueryGroupRequest) -> Result<QueryGroupResponse, CodedError> {
    let id = GroupId::new(&request.owner, request.dseq, request.gseq)?;
    Ok(QueryGroupResponse { group: Some(flow::group(ctx, &id)?), height: ctx.height() })
}

fn order(ctx: &QueryContext<'_>, request: &QueryOrderRequest) -> Result<QueryOrderResponse, CodedError> {
    let id = OrderId::new(&request.owner, request.dseq, request.gseq, request.oseq)?;
    Ok(QueryOrderResponse { order: Some(flow::order(ctx, &id)?), height: ctx.height() })
}

macro_rules! bid_id {
    ($request:ident) => {
        BidId {
            order: OrderId::new(&$request.owner, $request.dseq, $request.gseq, $request.oseq)?,
            provider: parse_account("provider", &$request.provider)?,
            bseq: $request.bseq,
        }
    };
}

fn bid(ctx: &QueryContext<'_>, request: &QueryBidRequest) -> Result<QueryBidResponse, CodedError> {
    let id = bid_id!(request);
    Ok(QueryBidResponse { bid: Some(flow::bid(ctx, &id)?), height: ctx.height() })
}

fn lease(ctx: &QueryContext<'_>, request: &QueryLeaseRequest) -> Result<QueryLeaseResponse, CodedError> {
    let id = bid_id!(request);
    let lease = flow::lease(ctx, &id)?;
    let payment = escrow::payment(ctx, &AccountId::deployment(id.order.deployment()), &id.to_string())?;
    let payment = payment.map(|payment| payment.to_proto());
    Ok(QueryLeaseResponse { lease: Some(lease), payment, height: ctx.height() })
}

fn resource(ctx: &QueryContext<'_>, request: &QueryResourceRequest) -> Result<QueryResourceResponse, CodedError> {
    let id = bid_id!(request);
    Ok(QueryResourceResponse { resource: Some(resource::load(ctx, &id)?), height: ctx.height() })
}

fn operation(ctx: &QueryContext<'_>, request: &QueryOperationRequest) -> Result<QueryOperationResponse, CodedError> {
    let id = OperationId { lease: bid_id!(request), op_id: request.op_id };
    let missing = || flow::missing(format!("operation {} of lease {}", id.op_id, id.lease));
    let operation = OPERATIONS.get(ctx, &id)?.ok_or_else(missing)?;
    Ok(QueryOperationResponse { operation: Some(operation), height: ctx.height() })
}

fn orders_for_provider(
    ctx: &QueryContext<'_>,
    request: &QueryOrdersForProviderRequest,
) -> Result<QueryOrdersForProviderResponse, CodedError> {
    let owner = parse_account("provider", &request.provider)?;
    let provider = provider::require(ctx, &owner)?;
    let page = pagination::request(request.pagination.as_ref());
    let open = ORDERS_BY_STATE.scan().prefix(&byte(OrderState::Open.into()));
    let fits = |id: &OrderId, order: &Order| {
        if *id.owner() == owner || provider::require_welcome(ctx, &owner, id.owner()).is_err() {
            return false;
        }
        let requirements = order.spec.as_ref().and_then(|spec| spec.requirements.as_ref());
        requirements.is_none_or(|wanted| missing(&wanted.attributes, &provider.attributes).is_none())
    };
    let (orders, pagination) = list::indexed(ctx, &ORDERS, &open, &page, fits)?;
    Ok(QueryOrdersForProviderResponse { orders, pagination, height: ctx.height() })
}

fn changes(ctx: &QueryContext<'_>, request: &QueryChangesRequest) -> Result<QueryChangesResponse, CodedError> {
    let page = CHANGES.scan().from(&request.since_height).page_where(
        ctx,
        &pagination::request(request.pagination.as_ref()),
        |(_, kind, _), ()| request.kinds.is_empty() || request.kinds.contains(&i32::from(*kind)),
    )?;
    let pagination = pagination::response(&page);
    let changes = page.entries.into_iter().map(|((height, kind, id), ())| Change { height, kind: kind.into(), id });
    Ok(QueryChangesResponse { changes: changes.collect(), pagination, height: ctx.height() })
}

fn escrow_runway(
    ctx: &QueryContext<'_>,
    request: &QueryEscrowRunwayRequest,
) -> Result<QueryEscrowRunwayResponse, CodedError> {
    let id = DeploymentId::new(&request.owner, request.dseq)?;
    let runway = escrow::runway(ctx, &AccountId::deployment(&id))?;
    Ok(QueryEscrowRunwayResponse {
        seconds_remaining: runway.seconds_remaining,
        blocks_remaining: runway.blocks_remaining,
        balance_remaining: runway.balance_remaining,
        height: runway.height,
    })
}
