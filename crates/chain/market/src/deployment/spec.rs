//! What may be ordered, what it may cost, and whether an offer is what was ordered: pure.

use ve_base::{Amount, CodedError, Dec, Denom};
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::{EndpointKind, Gpu, GroupSpec, ResourceOffer, Resources};
use ve_proto::ve::provider::v1::Attribute;

use super::error::Error;
use crate::text::shown;

pub const MAX_GROUPS: usize = 20;
const MAX_UNITS: usize = 20;
const MAX_COUNT: u32 = 50;
/// Thousandths of a CPU per replica.
const MAX_CPU: u64 = 384_000;
const MAX_GPU: u64 = 24;
const MAX_MEMORY: u64 = 2 << 40;
const MAX_VOLUME: u64 = 32 << 40;
const MAX_VOLUMES: usize = 8;
const MAX_ENDPOINTS: usize = 32;
const MAX_ATTRIBUTES: usize = 64;
/// Reclamation windows in seconds: an hour to 30 days.
const WINDOWS: std::ops::RangeInclusive<u64> = 3600..=30 * 86_400;

/// A price per accounting block: above zero.
pub fn price(coin: Option<&DecCoin>) -> Result<(Denom, Dec), CodedError> {
    let refused = |price: String| Error::Price { price, max: "what the order allows".into() };
    let coin = coin.ok_or_else(|| refused("(none)".into()))?;
    let amount = Dec::from_mantissa(&coin.amount)?;
    if amount.is_zero() || amount.is_negative() {
        return Err(refused(format!("{amount:#}{}", shown(&coin.denom))).into());
    }
    Ok((coin.denom.parse()?, amount))
}

pub fn dec_coin(denom: &Denom, amount: Dec) -> DecCoin {
    DecCoin { denom: denom.to_string(), amount: amount.to_mantissa() }
}

/// Keys as providers have them, or ending in `*`.
fn check_attributes(attributes: &[Attribute]) -> bool {
    attributes.len() <= MAX_ATTRIBUTES
        && attributes.iter().all(|attribute| {
            let key = attribute.key.strip_suffix('*').unwrap_or(&attribute.key);
            crate::text::is_attribute_key(key.trim_end_matches('/')) && attribute.value.len() <= 256
        })
}

fn check_resources(resources: &Resources) -> Result<(), &'static str> {
    if resources.cpu == 0 || resources.cpu > MAX_CPU {
        return Err("a replica has 1 to 384000 thousandths of a CPU");
    }
    if resources.memory == 0 || resources.memory > MAX_MEMORY {
        return Err("a replica has 1 byte to 2 TiB of memory");
    }
    let gpu = resources.gpu.clone().unwrap_or_default();
    if gpu.units > MAX_GPU {
        return Err("a replica has at most 24 GPUs");
    }
    if resources.storage.len() > MAX_VOLUMES
        || resources.storage.iter().any(|volume| volume.size == 0 || volume.size > MAX_VOLUME || volume.name.len() > 64)
    {
        return Err("a replica has at most 8 volumes of 1 byte to 32 TiB each");
    }
    let mut names: Vec<&str> = resources.storage.iter().map(|volume| volume.name.as_str()).collect();
    names.sort_unstable();
    if !names.is_sorted_by(|left, right| left < right) {
        return Err("volume names must differ");
    }
    if resources.endpoints.len() > MAX_ENDPOINTS
        || resources.endpoints.iter().any(|endpoint| EndpointKind::try_from(endpoint.kind).is_err())
    {
        return Err("a replica has at most 32 endpoints of kind 0, 1 or 2");
    }
    let attributes = [&resources.cpu_attributes, &gpu.attributes];
    let volumes = resources.storage.iter().map(|volume| &volume.attributes);
    if !attributes.into_iter().chain(volumes).all(|list| check_attributes(list)) {
        return Err("an attribute's key or value is malformed or too long");
    }
    Ok(())
}

/// Checks a group within the hard limits; returns what it may cost per block at most.
pub fn check_group(spec: &GroupSpec) -> Result<(Denom, Dec), CodedError> {
    let refused = |why: &str| Error::Spec { group: shown(&spec.name), why: why.into() };
    if spec.name.is_empty() || spec.name.len() > 64 {
        return Err(refused("its name has 1 to 64 bytes").into());
    }
    if spec.resources.is_empty() || spec.resources.len() > MAX_UNITS {
        return Err(refused("it has 1 to 20 resource units").into());
    }
    if spec.reclamation_min_window != 0 && !WINDOWS.contains(&spec.reclamation_min_window) {
        return Err(refused("its reclamation window is 3600 to 2592000 s or 0").into());
    }
    let requirements = spec.requirements.clone().unwrap_or_default();
    if requirements.signed_by.is_some_and(|by| !by.all_of.is_empty() || !by.any_of.is_empty()) {
        return Err(Error::Unaudited.into());
    }
    if !check_attributes(&requirements.attributes) {
        return Err(refused("a required attribute is malformed or too long").into());
    }
    let mut total: Option<(Denom, Dec)> = None;
    let mut ids = Vec::new();
    for unit in &spec.resources {
        let resources = unit.resources.as_ref().ok_or_else(|| refused("a unit has no resources"))?;
        check_resources(resources).map_err(refused)?;
        if unit.count == 0 || unit.count > MAX_COUNT {
            return Err(refused("the count of a unit is 1 to 50").into());
        }
        if ids.contains(&resources.id) {
            return Err(refused("units need different ids").into());
        }
        ids.push(resources.id);
        let (denom, amount) = price(unit.price.as_ref())?;
        let cost = amount.mul_int(Amount::from(u64::from(unit.count)))?;
        total = Some(match total {
            Some((other, _)) if other != denom => return Err(refused("all prices are in one coin").into()),
            Some((_, sum)) => (denom, sum.checked_add(cost)?),
            None => (denom, cost),
        });
    }
    Ok(total.ok_or_else(|| refused("it has no resource units"))?)
}

/// GPU keys of an offer name a model, without `*`, and lie within what was asked.
fn check_gpu(asked: &Gpu, offered: &Gpu) -> Result<(), &'static str> {
    if asked.units != offered.units {
        return Err("another number of GPUs");
    }
    if asked.units == 0 {
        return Ok(());
    }
    let concrete = |attribute: &Attribute| {
        let mut parts = attribute.key.split('/');
        parts.any(|part| part == "model") && parts.next().is_some_and(|model| !model.is_empty())
    };
    if offered.attributes.iter().any(|attribute| attribute.key.contains('*'))
        || !offered.attributes.iter().any(concrete)
    {
        return Err("name the GPU model");
    }
    // Of several models asked for, one is enough.
    let fits = |wanted: &Attribute| {
        let start = wanted.key.trim_end_matches('*').trim_end_matches('/');
        offered.attributes.iter().any(|has| {
            has.key
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || wanted.key.ends_with('*'))
                && has.value == wanted.value
        })
    };
    if asked.attributes.is_empty() || asked.attributes.iter().any(fits) { Ok(()) } else { Err("another GPU model") }
}

/// Whether the offer gives exactly what was ordered, unit by unit.
pub fn check_offer(spec: &GroupSpec, offers: &[ResourceOffer]) -> Result<(), Error> {
    if spec.resources.len() != offers.len() {
        return Err(Error::Offer { unit: 0, why: "another number of units" });
    }
    for (unit, offer) in spec.resources.iter().zip(offers) {
        let asked = unit.resources.clone().unwrap_or_default();
        let given = offer.resources.clone().unwrap_or_default();
        let differs = |why| Error::Offer { unit: asked.id, why };
        if unit.count != offer.count {
            return Err(differs("another count"));
        }
        check_gpu(&asked.gpu.clone().unwrap_or_default(), &given.gpu.clone().unwrap_or_default()).map_err(differs)?;
        if (Resources { gpu: None, ..asked.clone() }) != (Resources { gpu: None, ..given }) {
            return Err(differs("another id, CPU, memory, volume or endpoint"));
        }
    }
    Ok(())
}

/// Whether a bid's reclamation window is one that the order takes; 0 promises never to reclaim.
pub fn check_window(asked: u64, offered: u64) -> Result<(), Error> {
    let fits = offered == 0 || (WINDOWS.contains(&offered) && offered >= asked);
    if fits { Ok(()) } else { Err(Error::Window(offered)) }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
