//! How many objects of a customer, of a provider, or of all are in which state.

use std::collections::BTreeMap;

use ve_base::{Address, CodedError, errors, parse_account};
use ve_proto::ve::market::v1::*;
use ve_sdk::QueryContext;
use ve_store::KvError;

use crate::deployment::error::state_name;
use crate::deployment::keys::*;

/// Objects of one kind that are counted at most.
const MAX_COUNTED: usize = 10_000;

#[derive(Default)]
struct Counters {
    counts: BTreeMap<(i32, i32), (String, u64)>,
    capped: bool,
}

impl Counters {
    fn add<T>(
        &mut self,
        kind: ObjectKind,
        objects: impl Iterator<Item = Result<T, KvError>>,
        state: impl Fn(T) -> (i32, &'static str),
    ) -> Result<(), CodedError> {
        let mut counted = 0usize;
        for object in objects {
            if counted >= MAX_COUNTED {
                self.capped = true;
                break;
            }
            counted = counted.saturating_add(1);
            let (number, name) = state(object?);
            let entry = self.counts.entry((kind.into(), number)).or_insert_with(|| (state_name(name), 0));
            entry.1 = entry.1.saturating_add(1);
        }
        Ok(())
    }
}

/// Objects of a map, narrowed to an owner if there is one.
macro_rules! of_owner {
    ($ctx:ident, $map:ident, $owner:ident) => {{
        let scan = $map.scan();
        let scan = match &$owner {
            Some(owner) => scan.prefix(owner),
            None => scan,
        };
        scan.entries($ctx).map(|entry| entry.map(|(_, object)| object))
    }};
}

pub fn status_counters(
    ctx: &QueryContext<'_>,
    request: &QueryStatusCountersRequest,
) -> Result<QueryStatusCountersResponse, CodedError> {
    let mut counters = Counters::default();
    if !request.owner.is_empty() && !request.provider.is_empty() {
        return Err(errors::sdk::Error::InvalidRequest("give owner or provider, not both".to_owned()).into());
    }
    if request.provider.is_empty() {
        let owner = if request.owner.is_empty() { None } else { Some(parse_account("owner", &request.owner)?) };
        counters.add(ObjectKind::Deployment, of_owner!(ctx, DEPLOYMENTS, owner), |object: Deployment| {
            (object.state, object.state().as_str_name())
        })?;
        counters.add(ObjectKind::Group, of_owner!(ctx, GROUPS, owner), |object: Group| {
            (object.state, object.state().as_str_name())
        })?;
        counters.add(ObjectKind::Order, of_owner!(ctx, ORDERS, owner), |object: Order| {
            (object.state, object.state().as_str_name())
        })?;
        counters.add(ObjectKind::Bid, of_owner!(ctx, BIDS, owner), |object: Bid| {
            (object.state, object.state().as_str_name())
        })?;
        counters.add(ObjectKind::Lease, of_owner!(ctx, LEASES, owner), |object: Lease| {
            (object.state, object.state().as_str_name())
        })?;
        counters.add(ObjectKind::Resource, of_owner!(ctx, RESOURCES, owner), |object: Resource| {
            (object.state, object.state().as_str_name())
        })?;
    } else {
        of_provider(ctx, &parse_account("provider", &request.provider)?, &mut counters)?;
    }
    let capped = counters.capped;
    let counters = counters.counts.into_iter().map(|((kind, _), (state, count))| StatusCounter { kind, state, count });
    Ok(QueryStatusCountersResponse { counters: counters.collect(), capped, height: ctx.height() })
}

/// Through the indexes by provider and state, which alone say what is counted.
fn of_provider(ctx: &QueryContext<'_>, provider: &Address, counters: &mut Counters) -> Result<(), CodedError> {
    macro_rules! count {
        ($kind:expr, $index:ident, $states:ident) => {{
            let scan = $index.scan().from(&(provider.clone(), 0u8)).through(&(provider.clone(), u8::MAX));
            let states = scan.keys(ctx).map(|entry| entry.map(|((_, state), _)| i32::from(state)));
            let name = |state| (state, $states::try_from(state).unwrap_or_default().as_str_name());
            counters.add($kind, states, name)?;
        }};
    }
    count!(ObjectKind::Bid, BIDS_BY_PROVIDER, BidState);
    count!(ObjectKind::Lease, LEASES_BY_PROVIDER, LeaseState);
    count!(ObjectKind::Resource, RESOURCES_BY_PROVIDER, ResourceState);
    Ok(())
}
