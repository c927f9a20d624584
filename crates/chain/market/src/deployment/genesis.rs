//! Genesis: `{params, deployments, groups, orders, bids, leases, resources, operations, activities, exposures}`. Timers
//! and sums follow from the objects.

use serde_json::Value;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::market::v1::*;
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::exposure::{self, Line};
use super::ids::{BidId, DeploymentId, GroupId, OperationId, OrderId};
use super::keys::{ACTIVITIES, BIDS, DEPLOYMENTS, EXPOSURES, GROUPS, LEASES, OPERATIONS, ORDERS, RESOURCES};
use super::params;

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

fn nameless() -> CodedError {
    Error::Genesis("an object has no id".into()).into()
}

macro_rules! load {
    ($ctx:ident, $objects:expr, $map:ident, $id:expr) => {
        for object in &$objects {
            let id = $id(object)?;
            if $map.has($ctx, &id)? {
                return Err(Error::Genesis(format!("{id} is given twice")).into());
            }
            $map.set($ctx, &id, object)?;
        }
    };
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    load!(ctx, genesis.deployments, DEPLOYMENTS, |object: &Deployment| {
        object.id.as_ref().ok_or_else(nameless).and_then(|id| DeploymentId::new(&id.owner, id.dseq))
    });
    load!(ctx, genesis.groups, GROUPS, |object: &Group| {
        object.id.as_ref().ok_or_else(nameless).and_then(|id| GroupId::new(&id.owner, id.dseq, id.gseq))
    });
    load!(ctx, genesis.orders, ORDERS, |object: &Order| OrderId::from_proto(object.id.as_ref()));
    load!(ctx, genesis.bids, BIDS, |object: &Bid| BidId::from_proto(object.id.as_ref()));
    load!(ctx, genesis.leases, LEASES, |object: &Lease| BidId::from_proto(object.id.as_ref()));
    load!(ctx, genesis.resources, RESOURCES, |object: &Resource| BidId::from_proto(object.lease.as_ref()));
    for operation in &genesis.operations {
        let id = OperationId { lease: BidId::from_proto(operation.lease.as_ref())?, op_id: operation.op_id };
        OPERATIONS.set(ctx, &id, operation)?;
    }
    for activity in &genesis.activities {
        let kind = u8::try_from(activity.kind).map_err(|_| Error::Genesis("an activity has no kind".into()))?;
        ACTIVITIES.set(ctx, &(parse_account("account", &activity.account)?, kind), activity)?;
    }
    for stored in &genesis.exposures {
        exposure::set(ctx, &BidId::from_proto(stored.lease.as_ref())?, Line::read(Some(stored.clone()))?)?;
    }
    Ok(())
}

macro_rules! plain_values {
    ($ctx:ident, $map:ident) => {
        $map.iter($ctx).map(|entry| entry.map(|(_, object)| object)).collect::<Result<_, _>>()?
    };
}

macro_rules! values {
    ($ctx:ident, $map:ident) => {
        $map.scan().entries($ctx).map(|entry| entry.map(|(_, object)| object)).collect::<Result<_, _>>()?
    };
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        deployments: values!(ctx, DEPLOYMENTS),
        groups: values!(ctx, GROUPS),
        orders: values!(ctx, ORDERS),
        bids: values!(ctx, BIDS),
        leases: values!(ctx, LEASES),
        resources: values!(ctx, RESOURCES),
        operations: plain_values!(ctx, OPERATIONS),
        activities: plain_values!(ctx, ACTIVITIES),
        exposures: plain_values!(ctx, EXPOSURES),
    })
}
