//! Names of things on the chain, as the daemon stores and prints them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `<owner>/<dseq>/<gseq>/<oseq>` (marketplace spec section 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OrderId {
    pub owner: String,
    pub dseq: u64,
    pub gseq: u32,
    pub oseq: u32,
}

/// `<owner>/<dseq>/<gseq>/<oseq>/<provider>/<bseq>`: a bid, and the lease that it became.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LeaseId {
    pub order: OrderId,
    pub provider: String,
    pub bseq: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id of the form owner/dseq/gseq/oseq[/provider/bseq]")]
pub struct InvalidId(String);

impl OrderId {
    /// All orders and leases of one deployment share it.
    pub fn deployment(&self) -> String {
        format!("{}/{}", self.owner, self.dseq)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.owner, self.dseq, self.gseq, self.oseq)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.order, self.provider, self.bseq)
    }
}

impl FromStr for OrderId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let [owner, dseq, gseq, oseq] = parts.as_slice() else { return Err(invalid()) };
        Ok(Self {
            owner: (*owner).to_owned(),
            dseq: dseq.parse().map_err(|_| invalid())?,
            gseq: gseq.parse().map_err(|_| invalid())?,
            oseq: oseq.parse().map_err(|_| invalid())?,
        })
    }
}

impl FromStr for LeaseId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.to_owned());
        let (rest, bseq) = text.rsplit_once('/').ok_or_else(invalid)?;
        let (order, provider) = rest.rsplit_once('/').ok_or_else(invalid)?;
        Ok(Self { order: order.parse()?, provider: provider.to_owned(), bseq: bseq.parse().map_err(|_| invalid())? })
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.to_string()
    }
}

impl From<LeaseId> for String {
    fn from(id: LeaseId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for OrderId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl TryFrom<String> for LeaseId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}
