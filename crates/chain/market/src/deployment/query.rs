//! Queries of `ve.market.v1`. Lists narrow by the leading parts of the id, then by provider or state through an index.

use ve_base::{CodedError, errors};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};
use ve_store::{IndexedMap, Key, Page, PageRequest, Scan, Value};

use super::ids::{BidId, DeploymentId, GroupId, OrderId};
use super::keys::*;
use super::{flow, params, resource};
use crate::provider::{self, attributes::missing};
use crate::text::address;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.market.v1.Query/Params", parameters);
    registrar.query("/ve.market.v1.Query/Deployments", deployments);
    registrar.query("/ve.market.v1.Query/Deployment", deployment);
    registrar.query("/ve.market.v1.Query/Groups", groups);
    registrar.query("/ve.market.v1.Query/Group", group);
    registrar.query("/ve.market.v1.Query/Orders", orders);
    registrar.query("/ve.market.v1.Query/Order", order);
    registrar.query("/ve.market.v1.Query/Bids", bids);
    registrar.query("/ve.market.v1.Query/Bid", bid);
    registrar.query("/ve.market.v1.Query/Leases", leases);
    registrar.query("/ve.market.v1.Query/Lease", lease);
    registrar.query("/ve.market.v1.Query/Resources", resources);
    registrar.query("/ve.market.v1.Query/Resource", resource);
    registrar.query("/ve.market.v1.Query/OrdersForProvider", orders_for_provider);
    registrar.query("/ve.market.v1.Query/Changes", changes);
    registrar.query("/ve.market.v1.Query/EscrowRunway", escrow_runway);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn byte(state: i32) -> u8 {
    u8::try_from(state).unwrap_or(u8::MAX)
}

/// Which objects a list asks for. Parts of the id count from the left: the first one missing ends them.
struct Filter<'a> {
    owner: &'a str,
    dseq: u64,
    gseq: u32,
    oseq: u32,
    provider: &'a str,
    bseq: u32,
}

impl Filter<'_> {
    fn order(&self) -> Result<(DeploymentId, GroupId, OrderId), CodedError> {
        let order = OrderId::new(self.owner, self.dseq, self.gseq, self.oseq)?;
        Ok((order.deployment().clone(), order.group.clone(), order))
    }

    /// A part of the id without the owner would scan everything and match little.
    fn check(&self) -> Result<(), CodedError> {
        if self.owner.is_empty() && (self.dseq > 0 || self.gseq > 0 || self.oseq > 0) {
            let text = "dseq, gseq and oseq need owner".to_owned();
            return Err(errors::sdk::Error::InvalidRequest(text).into());
        }
        Ok(())
    }

    fn accepts_order(&self, id: &OrderId) -> bool {
        (self.dseq == 0 || self.dseq == id.deployment().dseq)
            && (self.gseq == 0 || self.gseq == id.group.gseq)
            && (self.oseq == 0 || self.oseq == id.oseq)
            && (self.owner.is_empty() || self.owner == id.owner().to_string())
    }

    fn accepts_bid(&self, id: &BidId) -> bool {
        self.accepts_order(&id.order)
            && (self.bseq == 0 || self.bseq == id.bseq)
            && (self.provider.is_empty() || self.provider == id.provider.to_string())
    }
}

macro_rules! narrowed {
    ($map:ident, $filter:ident) => {{
        let mut scan = $map.scan();
        if !$filter.owner.is_empty() {
            let (deployment, group, order) = $filter.order()?;
            scan = scan.prefix(&order.deployment().owner);
            if $filter.dseq > 0 {
                scan = scan.prefix(&deployment);
                if $filter.gseq > 0 {
                    scan = scan.prefix(&group);
                    if $filter.oseq > 0 {
                        scan = scan.prefix(&order);
                    }
                }
            }
        }
        scan
    }};
}

/// A page of objects found through an index.
fn indexed<I: Key, K: Key, V: Value>(
    ctx: &QueryContext<'_>,
    map: &'static IndexedMap<K, V>,
    scan: &Scan<(I, K), ()>,
    request: &PageRequest,
    keep: impl Fn(&K, &V) -> bool,
) -> Result<(Vec<V>, Option<ve_proto::cosmos::base::query::v1beta1::PageResponse>), CodedError> {
    let page = scan.page_where(ctx, request, |(_, id), ()| {
        map.get(ctx, id).is_ok_and(|found| found.as_ref().is_some_and(|object| keep(id, object)))
    })?;
    let objects = page.entries.iter().map(|((_, id), ())| map.require(ctx, id)).collect::<Result<_, _>>()?;
    Ok((objects, pagination::response(&page)))
}

fn objects<K, V>(page: Page<K, V>) -> (Vec<V>, Option<ve_proto::cosmos::base::query::v1beta1::PageResponse>) {
    let pagination = pagination::response(&page);
    (page.entries.into_iter().map(|(_, object)| object).collect(), pagination)
}

fn deployments(
    ctx: &QueryContext<'_>,
    request: &QueryDeploymentsRequest,
) -> Result<QueryDeploymentsResponse, CodedError> {
    let filter = Filter { owner: &request.owner, dseq: request.dseq, gseq: 0, oseq: 0, provider: "", bseq: 0 };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let (deployments, pagination) = if request.owner.is_empty() && state != 0 {
        indexed(ctx, &DEPLOYMENTS, &DEPLOYMENTS_BY_STATE.scan().prefix(&byte(state)), &page, |_, _| true)?
    } else {
        let mut scan = DEPLOYMENTS.scan();
        if !request.owner.is_empty() {
            scan = scan.prefix(&address("owner", &request.owner)?);
        }
        let keep = |id: &DeploymentId, object: &Deployment| {
            (state == 0 || object.state == state) && (request.dseq == 0 || request.dseq == id.dseq)
        };
        objects(scan.page_where(ctx, &page, keep)?)
    };
    Ok(QueryDeploymentsResponse { deployments, pagination, height: ctx.height() })
}

fn groups(ctx: &QueryContext<'_>, request: &QueryGroupsRequest) -> Result<QueryGroupsResponse, CodedError> {
    let filter =
        Filter { owner: &request.owner, dseq: request.dseq, gseq: request.gseq, oseq: 0, provider: "", bseq: 0 };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let mut scan = GROUPS.scan();
    if !request.owner.is_empty() {
        let (deployment, group, _) = filter.order()?;
        scan = scan.prefix(&deployment.owner);
        if request.dseq > 0 {
            scan = scan.prefix(&deployment);
            if request.gseq > 0 {
                scan = scan.prefix(&group);
            }
        }
    }
    let found = scan.page_where(ctx, &page, |_, object: &Group| state == 0 || object.state == state)?;
    let (groups, pagination) = objects(found);
    Ok(QueryGroupsResponse { groups, pagination, height: ctx.height() })
}

fn orders(ctx: &QueryContext<'_>, request: &QueryOrdersRequest) -> Result<QueryOrdersResponse, CodedError> {
    let filter = Filter {
        owner: &request.owner,
        dseq: request.dseq,
        gseq: request.gseq,
        oseq: request.oseq,
        provider: "",
        bseq: 0,
    };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let (orders, pagination) = if request.owner.is_empty() && state != 0 {
        indexed(ctx, &ORDERS, &ORDERS_BY_STATE.scan().prefix(&byte(state)), &page, |_, _| true)?
    } else {
        let keep = |id: &OrderId, object: &Order| (state == 0 || object.state == state) && filter.accepts_order(id);
        objects(narrowed!(ORDERS, filter).page_where(ctx, &page, keep)?)
    };
    Ok(QueryOrdersResponse { orders, pagination, height: ctx.height() })
}

fn bids(ctx: &QueryContext<'_>, request: &QueryBidsRequest) -> Result<QueryBidsResponse, CodedError> {
    let filter = Filter {
        owner: &request.owner,
        dseq: request.dseq,
        gseq: request.gseq,
        oseq: request.oseq,
        provider: &request.provider,
        bseq: request.bseq,
    };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let keep = |id: &BidId, object: &Bid| (state == 0 || object.state == state) && filter.accepts_bid(id);
    let (bids, pagination) = if request.owner.is_empty() && !request.provider.is_empty() {
        let provider = address("provider", &request.provider)?;
        let by_provider = BIDS_BY_PROVIDER.scan();
        let scan = if state == 0 {
            by_provider.from(&(provider.clone(), 0u8)).through(&(provider, u8::MAX))
        } else {
            by_provider.prefix(&(provider, byte(state)))
        };
        indexed(ctx, &BIDS, &scan, &page, keep)?
    } else {
        objects(narrowed!(BIDS, filter).page_where(ctx, &page, keep)?)
    };
    Ok(QueryBidsResponse { bids, pagination, height: ctx.height() })
}

fn leases(ctx: &QueryContext<'_>, request: &QueryLeasesRequest) -> Result<QueryLeasesResponse, CodedError> {
    let filter = Filter {
        owner: &request.owner,
        dseq: request.dseq,
        gseq: request.gseq,
        oseq: request.oseq,
        provider: &request.provider,
        bseq: request.bseq,
    };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let keep = |id: &BidId, object: &Lease| (state == 0 || object.state == state) && filter.accepts_bid(id);
    let (leases, pagination) = if request.owner.is_empty() && !request.provider.is_empty() {
        let provider = address("provider", &request.provider)?;
        let by_provider = LEASES_BY_PROVIDER.scan();
        let scan = if state == 0 {
            by_provider.from(&(provider.clone(), 0u8)).through(&(provider, u8::MAX))
        } else {
            by_provider.prefix(&(provider, byte(state)))
        };
        indexed(ctx, &LEASES, &scan, &page, keep)?
    } else {
        objects(narrowed!(LEASES, filter).page_where(ctx, &page, keep)?)
    };
    Ok(QueryLeasesResponse { leases, pagination, height: ctx.height() })
}

fn resources(ctx: &QueryContext<'_>, request: &QueryResourcesRequest) -> Result<QueryResourcesResponse, CodedError> {
    let filter = Filter {
        owner: &request.owner,
        dseq: request.dseq,
        gseq: request.gseq,
        oseq: request.oseq,
        provider: &request.provider,
        bseq: request.bseq,
    };
    filter.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let state = request.state;
    let keep = |id: &BidId, object: &Resource| (state == 0 || object.state == state) && filter.accepts_bid(id);
    let (resources, pagination) = if request.owner.is_empty() && !request.provider.is_empty() {
        let provider = address("provider", &request.provider)?;
        let by_provider = RESOURCES_BY_PROVIDER.scan();
        let scan = if state == 0 {
            by_provider.from(&(provider.clone(), 0u8)).through(&(provider, u8::MAX))
        } else {
            by_provider.prefix(&(provider, byte(state)))
        };
        indexed(ctx, &RESOURCES, &scan, &page, keep)?
    } else {
        objects(narrowed!(RESOURCES, filter).page_where(ctx, &page, keep)?)
    };
    Ok(QueryResourcesResponse { resources, pagination, height: ctx.height() })
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
            provider: address("provider", &$request.provider)?,
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

fn orders_for_provider(
    ctx: &QueryContext<'_>,
    request: &QueryOrdersForProviderRequest,
) -> Result<QueryOrdersForProviderResponse, CodedError> {
    let provider = provider::require(ctx, &address("provider", &request.provider)?)?;
    let page = pagination::request(request.pagination.as_ref());
    let open = ORDERS_BY_STATE.scan().prefix(&byte(OrderState::Open.into()));
    let fits = |_: &OrderId, order: &Order| {
        let requirements = order.spec.as_ref().and_then(|spec| spec.requirements.as_ref());
        requirements.is_none_or(|wanted| missing(&wanted.attributes, &provider.attributes).is_none())
    };
    let (orders, pagination) = indexed(ctx, &ORDERS, &open, &page, fits)?;
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
