//! A manifest fits the groups on chain, or the gateway refuses it: nobody runs more than what is paid for.

use std::collections::BTreeMap;

use super::build::{endpoints, manifest_resources};
use super::group::{Endpoint, GroupSpec, Resources};
use super::types::{Manifest, ManifestGroup, ManifestService};
use crate::sdl::is_name;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MismatchError {
    #[error("the manifest's hash is {got}, the deployment on chain has {expected}; update the deployment first")]
    Hash { expected: String, got: String },
    #[error("the manifest has groups {got:?}, the deployment has {expected:?}")]
    Groups { expected: Vec<String>, got: Vec<String> },
    #[error("{group}/{service}: {cause}; rebuild the manifest from the file of this deployment")]
    Service { group: String, service: String, cause: String },
    #[error("{group}: resource {id} has {got} replicas in the manifest, {expected} on chain")]
    Count { group: String, id: u32, expected: u32, got: u32 },
    #[error("{group}: resource {id} exposes other endpoints than on chain; update the deployment first")]
    Endpoints { group: String, id: u32 },
}

/// Same hash, same groups, and per group every replica and endpoint of the chain used exactly.
pub fn check(manifest: &Manifest, hash: &[u8; 32], groups: &[GroupSpec]) -> Result<(), MismatchError> {
    let got = manifest.hash();
    if got != *hash {
        return Err(MismatchError::Hash { expected: hex::encode(hash), got: hex::encode(got) });
    }
    let names = |names: Vec<&String>| {
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        names.sort();
        names
    };
    let expected = names(groups.iter().map(|group| &group.name).collect());
    let got = names(manifest.0.iter().map(|group| &group.name).collect());
    if expected != got {
        return Err(MismatchError::Groups { expected, got });
    }
    for spec in groups {
        if let Some(group) = manifest.0.iter().find(|group| group.name == spec.name) {
            check_group(group, spec)?;
        }
    }
    Ok(())
}

fn check_group(group: &ManifestGroup, spec: &GroupSpec) -> Result<(), MismatchError> {
    let mut used: BTreeMap<u32, (u32, Vec<Endpoint>)> = BTreeMap::new();
    let mut names = std::collections::BTreeSet::new();
    for service in &group.services {
        let refuse = |cause: &str| MismatchError::Service {
            group: group.name.clone(),
            service: service.name.clone(),
            cause: cause.to_owned(),
        };
        if !is_name(&service.name) || !names.insert(&service.name) {
            return Err(refuse("the name is malformed or used twice"));
        }
        let unit = spec.units.iter().find(|unit| unit.resources.id == service.resources.id);
        let unit = unit.ok_or_else(|| refuse("its resource id is not on chain"))?;
        let own = endpoints(&service.expose);
        check_service(service, &unit.resources, &own).map_err(refuse)?;
        let entry = used.entry(service.resources.id).or_default();
        entry.0 = entry.0.saturating_add(service.count);
        entry.1.extend(own);
    }
    for unit in &spec.units {
        let id = unit.resources.id;
        let (count, mut endpoints) = used.remove(&id).unwrap_or_default();
        if count != unit.count {
            return Err(MismatchError::Count { group: group.name.clone(), id, expected: unit.count, got: count });
        }
        let mut expected = unit.resources.endpoints.clone();
        endpoints.sort();
        expected.sort();
        if endpoints != expected {
            return Err(MismatchError::Endpoints { group: group.name.clone(), id });
        }
    }
    Ok(())
}

fn check_service(service: &ManifestService, unit: &Resources, own: &[Endpoint]) -> Result<(), &'static str> {
    if service.count == 0 {
        return Err("it has no replica");
    }
    let expected = manifest_resources(&Resources { endpoints: own.to_vec(), ..unit.clone() });
    let got = &service.resources;
    if got.endpoints != expected.endpoints {
        return Err("its endpoints do not follow from what it exposes");
    }
    if got.cpu != expected.cpu || got.memory != expected.memory {
        return Err("its CPU or memory differs from the chain");
    }
    if got.storage != expected.storage {
        return Err("its storage differs from the chain");
    }
    if got.gpu != expected.gpu {
        return Err("its GPU differs from the chain");
    }
    Ok(())
}
