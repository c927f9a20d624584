//! Lists. They narrow by the leading parts of the id, then by provider or state through an index; the other filters are
//! applied to what is left.

use ve_base::{CodedError, parse_account};
use ve_proto::cosmos::base::query::v1beta1::PageResponse;
use ve_proto::ve::market::v1::*;
use ve_sdk::{QueryContext, pagination};
use ve_store::{IndexedMap, Key, Page, PageRequest, Scan, Value};

use super::byte;
use super::filter::{Parts, accepts_spec, prices, times};
use crate::deployment::ids::{DeploymentId, GroupId, OperationId, OrderId};
use crate::deployment::keys::*;

/// The scan of a map whose keys begin with an id, narrowed to the parts that are given.
macro_rules! narrowed {
    ($scan:expr, $parts:ident $(, $step:ident)*) => {{
        let mut scan = $scan;
        if !$parts.owner.is_empty() {
            let (deployment, group, order) = $parts.order()?;
            scan = scan.prefix(&order.deployment().owner);
            // Lists of shallow objects name fewer steps.
            let _ = (&deployment, &group);
            narrowed!(@ scan, $parts, (deployment, group, order) $(, $step)*);
        }
        scan
    }};
    (@ $scan:ident, $parts:ident, ($d:ident, $g:ident, $o:ident), dseq $(, $step:ident)*) => {
        if $parts.dseq > 0 {
            $scan = $scan.prefix(&$d);
            narrowed!(@ $scan, $parts, ($d, $g, $o) $(, $step)*);
        }
    };
    (@ $scan:ident, $parts:ident, ($d:ident, $g:ident, $o:ident), gseq $(, $step:ident)*) => {
        if $parts.gseq > 0 {
            $scan = $scan.prefix(&$g);
            narrowed!(@ $scan, $parts, ($d, $g, $o) $(, $step)*);
        }
    };
    (@ $scan:ident, $parts:ident, ($d:ident, $g:ident, $o:ident), oseq) => {
        if $parts.oseq > 0 {
            $scan = $scan.prefix(&$o);
        }
    };
    (@ $scan:ident, $parts:ident, ($d:ident, $g:ident, $o:ident)) => {};
}

/// The parts of a bid's id that a request names.
macro_rules! parts {
    ($request:ident) => {
        Parts {
            owner: &$request.owner,
            dseq: $request.dseq,
            gseq: $request.gseq,
            oseq: $request.oseq,
            provider: &$request.provider,
            bseq: $request.bseq,
        }
    };
}

/// Objects of a provider, through the index by provider and state when no owner narrows the list further.
macro_rules! bid_objects {
    ($ctx:ident, $request:ident, $map:ident, $index:ident, $keep:ident) => {{
        let parts = parts!($request);
        parts.check()?;
        let page = pagination::request($request.pagination.as_ref());
        if parts.owner.is_empty() && !parts.provider.is_empty() {
            let provider = parse_account("provider", parts.provider)?;
            let scan = if $request.state == 0 {
                $index.scan().from(&(provider.clone(), 0u8)).through(&(provider, u8::MAX))
            } else {
                $index.scan().prefix(&(provider, byte($request.state)))
            };
            indexed($ctx, &$map, &scan, &page, |id, object| parts.accepts_bid(id) && $keep(object))?
        } else {
            let scan = narrowed!($map.scan(), parts, dseq, gseq, oseq);
            objects(scan.page_where($ctx, &page, |id, object| parts.accepts_bid(id) && $keep(object))?)
        }
    }};
}

/// A page of objects found through an index.
pub fn indexed<I: Key, K: Key, V: Value>(
    ctx: &QueryContext<'_>,
    map: &'static IndexedMap<K, V>,
    scan: &Scan<(I, K), ()>,
    request: &PageRequest,
    keep: impl Fn(&K, &V) -> bool,
) -> Result<(Vec<V>, Option<PageResponse>), CodedError> {
    let page = scan.page_where(ctx, request, |(_, id), ()| {
        map.get(ctx, id).is_ok_and(|found| found.as_ref().is_some_and(|object| keep(id, object)))
    })?;
    let objects = page.entries.iter().map(|((_, id), ())| map.require(ctx, id)).collect::<Result<_, _>>()?;
    Ok((objects, pagination::response(&page)))
}

fn objects<K, V>(page: Page<K, V>) -> (Vec<V>, Option<PageResponse>) {
    let pagination = pagination::response(&page);
    (page.entries.into_iter().map(|(_, object)| object).collect(), pagination)
}

pub fn deployments(
    ctx: &QueryContext<'_>,
    request: &QueryDeploymentsRequest,
) -> Result<QueryDeploymentsResponse, CodedError> {
    let parts = Parts { owner: &request.owner, dseq: request.dseq, ..Parts::default() };
    parts.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let (state, created) = (request.state, times(request.created.as_ref())?);
    let keep = |id: &DeploymentId, object: &Deployment| {
        (state == 0 || object.state == state)
            && (request.denom.is_empty() || request.denom == object.denom)
            && created.accept(object.created_at)
            && parts.accepts_deployment(id)
    };
    let (deployments, pagination) = if parts.owner.is_empty() && state != 0 {
        indexed(ctx, &DEPLOYMENTS, &DEPLOYMENTS_BY_STATE.scan().prefix(&byte(state)), &page, keep)?
    } else {
        objects(narrowed!(DEPLOYMENTS.scan(), parts).page_where(ctx, &page, keep)?)
    };
    Ok(QueryDeploymentsResponse { deployments, pagination, height: ctx.height() })
}

pub fn groups(ctx: &QueryContext<'_>, request: &QueryGroupsRequest) -> Result<QueryGroupsResponse, CodedError> {
    let parts = Parts { owner: &request.owner, dseq: request.dseq, gseq: request.gseq, ..Parts::default() };
    parts.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let (state, created) = (request.state, times(request.created.as_ref())?);
    let keep = |id: &GroupId, object: &Group| {
        (state == 0 || object.state == state)
            && created.accept(object.created_at)
            && accepts_spec(object.spec.as_ref(), &request.name_prefix, "")
            && parts.accepts_group(id)
    };
    let (groups, pagination) = objects(narrowed!(GROUPS.scan(), parts, dseq, gseq).page_where(ctx, &page, keep)?);
    Ok(QueryGroupsResponse { groups, pagination, height: ctx.height() })
}

pub fn orders(ctx: &QueryContext<'_>, request: &QueryOrdersRequest) -> Result<QueryOrdersResponse, CodedError> {
    let parts =
        Parts { owner: &request.owner, dseq: request.dseq, gseq: request.gseq, oseq: request.oseq, ..Parts::default() };
    parts.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let (state, created, price) = (request.state, times(request.created.as_ref())?, prices(request.price.as_ref())?);
    let keep = |id: &OrderId, object: &Order| {
        (state == 0 || object.state == state)
            && created.accept(object.created_at)
            && price.accept(object.max_price.as_ref())
            && accepts_spec(object.spec.as_ref(), &request.name_prefix, &request.region)
            && parts.accepts_order(id)
    };
    let (orders, pagination) = if parts.owner.is_empty() && state != 0 {
        indexed(ctx, &ORDERS, &ORDERS_BY_STATE.scan().prefix(&byte(state)), &page, keep)?
    } else {
        objects(narrowed!(ORDERS.scan(), parts, dseq, gseq, oseq).page_where(ctx, &page, keep)?)
    };
    Ok(QueryOrdersResponse { orders, pagination, height: ctx.height() })
}

pub fn bids(ctx: &QueryContext<'_>, request: &QueryBidsRequest) -> Result<QueryBidsResponse, CodedError> {
    let (created, price) = (times(request.created.as_ref())?, prices(request.price.as_ref())?);
    let keep = |object: &Bid| {
        (request.state == 0 || object.state == request.state)
            && created.accept(object.created_at)
            && price.accept(object.price.as_ref())
    };
    let (bids, pagination) = bid_objects!(ctx, request, BIDS, BIDS_BY_PROVIDER, keep);
    Ok(QueryBidsResponse { bids, pagination, height: ctx.height() })
}

pub fn leases(ctx: &QueryContext<'_>, request: &QueryLeasesRequest) -> Result<QueryLeasesResponse, CodedError> {
    let (created, price) = (times(request.created.as_ref())?, prices(request.price.as_ref())?);
    let keep = |object: &Lease| {
        (request.state == 0 || object.state == request.state)
            && created.accept(object.created_at)
            && price.accept(object.price.as_ref())
    };
    let (leases, pagination) = bid_objects!(ctx, request, LEASES, LEASES_BY_PROVIDER, keep);
    Ok(QueryLeasesResponse { leases, pagination, height: ctx.height() })
}

pub fn resources(
    ctx: &QueryContext<'_>,
    request: &QueryResourcesRequest,
) -> Result<QueryResourcesResponse, CodedError> {
    let keep = |object: &Resource| request.state == 0 || object.state == request.state;
    let (resources, pagination) = bid_objects!(ctx, request, RESOURCES, RESOURCES_BY_PROVIDER, keep);
    Ok(QueryResourcesResponse { resources, pagination, height: ctx.height() })
}

pub fn operations(
    ctx: &QueryContext<'_>,
    request: &QueryOperationsRequest,
) -> Result<QueryOperationsResponse, CodedError> {
    let parts = parts!(request);
    parts.check()?;
    let page = pagination::request(request.pagination.as_ref());
    let keep = |id: &OperationId, object: &Operation| {
        (request.state == 0 || object.state == request.state)
            && (request.action == 0 || object.action == request.action)
            && parts.accepts_bid(&id.lease)
    };
    let scan = narrowed!(OPERATIONS.scan(), parts, dseq, gseq, oseq);
    let (operations, pagination) = objects(scan.page_where(ctx, &page, keep)?);
    Ok(QueryOperationsResponse { operations, pagination, height: ctx.height() })
}
