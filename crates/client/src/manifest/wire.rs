//! Groups to and from the messages of the chain.

use ve_base::Dec;
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1 as market;
use ve_proto::ve::provider::v1::Attribute;

use super::group::{Endpoint, EndpointKind, GroupSpec, Requirements, ResourceUnit, Resources};
use crate::sdl::Volume;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain's group {group} lacks {what}; this client may be older than the chain")]
pub struct IncompleteGroup {
    pub group: String,
    pub what: &'static str,
}

fn to_attributes(pairs: &[(String, String)]) -> Vec<Attribute> {
    pairs.iter().map(|(key, value)| Attribute { key: key.clone(), value: value.clone() }).collect()
}

fn from_attributes(attributes: &[Attribute]) -> Vec<(String, String)> {
    attributes.iter().map(|attribute| (attribute.key.clone(), attribute.value.clone())).collect()
}

impl GroupSpec {
    /// `reclamation_min_window` in seconds; 0 when the file asks for none.
    pub fn to_proto(&self, reclamation_min_window: u64) -> market::GroupSpec {
        let signed_by = market::SignedBy {
            all_of: self.requirements.signed_by_all.clone(),
            any_of: self.requirements.signed_by_any.clone(),
        };
        let attributes = to_attributes(&self.requirements.attributes);
        market::GroupSpec {
            name: self.name.clone(),
            requirements: Some(market::Requirements { signed_by: Some(signed_by), attributes }),
            resources: self.units.iter().map(unit_to_proto).collect(),
            reclamation_min_window,
        }
    }

    pub fn from_proto(spec: &market::GroupSpec) -> Result<Self, IncompleteGroup> {
        let missing = |what| IncompleteGroup { group: spec.name.clone(), what };
        let requirements = spec.requirements.clone().unwrap_or_default();
        let signed_by = requirements.signed_by.unwrap_or_default();
        let mut units = Vec::with_capacity(spec.resources.len());
        for unit in &spec.resources {
            let price = unit.price.as_ref().ok_or_else(|| missing("a price"))?;
            units.push(ResourceUnit {
                resources: resources_from_proto(unit.resources.as_ref().ok_or_else(|| missing("resources"))?)
                    .ok_or_else(|| missing("a known endpoint kind"))?,
                count: unit.count,
                denom: price.denom.clone(),
                price: Dec::from_mantissa(&price.amount).map_err(|_| missing("a valid price"))?,
            });
        }
        let requirements = Requirements {
            signed_by_all: signed_by.all_of,
            signed_by_any: signed_by.any_of,
            attributes: from_attributes(&requirements.attributes),
        };
        Ok(Self { name: spec.name.clone(), requirements, units })
    }
}

fn unit_to_proto(unit: &ResourceUnit) -> market::ResourceUnit {
    let price = DecCoin { denom: unit.denom.clone(), amount: unit.price.to_mantissa() };
    market::ResourceUnit { resources: Some(resources_to_proto(&unit.resources)), count: unit.count, price: Some(price) }
}

fn resources_to_proto(resources: &Resources) -> market::Resources {
    let gpu = market::Gpu { units: resources.gpu_units, attributes: to_attributes(&resources.gpu_attributes) };
    let endpoint = |endpoint: &Endpoint| market::Endpoint { kind: endpoint.kind as i32, sequence: endpoint.sequence };
    let volume = |volume: &Volume| market::Volume {
        name: volume.name.clone(),
        size: volume.size,
        attributes: to_attributes(&volume.attributes),
    };
    market::Resources {
        id: resources.id,
        cpu: resources.cpu_milli,
        cpu_attributes: to_attributes(&resources.cpu_attributes),
        memory: resources.memory,
        gpu: Some(gpu),
        storage: resources.storage.iter().map(volume).collect(),
        endpoints: resources.endpoints.iter().map(endpoint).collect(),
    }
}

fn resources_from_proto(resources: &market::Resources) -> Option<Resources> {
    let gpu = resources.gpu.clone().unwrap_or_default();
    let endpoint = |endpoint: &market::Endpoint| {
        let kind = match market::EndpointKind::try_from(endpoint.kind).ok()? {
            market::EndpointKind::SharedHttp => EndpointKind::SharedHttp,
            market::EndpointKind::RandomPort => EndpointKind::RandomPort,
            market::EndpointKind::LeasedIp => EndpointKind::LeasedIp,
        };
        Some(Endpoint { kind, sequence: endpoint.sequence })
    };
    let volume = |volume: &market::Volume| Volume {
        name: volume.name.clone(),
        size: volume.size,
        attributes: from_attributes(&volume.attributes),
    };
    Some(Resources {
        id: resources.id,
        cpu_milli: resources.cpu,
        cpu_attributes: from_attributes(&resources.cpu_attributes),
        memory: resources.memory,
        storage: resources.storage.iter().map(volume).collect(),
        gpu_units: gpu.units,
        gpu_attributes: from_attributes(&gpu.attributes),
        endpoints: resources.endpoints.iter().map(endpoint).collect::<Option<_>>()?,
    })
}
