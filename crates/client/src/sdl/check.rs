//! What holds between the parts of a deployment file: every name that is used exists, and nothing is asked for twice.

use std::collections::{BTreeMap, BTreeSet};

use super::cursor::Cursor;
use super::error::SdlError;
use super::model::{Sdl, Service};

const MAX_GROUPS: usize = 20;
const MAX_UNITS: usize = 20;
const MAX_UNIT_COUNT: u32 = 50;

pub(super) fn references(sdl: &Sdl, root: &Cursor<'_>) -> Result<(), SdlError> {
    let place = |steps: &[&str]| locate(root, steps);
    let mut groups: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for (name, placements) in &sdl.deployment {
        let Some(service) = sdl.services.get(name) else {
            return Err(place(&["deployment", name]).fail(format!("no service `{name}`"), &known(&sdl.services)));
        };
        for (placement_name, deploy) in placements {
            let at = || place(&["deployment", name, placement_name]);
            let Some(placement) = sdl.placements.get(placement_name) else {
                return Err(at().fail(format!("no placement `{placement_name}`"), &known(&sdl.placements)));
            };
            let profile_at = || place(&["deployment", name, placement_name, "profile"]);
            if !sdl.compute.contains_key(&deploy.profile) {
                return Err(profile_at().fail(format!("no compute profile `{}`", deploy.profile), &known(&sdl.compute)));
            }
            if !placement.pricing.contains_key(&deploy.profile) {
                let remedy = format!("add `{}` under `pricing`", deploy.profile);
                let pricing = place(&["profiles", "placement", placement_name, "pricing"]);
                return Err(pricing.fail(format!("no price for profile `{}`", deploy.profile), &remedy));
            }
            mounts(sdl, service, name, &deploy.profile, root)?;
            let count = groups.entry(placement_name).or_default().entry(&deploy.profile).or_default();
            *count = count.saturating_add(deploy.count);
            if *count > MAX_UNIT_COUNT {
                let cause = format!("more than {MAX_UNIT_COUNT} replicas of profile `{}`", deploy.profile);
                return Err(at().fail(cause, "lower `count`, or use a second placement"));
            }
        }
    }
    group_limits(sdl, &groups, root)?;
    exposes(sdl, root)
}

fn group_limits(sdl: &Sdl, groups: &BTreeMap<&str, BTreeMap<&str, u32>>, root: &Cursor<'_>) -> Result<(), SdlError> {
    if groups.len() > MAX_GROUPS {
        let cause = format!("more than {MAX_GROUPS} placements");
        return Err(locate(root, &["deployment"]).fail(cause, "split the deployment"));
    }
    for (name, units) in groups {
        let pricing = || locate(root, &["profiles", "placement", name, "pricing"]);
        if units.len() > MAX_UNITS {
            let cause = format!("more than {MAX_UNITS} compute profiles in one placement");
            return Err(pricing().fail(cause, "use a second placement"));
        }
        let prices = sdl.placements.get(*name).map(|placement| &placement.pricing);
        let denoms: BTreeSet<&str> = units
            .keys()
            .filter_map(|profile| prices.and_then(|prices| prices.get(*profile)))
            .map(|price| price.denom.as_str())
            .collect();
        if denoms.len() > 1 {
            return Err(pricing().fail("two kinds of money in one placement", "use one denom for all its profiles"));
        }
    }
    Ok(())
}

fn mounts(sdl: &Sdl, service: &Service, name: &str, profile: &str, root: &Cursor<'_>) -> Result<(), SdlError> {
    let Some(compute) = sdl.compute.get(profile) else { return Ok(()) };
    let storage = locate(root, &["services", name, "params", "storage"]);
    let mut used = BTreeSet::new();
    for (volume, mount) in &service.mounts {
        let at = locate(root, &["services", name, "params", "storage", volume]);
        if !compute.storage.iter().any(|known| known.name == *volume) {
            let remedy = format!("add it under the storage of profile `{profile}`");
            return Err(at.fail(format!("profile `{profile}` has no volume `{volume}`"), &remedy));
        }
        if !used.insert(mount.path.trim_end_matches('/')) {
            let cause = format!("two volumes at `{}`", mount.path);
            return Err(at.fail(cause, "give each volume its own `mount`; at most one goes without"));
        }
    }
    for volume in compute.storage.iter().filter(|volume| volume.persistent()) {
        if service.mounts.get(&volume.name).is_none_or(|mount| mount.path.is_empty()) {
            let remedy = format!("add `{}: {{mount: /data}}` under `params.storage` of the service", volume.name);
            return Err(storage.fail(format!("persistent volume `{}` has no mount", volume.name), &remedy));
        }
    }
    Ok(())
}

fn exposes(sdl: &Sdl, root: &Cursor<'_>) -> Result<(), SdlError> {
    let mut taken = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (name, service) in &sdl.services {
        for dependency in &service.dependencies {
            if dependency == name || !sdl.services.contains_key(dependency) {
                let at = locate(root, &["services", name, "dependencies"]);
                return Err(at.fail(format!("no other service `{dependency}`"), &known(&sdl.services)));
            }
        }
        for (index, expose) in service.expose.iter().enumerate() {
            let at = || locate(root, &["services", name, "expose", &index.to_string()]);
            for to in &expose.to {
                if !to.service.is_empty() && !sdl.services.contains_key(&to.service) {
                    return Err(at().fail(format!("no service `{}`", to.service), &known(&sdl.services)));
                }
                if to.ip.is_empty() {
                    continue;
                }
                if !sdl.endpoints.contains_key(&to.ip) {
                    let remedy = format!("declare it: `endpoints: {{{}: {{kind: ip}}}}`", to.ip);
                    return Err(at().fail(format!("no endpoint `{}`", to.ip), &remedy));
                }
                used.insert(&to.ip);
                if !taken.insert((&to.ip, expose.effective_port(), expose.protocol)) {
                    let cause = format!(
                        "port {} {} of endpoint `{}` is taken",
                        expose.effective_port(),
                        expose.protocol.as_str(),
                        to.ip
                    );
                    return Err(at().fail(cause, "choose another `as` or another endpoint"));
                }
            }
        }
    }
    match sdl.endpoints.keys().find(|name| !used.contains(name)) {
        Some(name) => {
            let at = locate(root, &["endpoints", name]);
            Err(at.fail(format!("endpoint `{name}` is not used"), "expose a service to it, or remove it"))
        }
        None => Ok(()),
    }
}

fn known<V>(names: &BTreeMap<String, V>) -> String {
    let names: Vec<&str> = names.keys().map(String::as_str).collect();
    format!("there is: {}", names.join(", "))
}

/// The deepest existing place on the way, so that an error about something absent points at its parent.
fn locate<'a>(root: &Cursor<'a>, steps: &[&str]) -> Cursor<'a> {
    let mut here = root.clone();
    for step in steps {
        let next = if here.is_list() {
            step.parse::<usize>().ok().and_then(|index| here.list().ok()?.into_iter().nth(index))
        } else {
            here.entries()
                .ok()
                .and_then(|entries| entries.into_iter().find(|(key, _)| key.text == *step).map(|(_, value)| value))
        };
        match next {
            Some(next) => here = next,
            None => break,
        }
    }
    here
}
