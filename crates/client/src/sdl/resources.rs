//! `profiles.compute`: what one replica gets.

use std::collections::{BTreeMap, BTreeSet};

use super::cursor::Cursor;
use super::error::SdlError;
use super::model::{Compute, Volume};
use super::{is_name, quantity};

const MAX_CPU_MILLI: u64 = 384_000;
const MAX_MEMORY: u64 = 2 << 40;
const MAX_VOLUME: u64 = 32 << 40;
const MAX_GPU: u64 = 24;
const SIZE_REMEDY: &str = "write a number and k, M, G, T, P, E or Ki, Mi, Gi, Ti, Pi, Ei: `512Mi`";
/// Vendors of graphics processors that providers may announce.
const GPU_VENDORS: [&str; 3] = ["nvidia", "amd", "intel"];

pub(super) fn profiles(at: &Cursor<'_>) -> Result<BTreeMap<String, Compute>, SdlError> {
    let mut profiles = BTreeMap::new();
    for (name, value) in at.entries()? {
        let fields = value.fields(&["resources"])?;
        let resources = fields.require("resources", "add `resources` with cpu, memory and storage")?;
        profiles.insert(name.text.clone(), compute(resources)?);
    }
    if profiles.is_empty() {
        return Err(at.fail("no compute profile", "describe at least one"));
    }
    Ok(profiles)
}

fn compute(at: &Cursor<'_>) -> Result<Compute, SdlError> {
    let fields = at.fields(&["cpu", "memory", "storage", "gpu"])?;
    let (cpu_milli, cpu_attributes) = cpu(fields.require("cpu", "add `cpu: {units: 0.5}`")?)?;
    let memory = fields.require("memory", "add `memory: {size: 512Mi}`")?.fields(&["size"])?;
    let memory = size(memory.require("size", SIZE_REMEDY)?, MAX_MEMORY)?;
    let storage = storage(fields.require("storage", "add `storage: {size: 1Gi}`")?)?;
    let (gpu_units, gpu_attributes) = fields.get("gpu").map_or(Ok((0, Vec::new())), gpu)?;
    Ok(Compute { cpu_milli, cpu_attributes, memory, storage, gpu_units, gpu_attributes })
}

fn cpu(at: &Cursor<'_>) -> Result<(u64, Vec<(String, String)>), SdlError> {
    let fields = at.fields(&["units", "attributes"])?;
    let units = fields.require("units", "write `units: 500m` or `units: 0.5`")?;
    let milli = quantity::milli_cpu(units.text()?)
        .filter(|milli| (1..=MAX_CPU_MILLI).contains(milli))
        .ok_or_else(|| units.fail(format!("`{}` is no CPU share", units.text().unwrap_or("")), "write 1m to 384"))?;
    let mut attributes = Vec::new();
    if let Some(block) = fields.get("attributes")
        && let Some(arch) = block.fields(&["arch"])?.get("arch")
    {
        attributes.push(("arch".to_owned(), arch.text()?.to_owned()));
    }
    Ok((milli, attributes))
}

fn size(at: &Cursor<'_>, max: u64) -> Result<u64, SdlError> {
    let text = at.text()?;
    match quantity::bytes(text) {
        Some(bytes) if (1..=max).contains(&bytes) => Ok(bytes),
        Some(_) => Err(at.fail(format!("`{text}` is out of range"), &format!("ask for 1 byte to {}Ti", max >> 40))),
        None => Err(at.fail(format!("`{text}` is no size"), SIZE_REMEDY)),
    }
}

fn storage(at: &Cursor<'_>) -> Result<Vec<Volume>, SdlError> {
    let items = if at.is_list() { at.list()? } else { vec![at.clone()] };
    let mut names = BTreeSet::new();
    let mut volumes = Vec::with_capacity(items.len());
    for item in items {
        let volume = volume(&item)?;
        if !names.insert(volume.name.clone()) {
            return Err(item.fail(format!("two volumes `{}`", volume.name), "give each volume its own `name`"));
        }
        volumes.push(volume);
    }
    if volumes.is_empty() {
        return Err(at.fail("no storage", "add `size: 1Gi`"));
    }
    Ok(volumes)
}

fn volume(at: &Cursor<'_>) -> Result<Volume, SdlError> {
    let fields = at.fields(&["name", "size", "attributes"])?;
    let name = fields.get("name").map_or(Ok("default"), Cursor::text)?;
    if !is_name(name) {
        return Err(at.fail(format!("`{name}` is no volume name"), "use lower-case letters, digits and `-`"));
    }
    let size = size(fields.require("size", SIZE_REMEDY)?, MAX_VOLUME)?;
    let attributes = fields.get("attributes").map_or(Ok(Vec::new()), volume_attributes)?;
    Ok(Volume { name: name.to_owned(), size, attributes })
}

fn volume_attributes(at: &Cursor<'_>) -> Result<Vec<(String, String)>, SdlError> {
    let fields = at.fields(&["persistent", "class"])?;
    let persistent = fields.boolean("persistent")?;
    let mut class = fields.get("class").map(Cursor::text).transpose()?;
    let class_at = fields.get("class").unwrap_or(at);
    match class {
        Some("ram") if persistent => {
            return Err(class_at.fail("class `ram` cannot persist", "set `persistent: false` or choose another class"));
        }
        Some("default" | "beta1" | "beta2" | "beta3") if !persistent => {
            return Err(class_at.fail("this class is for persistent volumes", "add `persistent: true`"));
        }
        Some("default" | "beta1" | "beta2" | "beta3" | "ram") => {}
        Some(other) => {
            return Err(
                class_at.fail(format!("no storage class `{other}`"), "write default, beta1, beta2, beta3 or ram")
            );
        }
        None if persistent => class = Some("default"),
        None => {}
    }
    let class = class.map(|class| ("class".to_owned(), class.to_owned()));
    Ok(class.into_iter().chain([("persistent".to_owned(), persistent.to_string())]).collect())
}

fn gpu(at: &Cursor<'_>) -> Result<(u64, Vec<String>), SdlError> {
    let fields = at.fields(&["units", "attributes"])?;
    let units = fields.require("units", "write how many: `units: 1`")?.number(0, MAX_GPU)?;
    let attributes = fields.get("attributes");
    match (units, attributes) {
        (0, None) => Ok((0, Vec::new())),
        (0, Some(attributes)) => Err(attributes.fail("attributes of no GPU", "set `units` above 0 or remove this")),
        (_, None) => Err(at.fail("GPU without vendor", "add `attributes: {vendor: {nvidia: [{model: a100}]}}`")),
        (_, Some(attributes)) => Ok((units, gpu_attributes(attributes)?)),
    }
}

fn gpu_attributes(at: &Cursor<'_>) -> Result<Vec<String>, SdlError> {
    let fields = at.fields(&["vendor"])?;
    let vendors = fields.require("vendor", "write `vendor: {nvidia: [{model: a100}]}`")?;
    let mut keys = BTreeSet::new();
    for (vendor, models) in vendors.entries()? {
        if !GPU_VENDORS.contains(&vendor.text.as_str()) {
            let cause = format!("no GPU vendor `{}`", vendor.text);
            return Err(SdlError::new(vendor.at, &models.path, cause, "write nvidia, amd or intel"));
        }
        let models = models.list()?;
        if models.is_empty() {
            keys.insert(format!("vendor/{}/model/*", vendor.text));
        }
        for model in &models {
            if !keys.insert(gpu_model(&vendor.text, model)?) {
                return Err(model.fail("the same GPU twice", "keep one of the two"));
            }
        }
    }
    if keys.is_empty() {
        return Err(vendors.fail("no vendor", "write nvidia, amd or intel"));
    }
    Ok(keys.into_iter().collect())
}

fn gpu_model(vendor: &str, at: &Cursor<'_>) -> Result<String, SdlError> {
    let fields = at.fields(&["model", "ram", "interface"])?;
    let model = fields.get("model").map_or(Ok("*"), Cursor::text)?;
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._*".contains(&byte);
    if model.is_empty() || model.len() > 64 || !model.bytes().all(word) {
        return Err(at.fail(format!("`{model}` is no GPU model"), "write it as providers do: `a100`, `rtx4090`"));
    }
    let mut key = format!("vendor/{vendor}/model/{model}");
    if let Some(ram) = fields.get("ram") {
        let text = ram.text()?;
        let digits = text.strip_suffix("Gi").filter(|digits| !digits.starts_with('0') && digits.parse::<u16>().is_ok());
        if digits.is_none() {
            return Err(ram.fail(format!("`{text}` is no GPU memory"), "write whole gibibytes: `80Gi`"));
        }
        key = format!("{key}/ram/{text}");
    }
    if let Some(interface) = fields.get("interface") {
        let name = interface.text()?.to_ascii_lowercase();
        // Akash files name the module form factor by its generation.
        let name = if name.starts_with("sxm") { "sxm" } else { name.as_str() };
        if !["pcie", "sxm"].contains(&name) {
            return Err(interface.fail(format!("no GPU interface `{name}`"), "write pcie or sxm"));
        }
        key = format!("{key}/interface/{name}");
    }
    Ok(key)
}
