//! Which objects a list asks for.

use ve_base::{CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::{GroupSpec, PriceRange, TimeRange};

use crate::deployment::ids::{BidId, DeploymentId, GroupId, OrderId};

/// Parts of an id. They count from the left: the first one missing ends them.
#[derive(Default)]
pub struct Parts<'a> {
    pub owner: &'a str,
    pub dseq: u64,
    pub gseq: u32,
    pub oseq: u32,
    pub provider: &'a str,
    pub bseq: u32,
}

impl Parts<'_> {
    pub fn order(&self) -> Result<(DeploymentId, GroupId, OrderId), CodedError> {
        let order = OrderId::new(self.owner, self.dseq, self.gseq, self.oseq)?;
        Ok((order.deployment().clone(), order.group.clone(), order))
    }

    /// A part of the id without the owner would scan everything and match little.
    pub fn check(&self) -> Result<(), CodedError> {
        if self.owner.is_empty() && (self.dseq > 0 || self.gseq > 0 || self.oseq > 0) {
            return Err(Error::InvalidRequest("dseq, gseq and oseq need owner".to_owned()).into());
        }
        Ok(())
    }

    pub fn accepts_deployment(&self, id: &DeploymentId) -> bool {
        (self.dseq == 0 || self.dseq == id.dseq) && (self.owner.is_empty() || self.owner == id.owner.to_string())
    }

    pub fn accepts_group(&self, id: &GroupId) -> bool {
        self.accepts_deployment(&id.deployment) && (self.gseq == 0 || self.gseq == id.gseq)
    }

    pub fn accepts_order(&self, id: &OrderId) -> bool {
        self.accepts_group(&id.group) && (self.oseq == 0 || self.oseq == id.oseq)
    }

    pub fn accepts_bid(&self, id: &BidId) -> bool {
        self.accepts_order(&id.order)
            && (self.bseq == 0 || self.bseq == id.bseq)
            && (self.provider.is_empty() || self.provider == id.provider.to_string())
    }
}

/// Times from `from` to `until`, both included.
#[derive(Clone, Copy)]
pub struct Times {
    from: u64,
    until: u64,
}

pub fn times(range: Option<&TimeRange>) -> Result<Times, CodedError> {
    let range = range.copied().unwrap_or_default();
    let until = if range.until == 0 { u64::MAX } else { range.until };
    if range.from > until {
        return Err(Error::InvalidRequest("created: from is after until".to_owned()).into());
    }
    Ok(Times { from: range.from, until })
}

impl Times {
    pub fn accept(self, time: u64) -> bool {
        (self.from..=self.until).contains(&time)
    }
}

/// Prices of one coin, or of any, between two bounds.
pub struct Prices {
    denom: String,
    min: Option<Dec>,
    max: Option<Dec>,
}

pub fn prices(range: Option<&PriceRange>) -> Result<Prices, CodedError> {
    let range = range.cloned().unwrap_or_default();
    let bound = |text: &str| {
        if text.is_empty() {
            return Ok(None);
        }
        Dec::from_mantissa(text).map(Some)
    };
    let (min, max) = (bound(&range.min)?, bound(&range.max)?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(Error::InvalidRequest("price: min is above max".to_owned()).into());
    }
    if range.denom.is_empty() && (min.is_some() || max.is_some()) {
        return Err(Error::InvalidRequest("price: name the denom of min and max".to_owned()).into());
    }
    Ok(Prices { denom: range.denom, min, max })
}

impl Prices {
    pub fn accept(&self, price: Option<&DecCoin>) -> bool {
        if self.denom.is_empty() {
            return true;
        }
        let Some(price) = price.filter(|price| price.denom == self.denom) else { return false };
        let Ok(amount) = Dec::from_mantissa(&price.amount) else { return false };
        self.min.is_none_or(|min| min <= amount) && self.max.is_none_or(|max| amount <= max)
    }
}

/// Whether a group's name begins so and, with a region, its requirements ask for it.
pub fn accepts_spec(spec: Option<&GroupSpec>, name_prefix: &str, region: &str) -> bool {
    if name_prefix.is_empty() && region.is_empty() {
        return true;
    }
    let Some(spec) = spec else { return false };
    let required = spec.requirements.as_ref().map(|wanted| wanted.attributes.as_slice()).unwrap_or_default();
    spec.name.starts_with(name_prefix)
        && (region.is_empty() || required.iter().any(|wanted| wanted.key == "region" && wanted.value == region))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
