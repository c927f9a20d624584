//! Deployment files: SDL versions 2.0 and 2.1 (marketplace spec section 12). Files written for Akash parse unchanged
//! except for their denominations, which [`convert`] rewrites. Every refusal names line, column, field and remedy.

mod check;
mod convert;
mod cursor;
mod error;
mod expose;
mod model;
mod placement;
mod quantity;
mod resources;
mod service;
mod yaml;

pub use convert::{Converted, convert};
pub use error::{Position, SdlError};
pub use model::*;
pub use yaml::MAX_BYTES;

use cursor::Cursor;

/// Reads and checks a deployment file.
pub fn parse(text: &str) -> Result<Sdl, SdlError> {
    let root = yaml::read(text)?;
    let root = Cursor { node: &root, path: String::new() };
    let fields = root.fields(&["version", "services", "profiles", "deployment", "endpoints", "reclamation"])?;
    let version = version(fields.require("version", "add `version: \"2.0\"` at the top")?)?;
    let reclamation_min_window = match fields.get("reclamation") {
        Some(block) if version < Version::V2_1 => {
            return Err(block.fail("`reclamation` needs version 2.1", "set `version: \"2.1\"` or remove it"));
        }
        Some(block) => Some(reclamation(block)?),
        None => None,
    };
    let endpoints = placement::endpoints(fields.get("endpoints"))?;
    let services_at = fields.require("services", "describe at least one service")?;
    let services = service::services(services_at)?;
    let profiles = fields.require("profiles", "add `profiles` with `compute` and `placement`")?;
    let parts = profiles.fields(&["compute", "placement"])?;
    let compute = resources::profiles(parts.require("compute", "describe at least one compute profile")?)?;
    let placements = placement::placements(parts.require("placement", "describe at least one placement")?)?;
    let deployment_at = fields.require("deployment", "say which service runs in which placement")?;
    let deployment = placement::deployment(deployment_at)?;
    let sdl = Sdl { version, services, compute, placements, deployment, endpoints, reclamation_min_window };
    check::references(&sdl, &root)?;
    Ok(sdl)
}

fn version(at: &Cursor<'_>) -> Result<Version, SdlError> {
    match at.text()? {
        "2.0" => Ok(Version::V2_0),
        "2.1" => Ok(Version::V2_1),
        other => Err(at.fail(format!("version {other} is not known"), "write \"2.0\" or \"2.1\"")),
    }
}

/// `[1-9][0-9]*(s|m|h)` in seconds.
fn reclamation(block: &Cursor<'_>) -> Result<u64, SdlError> {
    let fields = block.fields(&["min_window"])?;
    let at = fields.require("min_window", "add for example `min_window: 24h`")?;
    let text = at.text()?;
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        _ => 0,
    };
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(unit));
    seconds
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| at.fail(format!("`{text}` is not a duration"), "write a whole number and s, m or h: `24h`"))
}

/// `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 characters: usable as a host name.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|byte| *byte != b'-')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}
