//! Store keys of the module.

use std::fmt::Display;
use std::marker::PhantomData;

use ve_base::Address;
use ve_proto::ve::market::v1::*;
use ve_store::index::Indexer;
use ve_store::{Index, IndexedMap, Item, KvError, Map, Space, Write};

use super::ids::{BidId, DeploymentId, GroupId, OperationId, OrderId};

pub static PARAMS: Item<Params> = Item::new("market", 0);

/// (height of the last write, kind of object, its id).
pub static CHANGES: Map<(u64, u8, String), ()> = Map::new("market", 1);

/// Keeps [`CHANGES`] in step with one kind of object.
pub struct Changed<K, V> {
    kind: ObjectKind,
    height: fn(&V) -> u64,
    key: PhantomData<fn() -> K>,
}

impl<K, V> Changed<K, V> {
    const fn new(kind: ObjectKind, height: fn(&V) -> u64) -> Self {
        Self { kind, height, key: PhantomData }
    }

    fn entry(&self, key: &K, value: &V) -> (u64, u8, String)
    where
        K: Display,
    {
        ((self.height)(value), self.kind as u8, key.to_string())
    }
}

impl<K: Display, V> Indexer<K, V> for Changed<K, V> {
    fn insert(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        CHANGES.set(kv, &self.entry(key, value), &())
    }

    fn remove(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        CHANGES.remove(kv, &self.entry(key, value))
    }

    fn space(&self) -> Space {
        CHANGES.space()
    }
}

fn some_if<T>(condition: bool, value: T) -> Vec<T> {
    if condition { vec![value] } else { Vec::new() }
}

fn byte(state: i32) -> u8 {
    u8::try_from(state).unwrap_or_default()
}

static DEPLOYMENT_CHANGES: Changed<DeploymentId, Deployment> =
    Changed::new(ObjectKind::Deployment, |deployment| deployment.updated_height);
pub static DEPLOYMENTS_BY_STATE: Index<u8, DeploymentId, Deployment> =
    Index::new("market", 3, |_, deployment| vec![byte(deployment.state)]);
pub static DEPLOYMENTS: IndexedMap<DeploymentId, Deployment> =
    IndexedMap::new("market", 2, &[&DEPLOYMENT_CHANGES, &DEPLOYMENTS_BY_STATE]);

static GROUP_CHANGES: Changed<GroupId, Group> = Changed::new(ObjectKind::Group, |group| group.updated_height);
pub static GROUPS: IndexedMap<GroupId, Group> = IndexedMap::new("market", 4, &[&GROUP_CHANGES]);

static ORDER_CHANGES: Changed<OrderId, Order> = Changed::new(ObjectKind::Order, |order| order.updated_height);
pub static ORDERS_BY_STATE: Index<u8, OrderId, Order> = Index::new("market", 6, |_, order| vec![byte(order.state)]);
/// Open orders by customer: the quota.
pub static OPEN_ORDERS: Index<Address, OrderId, Order> =
    Index::new("market", 7, |id, order| some_if(order.state() == OrderState::Open, id.owner().clone()));
pub static ORDER_EXPIRY: Index<u64, OrderId, Order> =
    Index::new("market", 8, |_, order| some_if(order.state() == OrderState::Open, order.expires_at));
pub static ORDERS: IndexedMap<OrderId, Order> =
    IndexedMap::new("market", 5, &[&ORDER_CHANGES, &ORDERS_BY_STATE, &OPEN_ORDERS, &ORDER_EXPIRY]);

static BID_CHANGES: Changed<BidId, Bid> = Changed::new(ObjectKind::Bid, |bid| bid.updated_height);
pub static BIDS_BY_PROVIDER: Index<(Address, u8), BidId, Bid> =
    Index::new("market", 10, |id, bid| vec![(id.provider.clone(), byte(bid.state))]);
pub static OPEN_BIDS: Index<OrderId, BidId, Bid> =
    Index::new("market", 11, |id, bid| some_if(bid.state() == BidState::Open, id.order.clone()));
pub static BID_EXPIRY: Index<u64, BidId, Bid> =
    Index::new("market", 12, |_, bid| some_if(bid.state() == BidState::Open, bid.expires_at));
pub static BIDS: IndexedMap<BidId, Bid> =
    IndexedMap::new("market", 9, &[&BID_CHANGES, &BIDS_BY_PROVIDER, &OPEN_BIDS, &BID_EXPIRY]);

static LEASE_CHANGES: Changed<BidId, Lease> = Changed::new(ObjectKind::Lease, |lease| lease.updated_height);
pub static LEASES_BY_PROVIDER: Index<(Address, u8), BidId, Lease> =
    Index::new("market", 14, |id, lease| vec![(id.provider.clone(), byte(lease.state))]);
/// Leases that are not closed.
pub static LIVE_LEASES: Index<DeploymentId, BidId, Lease> =
    Index::new("market", 15, |id, lease| some_if(lease.state() != LeaseState::Closed, id.order.deployment().clone()));
pub static PROVIDER_LIVE_LEASES: Index<Address, BidId, Lease> =
    Index::new("market", 16, |id, lease| some_if(lease.state() != LeaseState::Closed, id.provider.clone()));
/// End of the time to deliver, or to reclaim.
pub static LEASE_DEADLINES: Index<u64, BidId, Lease> = Index::new("market", 17, |_, lease| {
    let live = lease.state() != LeaseState::Closed;
    [lease.provision_deadline, lease.reclaim_at]
        .into_iter()
        .filter(|time| live && *time > 0)
        .min()
        .into_iter()
        .collect()
});
pub static LEASES: IndexedMap<BidId, Lease> = IndexedMap::new(
    "market",
    13,
    &[&LEASE_CHANGES, &LEASES_BY_PROVIDER, &LIVE_LEASES, &PROVIDER_LIVE_LEASES, &LEASE_DEADLINES],
);

static RESOURCE_CHANGES: Changed<BidId, Resource> =
    Changed::new(ObjectKind::Resource, |resource| resource.updated_height);
pub static RESOURCES_BY_PROVIDER: Index<(Address, u8), BidId, Resource> =
    Index::new("market", 19, |id, resource| vec![(id.provider.clone(), byte(resource.state))]);
pub static RESOURCE_FORCE: Index<u64, BidId, Resource> =
    Index::new("market", 20, |_, resource| some_if(resource.force_at > 0, resource.force_at));
/// End of the time for a running operation. That of a provisioning is the lease's.
pub static OPERATION_DEADLINES: Index<u64, BidId, Resource> = Index::new("market", 21, |_, resource| {
    let operation = resource.operation.as_ref();
    let running = operation.filter(|one| is_running(one) && one.action() != Action::Provision);
    running.map(|operation| operation.deadline).into_iter().collect()
});
pub static RESOURCES: IndexedMap<BidId, Resource> =
    IndexedMap::new("market", 18, &[&RESOURCE_CHANGES, &RESOURCES_BY_PROVIDER, &RESOURCE_FORCE, &OPERATION_DEADLINES]);

pub fn is_running(operation: &Operation) -> bool {
    matches!(operation.state(), OperationState::Requested | OperationState::Executing)
}

/// The latest operations of each lease, by number.
pub static OPERATIONS: Map<OperationId, Operation> = Map::new("market", 22);

/// By account and kind.
pub static ACTIVITIES: Map<(Address, u8), Activity> = Map::new("market", 23);

/// Prepaid value of live leases, and its sum by provider.
pub static EXPOSURES: Map<BidId, Exposure> = Map::new("market", 24);
pub static PROVIDER_EXPOSURE: Map<Address, Exposure> = Map::new("market", 25);
