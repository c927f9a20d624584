//! Genesis: `{plan, applied: [{name, height}]}`. Versions are those of the release that reads it, which writes all state.

use serde_json::{Value, json};
use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::upgrade::v1beta1::Plan;
use ve_sdk::{Context, QueryContext, json as proto_json};

use super::keys::{APPLIED, PLAN, VERSIONS};
use super::plan;

pub fn default() -> Value {
    json!({"plan": null, "applied": []})
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let invalid = |cause: &str| Error::InvalidRequest(format!("upgrade genesis: {cause}"));
    for (module, version) in ctx.registry().module_versions() {
        VERSIONS.set(ctx, *module, version)?;
    }
    for entry in genesis.get("applied").and_then(Value::as_array).into_iter().flatten() {
        let name = entry.get("name").and_then(Value::as_str).ok_or_else(|| invalid("an upgrade without name"))?;
        let height = entry.get("height").and_then(Value::as_str).and_then(|height| height.parse().ok());
        APPLIED.set(ctx, name, &height.ok_or_else(|| invalid("an upgrade without height"))?)?;
    }
    match genesis.get("plan") {
        None | Some(Value::Null) => Ok(()),
        Some(value) => {
            let planned: Plan = proto_json::from_json(value)?;
            plan::check(&planned)?;
            Ok(PLAN.set(ctx, &planned)?)
        }
    }
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut applied = Vec::new();
    for entry in APPLIED.iter(ctx) {
        let (name, height) = entry?;
        applied.push(json!({"name": name, "height": height.to_string()}));
    }
    let planned = PLAN.get(ctx)?.as_ref().map(proto_json::to_json).transpose()?;
    Ok(json!({"plan": planned, "applied": applied}))
}

pub fn check_versions(ctx: &QueryContext<'_>) -> Result<(), String> {
    let versions = plan::versions(ctx).map_err(|error| error.log)?;
    let ours = ctx.registry().module_versions();
    if versions.iter().map(|(name, version)| (name.as_str(), *version)).eq(ours.iter().map(|(n, v)| (*n, *v))) {
        return Ok(());
    }
    Err(format!("state has the module versions {versions:?}, the release {ours:?}"))
}
