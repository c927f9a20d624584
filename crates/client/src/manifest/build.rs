//! Deployment file → groups and manifest. One group per placement; services of one placement with the same compute
//! profile share one resource unit, whose count is their sum.

use std::collections::BTreeMap;

use super::group::{Endpoint, EndpointKind, GroupSpec, Requirements, ResourceUnit, Resources};
use super::types::*;
use crate::sdl::{Compute, Sdl, Service};

/// The groups of a deployment, by placement name.
pub fn group_specs(sdl: &Sdl) -> Vec<GroupSpec> {
    build(sdl).into_iter().map(|(spec, _)| spec).collect()
}

/// The manifest of a deployment, in the order of [`group_specs`].
pub fn manifest(sdl: &Sdl) -> Manifest {
    Manifest(build(sdl).into_iter().map(|(_, group)| group).collect())
}

fn build(sdl: &Sdl) -> Vec<(GroupSpec, ManifestGroup)> {
    let mut groups: BTreeMap<&str, (GroupSpec, ManifestGroup)> = BTreeMap::new();
    // Profile → position of its unit, per placement.
    let mut bound: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (service_name, placements) in &sdl.deployment {
        for (placement_name, deploy) in placements {
            let parts =
                (sdl.services.get(service_name), sdl.placements.get(placement_name), sdl.compute.get(&deploy.profile));
            let (Some(service), Some(placement), Some(compute)) = parts else { continue };
            let Some(price) = placement.pricing.get(&deploy.profile) else { continue };
            let (spec, group) = groups.entry(placement_name).or_insert_with(|| {
                let requirements = Requirements {
                    signed_by_all: placement.signed_by_all.clone(),
                    signed_by_any: placement.signed_by_any.clone(),
                    attributes: placement.attributes.clone(),
                };
                (
                    GroupSpec { name: placement_name.clone(), requirements, units: Vec::new() },
                    ManifestGroup { name: placement_name.clone(), services: Vec::new() },
                )
            });
            let index = *bound.entry((placement_name, &deploy.profile)).or_insert_with(|| {
                let id = u32::try_from(spec.units.len()).unwrap_or(u32::MAX).saturating_add(1);
                let resources = resources(compute, id);
                let (denom, price) = (price.denom.clone(), price.amount);
                spec.units.push(ResourceUnit { resources, count: 0, denom, price });
                spec.units.len().saturating_sub(1)
            });
            let expose = exposes(sdl, service);
            let endpoints = endpoints(&expose);
            if let Some(unit) = spec.units.get_mut(index) {
                unit.count = unit.count.saturating_add(deploy.count);
                unit.resources.endpoints.extend(&endpoints);
                unit.resources.endpoints.sort();
                let resources = manifest_resources(&Resources { endpoints, ..unit.resources.clone() });
                group.services.push(manifest_service(service_name, service, deploy.count, resources, expose));
            }
        }
    }
    groups.into_values().collect()
}

fn resources(compute: &Compute, id: u32) -> Resources {
    Resources {
        id,
        cpu_milli: compute.cpu_milli,
        cpu_attributes: compute.cpu_attributes.clone(),
        memory: compute.memory,
        storage: compute.storage.clone(),
        gpu_units: compute.gpu_units,
        gpu_attributes: compute.gpu_attributes.iter().map(|key| (key.clone(), "true".to_owned())).collect(),
        endpoints: Vec::new(),
    }
}

fn exposes(sdl: &Sdl, service: &Service) -> Vec<ManifestExpose> {
    let mut exposes = Vec::new();
    for expose in &service.expose {
        let nobody = [crate::sdl::ExposeTo::default()];
        let targets = if expose.to.is_empty() { &nobody[..] } else { &expose.to[..] };
        for to in targets {
            exposes.push(ManifestExpose {
                port: expose.port,
                external_port: expose.external,
                proto: expose.protocol.as_str().to_owned(),
                service: to.service.clone(),
                global: to.global,
                hosts: Some(expose.hosts.clone()).filter(|hosts| !hosts.is_empty()),
                http_options: ManifestHttpOptions {
                    max_body_size: expose.http.max_body_size,
                    read_timeout: expose.http.read_timeout,
                    send_timeout: expose.http.send_timeout,
                    next_tries: expose.http.next_tries,
                    next_timeout: expose.http.next_timeout,
                    next_cases: expose.http.next_cases.clone(),
                    proxy_buffer_size: expose.http.proxy_buffer_size,
                },
                ip: to.ip.clone(),
                endpoint_sequence_number: sdl.endpoints.get(&to.ip).copied().unwrap_or(0),
            });
        }
    }
    exposes.sort_by(|a, b| (&a.service, a.port, &a.proto, a.global).cmp(&(&b.service, b.port, &b.proto, b.global)));
    exposes
}

/// What a group must offer for these exposures.
pub(super) fn endpoints(exposes: &[ManifestExpose]) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for expose in exposes.iter().filter(|expose| expose.global) {
        if expose.endpoint_sequence_number != 0 {
            endpoints.push(Endpoint { kind: EndpointKind::LeasedIp, sequence: expose.endpoint_sequence_number });
        }
        let kind = if expose.is_ingress() { EndpointKind::SharedHttp } else { EndpointKind::RandomPort };
        endpoints.push(Endpoint { kind, sequence: 0 });
    }
    endpoints.sort();
    endpoints
}

pub(super) fn manifest_resources(resources: &Resources) -> ManifestResources {
    ManifestResources {
        id: resources.id,
        cpu: ManifestUnits { units: resources.cpu_milli.into(), attributes: attributes(&resources.cpu_attributes) },
        memory: ManifestSize { size: resources.memory.into() },
        storage: resources
            .storage
            .iter()
            .map(|volume| ManifestVolume {
                name: volume.name.clone(),
                size: volume.size.into(),
                attributes: attributes(&volume.attributes),
            })
            .collect(),
        gpu: ManifestUnits { units: resources.gpu_units.into(), attributes: attributes(&resources.gpu_attributes) },
        endpoints: resources
            .endpoints
            .iter()
            .map(|endpoint| ManifestEndpoint { kind: endpoint.kind as u32, sequence_number: endpoint.sequence })
            .collect(),
    }
}

fn attributes(pairs: &[(String, String)]) -> Vec<ManifestAttribute> {
    pairs.iter().map(|(key, value)| ManifestAttribute { key: key.clone(), value: value.clone() }).collect()
}

fn manifest_service(
    name: &str,
    service: &Service,
    count: u32,
    resources: ManifestResources,
    expose: Vec<ManifestExpose>,
) -> ManifestService {
    let filled = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
    let storage = service.mounts.iter().map(|(name, mount)| ManifestMount {
        name: name.clone(),
        mount: mount.path.clone(),
        read_only: mount.read_only,
    });
    let params = ManifestParams {
        storage: storage.collect(),
        permissions: filled(&service.read_permissions).map(|read| ManifestPermissions { read }),
        tee: service.tee.clone(),
        dependencies: service.dependencies.clone(),
    };
    ManifestService {
        name: name.to_owned(),
        image: service.image.clone(),
        command: filled(&service.command),
        args: filled(&service.args),
        env: filled(&service.env),
        resources,
        count,
        expose,
        params: Some(params).filter(|params| *params != ManifestParams::default()),
        credentials: service.credentials.as_ref().map(|credentials| ManifestCredentials {
            host: credentials.host.clone(),
            email: credentials.email.clone(),
            username: credentials.username.clone(),
            password: credentials.password.clone(),
        }),
    }
}
