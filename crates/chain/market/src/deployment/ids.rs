//! Ids of the order book: each is its parent's with one step more.

use std::fmt;

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::market::v1 as proto;
use ve_store::{AsPrefix, Key, KeyError};

use super::error::Error;
use crate::text::shown;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeploymentId {
    pub owner: Address,
    pub dseq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId {
    pub deployment: DeploymentId,
    pub gseq: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId {
    pub group: GroupId,
    pub oseq: u32,
}

/// A bid, and the lease and resource that it became.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BidId {
    pub order: OrderId,
    pub provider: Address,
    pub bseq: u32,
}

/// An operation of a lease's resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationId {
    pub lease: BidId,
    pub op_id: u64,
}

impl OrderId {
    pub fn deployment(&self) -> &DeploymentId {
        &self.group.deployment
    }

    pub fn owner(&self) -> &Address {
        &self.group.deployment.owner
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.dseq)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.deployment, self.gseq)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.oseq)
    }
}

impl fmt::Display for BidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.order, self.provider, self.bseq)
    }
}

/// `<owner>/<dseq>`.
pub fn parse_deployment(text: &str) -> Option<DeploymentId> {
    let (owner, dseq) = text.split_once('/')?;
    Some(DeploymentId { owner: parse_account("owner", owner).ok()?, dseq: dseq.parse().ok()? })
}

macro_rules! keys {
    ($($id:ident { $($field:ident: $part:ty),+ })*) => {$(
        impl Key for $id {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)+
            }

            fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
                Ok(Self { $($field: <$part>::read(input)?),+ })
            }
        }
    )*};
}

keys! {
    DeploymentId { owner: Address, dseq: u64 }
    GroupId { deployment: DeploymentId, gseq: u32 }
    OrderId { group: GroupId, oseq: u32 }
    BidId { order: OrderId, provider: Address, bseq: u32 }
    OperationId { lease: BidId, op_id: u64 }
}

macro_rules! prefixes {
    ($($of:ident: $($leading:ty),+;)*) => {$($(
        impl AsPrefix<$of> for &$leading {
            fn write_prefix(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
        }
    )+)*};
}

prefixes! {
    DeploymentId: Address;
    GroupId: Address, DeploymentId;
    OrderId: Address, DeploymentId, GroupId;
    BidId: Address, DeploymentId, GroupId, OrderId;
    OperationId: Address, DeploymentId, GroupId, OrderId, BidId;
}

impl AsPrefix<BidId> for (&OrderId, &Address) {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}

impl DeploymentId {
    pub fn new(owner: &str, dseq: u64) -> Result<Self, CodedError> {
        Ok(Self { owner: parse_account("owner", owner)?, dseq })
    }

    pub fn to_proto(&self) -> proto::DeploymentId {
        proto::DeploymentId { owner: self.owner.to_string(), dseq: self.dseq }
    }
}

impl GroupId {
    pub fn new(owner: &str, dseq: u64, gseq: u32) -> Result<Self, CodedError> {
        Ok(Self { deployment: DeploymentId::new(owner, dseq)?, gseq })
    }

    pub fn to_proto(&self) -> proto::GroupId {
        proto::GroupId { owner: self.deployment.owner.to_string(), dseq: self.deployment.dseq, gseq: self.gseq }
    }
}

impl OrderId {
    pub fn new(owner: &str, dseq: u64, gseq: u32, oseq: u32) -> Result<Self, CodedError> {
        Ok(Self { group: GroupId::new(owner, dseq, gseq)?, oseq })
    }

    pub fn from_proto(id: Option<&proto::OrderId>) -> Result<Self, CodedError> {
        let id = id.ok_or_else(|| Error::Id("no order".into()))?;
        Self::new(&id.owner, id.dseq, id.gseq, id.oseq)
    }

    pub fn to_proto(&self) -> proto::OrderId {
        let group = self.group.to_proto();
        proto::OrderId { owner: group.owner, dseq: group.dseq, gseq: group.gseq, oseq: self.oseq }
    }
}

impl BidId {
    pub fn from_proto(id: Option<&proto::BidId>) -> Result<Self, CodedError> {
        let id = id.ok_or_else(|| Error::Id("no bid or lease".into()))?;
        Ok(Self {
            order: OrderId::new(&id.owner, id.dseq, id.gseq, id.oseq)?,
            provider: parse_account("provider", &shown(&id.provider))?,
            bseq: id.bseq,
        })
    }

    pub fn to_proto(&self) -> proto::BidId {
        let order = self.order.to_proto();
        proto::BidId {
            owner: order.owner,
            dseq: order.dseq,
            gseq: order.gseq,
            oseq: order.oseq,
            provider: self.provider.to_string(),
            bseq: self.bseq,
        }
    }
}
