//! What an order costs with this provider (marketplace spec section 13.2): exact decimals, rounded up at the 18th.

use ve_base::{Amount, Dec, DecError, Rounding};
use ve_proto::ve::market::v1::GroupSpec;

use crate::config::Pricing;
use crate::fit::{Decline, Reason};

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quote {
    /// `uve` per accounting block of 5 s for the whole group.
    Price(Dec),
    /// Why there is no bid.
    Declined(Decline),
}

fn declined(reason: Reason, text: impl Into<String>) -> Result<Quote, DecError> {
    Ok(Quote::Declined(Decline::new(reason, text)))
}

/// First the rules that decide alone, then scales, markup, floor and cap.
pub fn quote(pricing: &Pricing, customer: &str, group: &GroupSpec) -> Result<Quote, DecError> {
    let named = |list: &[String]| list.iter().any(|address| address == customer);
    if named(&pricing.deny) {
        return declined(Reason::Customer, "the customer is on the deny list");
    }
    if !pricing.allow.is_empty() && !named(&pricing.allow) {
        return declined(Reason::Customer, "the customer is not on the allow list");
    }
    if group.resources.iter().any(|unit| unit.resources.as_ref().is_some_and(has_gpu)) {
        return declined(Reason::Gpu, "no price is set for GPUs");
    }
    let mut sum = Dec::zero();
    for unit in &group.resources {
        let one = unit_price(pricing, &unit.resources.clone().unwrap_or_default())?;
        sum = sum.checked_add(one.mul_int(Amount::from(u64::from(unit.count)))?)?;
    }
    let percent = u64::from(pricing.markup_percent).saturating_add(100);
    let marked = sum.mul_int(Amount::from(percent))?.quo_int(Amount::from(100u64), Rounding::Ceil)?;
    let price = marked.max(pricing.floor.parse()?);
    if price.is_zero() {
        return declined(Reason::Price, "the price would be zero");
    }
    match &pricing.cap {
        Some(cap) if price > cap.parse()? => declined(Reason::Price, format!("{price:#} is above the cap of {cap}")),
        _ => Ok(Quote::Price(price)),
    }
}

fn has_gpu(resources: &ve_proto::ve::market::v1::Resources) -> bool {
    resources.gpu.as_ref().is_some_and(|gpu| gpu.units > 0)
}

/// One replica.
fn unit_price(pricing: &Pricing, resources: &ve_proto::ve::market::v1::Resources) -> Result<Dec, DecError> {
    let share = |price: &str, count: u64, of: u64| -> Result<Dec, DecError> {
        price.parse::<Dec>()?.mul_int(Amount::from(count))?.quo_int(Amount::from(of), Rounding::Ceil)
    };
    let storage = resources.storage.iter().try_fold(0u64, |sum, volume| sum.checked_add(volume.size));
    [
        share(&pricing.per_cpu, resources.cpu, 1000)?,
        share(&pricing.per_memory_mib, resources.memory, MIB)?,
        share(&pricing.per_storage_mib, storage.ok_or(DecError::Overflow)?, MIB)?,
        share(&pricing.per_endpoint, resources.endpoints.len() as u64, 1)?,
    ]
    .into_iter()
    .try_fold(Dec::zero(), Dec::checked_add)
}

#[cfg(test)]
#[path = "pricing_tests.rs"]
mod tests;
