//! `profiles.placement`, `deployment` and `endpoints`: where, for how much, how often.

use std::collections::{BTreeMap, BTreeSet};

use ve_base::{Amount, Dec, Rounding};

use super::cursor::Cursor;
use super::error::SdlError;
use super::model::{Deploy, Placement, Price};

/// Denominations in which providers are paid.
pub(super) const DENOMS: [&str; 2] = ["uve", "uvcc"];
/// Seconds that a spec block stands for.
const BLOCK_SECONDS: u64 = 5;
const MAX_COUNT: u32 = 50;
const MAX_ATTRIBUTES: usize = 128;

pub(super) fn placements(at: &Cursor<'_>) -> Result<BTreeMap<String, Placement>, SdlError> {
    let mut placements = BTreeMap::new();
    for (name, value) in at.entries()? {
        placements.insert(name.text.clone(), placement(&value)?);
    }
    if placements.is_empty() {
        return Err(at.fail("no placement", "describe at least one"));
    }
    Ok(placements)
}

fn placement(at: &Cursor<'_>) -> Result<Placement, SdlError> {
    let fields = at.fields(&["attributes", "signedBy", "pricing"])?;
    let (mut signed_by_all, mut signed_by_any) = (Vec::new(), Vec::new());
    if let Some(block) = fields.get("signedBy") {
        let parts = block.fields(&["allOf", "anyOf"])?;
        signed_by_all = parts.texts("allOf")?;
        signed_by_any = parts.texts("anyOf")?;
    }
    let mut pricing = BTreeMap::new();
    for (profile, value) in fields.require("pricing", "add the highest price of each profile")?.entries()? {
        pricing.insert(profile.text.clone(), price(&value)?);
    }
    let attributes = fields.get("attributes").map_or(Ok(Vec::new()), attributes)?;
    Ok(Placement { attributes, signed_by_all, signed_by_any, pricing })
}

fn attributes(at: &Cursor<'_>) -> Result<Vec<(String, String)>, SdlError> {
    let mut attributes = BTreeMap::new();
    for (key, value) in at.entries()? {
        let bare = key.text.strip_suffix('*').unwrap_or(&key.text);
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.-".contains(&byte);
        let shaped = bare.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !shaped || !(2..=127).contains(&key.text.len()) || !bare.bytes().all(word) {
            let remedy = "2 to 127 letters, digits, `_`, `/`, `.` or `-`, starting with a letter; `*` only at the end";
            return Err(SdlError::new(key.at, &value.path, format!("`{}` is no attribute key", key.text), remedy));
        }
        let text = value.text()?;
        if text.len() > 256 {
            return Err(value.fail("an attribute value beyond 256 bytes", "shorten it"));
        }
        attributes.insert(key.text.clone(), text.to_owned());
    }
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(at.fail(format!("more than {MAX_ATTRIBUTES} attributes"), "ask for fewer"));
    }
    Ok(attributes.into_iter().collect())
}

fn price(at: &Cursor<'_>) -> Result<Price, SdlError> {
    let fields = at.fields(&["denom", "amount", "pricing_unit"])?;
    let denom = fields.require("denom", "write `denom: uve`")?;
    if !DENOMS.contains(&denom.text()?) {
        let remedy = match denom.text()? {
            "uakt" | "uact" => "write uve; `virtengine sdl convert` rewrites Akash files",
            _ => "write uve or uvcc",
        };
        return Err(denom.fail(format!("`{}` is not money on this chain", denom.text()?), remedy));
    }
    let amount = fields.require("amount", "write the highest price of a replica")?;
    let parsed = amount.text()?.parse::<Dec>().ok().filter(|price| !price.is_zero() && !price.is_negative());
    let remedy = "write a positive number with at most 18 decimals";
    let parsed = parsed.ok_or_else(|| amount.fail(format!("`{}` is no price", amount.text().unwrap_or("")), remedy))?;
    let seconds = match fields.get("pricing_unit").map(|unit| unit.text().map(|text| (unit, text))).transpose()? {
        None | Some((_, "block")) => BLOCK_SECONDS,
        Some((_, "hour")) => 3_600,
        Some((_, "month")) => 2_592_000,
        Some((unit, other)) => return Err(unit.fail(format!("no unit `{other}`"), "write block, hour or month")),
    };
    let per_block = parsed
        .mul_int(Amount::from(BLOCK_SECONDS))
        .and_then(|price| price.quo_int(Amount::from(seconds), Rounding::Truncate))
        .ok()
        .filter(|price| !price.is_zero())
        .ok_or_else(|| amount.fail("the price per block is out of range", remedy))?;
    Ok(Price { denom: denom.text()?.to_owned(), amount: per_block })
}

pub(super) type Deployment = BTreeMap<String, BTreeMap<String, Deploy>>;

pub(super) fn deployment(at: &Cursor<'_>) -> Result<Deployment, SdlError> {
    let mut deployment = BTreeMap::new();
    for (service, value) in at.entries()? {
        let mut placements = BTreeMap::new();
        for (placement, value) in value.entries()? {
            let fields = value.fields(&["profile", "count"])?;
            let profile = fields.require("profile", "name a compute profile")?.text()?.to_owned();
            let count = fields.require("count", "say how many replicas: `count: 1`")?.number(1, MAX_COUNT)?;
            placements.insert(placement.text.clone(), Deploy { profile, count });
        }
        if placements.is_empty() {
            return Err(value.fail("no placement", "name a placement with `profile` and `count`"));
        }
        deployment.insert(service.text.clone(), placements);
    }
    if deployment.is_empty() {
        return Err(at.fail("nothing is deployed", "name a service, a placement, `profile` and `count`"));
    }
    Ok(deployment)
}

/// `^[a-z]+[-_0-9a-z]+$`, kind ip; numbered from 1 in the order of names.
pub(super) fn endpoints(at: Option<&Cursor<'_>>) -> Result<BTreeMap<String, u32>, SdlError> {
    let Some(at) = at else { return Ok(BTreeMap::new()) };
    let mut names = BTreeSet::new();
    for (name, value) in at.entries()? {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let shaped = name.text.len() >= 2 && name.text.as_bytes()[0].is_ascii_lowercase();
        if !shaped || name.text.len() > 63 || !name.text.bytes().all(word) {
            let remedy = "use two or more lower-case letters, digits, `-` and `_`, starting with a letter";
            return Err(SdlError::new(name.at, &value.path, format!("`{}` is no endpoint name", name.text), remedy));
        }
        let kind_at = value.fields(&["kind"])?;
        let kind = kind_at.require("kind", "write `kind: ip`")?;
        if kind.text()? != "ip" {
            return Err(kind.fail(format!("no endpoint kind `{}`", kind.text()?), "write ip"));
        }
        names.insert(name.text.clone());
    }
    Ok(names.into_iter().zip(1..).collect())
}
