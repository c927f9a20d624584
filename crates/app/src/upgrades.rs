//! What this release is, and how it takes over the state of an earlier one. Everything happens in the overlay of one
//! block, so state is migrated whole or not at all (incident C10).

use std::collections::BTreeMap;

use ve_base::CodedError;
use ve_chain_core::upgrade::{self, Due};
use ve_proto::cosmos::upgrade::v1beta1::Plan;
use ve_sdk::application::{Event, Fatal, UpgradeNeeded};
use ve_sdk::context::{BlockInfo, Context, Mode, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::hooks::Hooks;
use ve_sdk::module::Module;
use ve_store::{Read, Write};

use crate::application::{App, fatal, lock};
use crate::{hooks, modules};

/// An upgrade that a release knows how to make: the name of its plan, and what it does beside the migrations of modules.
pub struct Upgrade {
    pub name: &'static str,
    pub run: fn(&mut Context<'_>) -> Result<(), CodedError>,
}

/// The parts of the application that change from release to release.
pub struct Release {
    pub modules: Vec<Box<dyn Module>>,
    pub hooks: Hooks,
    /// Upgrades that lead to this release; state of older ones needs the releases between.
    pub upgrades: Vec<Upgrade>,
}

impl Release {
    /// This one. No chain of an earlier release exists, so no upgrade leads here.
    pub fn current() -> Self {
        Self { modules: modules::modules(), hooks: hooks::hooks(), upgrades: Vec::new() }
    }
}

/// Before anything else happens in a block: goes on, migrates, or stops for another release.
pub(crate) fn prepare(app: &App, state: &mut State, block: &BlockInfo) -> Result<Vec<Event>, Fatal> {
    let mut ctx = Context::new(state, block, &app.registry, GasMeter::unlimited(), Mode::Deliver);
    let result = step(app, &mut ctx);
    if let Some(error) = ctx.take_fatal() {
        return Err(fatal(error));
    }
    result?;
    Ok(ctx.take_events())
}

fn step(app: &App, ctx: &mut Context<'_>) -> Result<(), Fatal> {
    let refused = |error: CodedError| Fatal(error.log);
    let versions = upgrade::versions(ctx).map_err(refused)?;
    match upgrade::due(ctx).map_err(refused)? {
        Due::Now(plan) => match app.upgrades.iter().find(|upgrade| upgrade.name == plan.name) {
            Some(upgrade) => migrate(app, ctx, &versions, upgrade, &plan),
            None => Err(halt(app, ctx.height(), plan)),
        },
        Due::Later(plan) if app.upgrades.iter().any(|upgrade| upgrade.name == plan.name) => Err(Fatal(format!(
            "BINARY UPDATED BEFORE TRIGGER! This release makes the upgrade {:?}, which is planned but not due; run the \
             earlier release until then",
            plan.name
        ))),
        _ => same_versions(app, &versions),
    }
}

/// State of another release would be read wrongly: neither an earlier nor a later one may go on with it.
fn same_versions(app: &App, versions: &BTreeMap<String, u64>) -> Result<(), Fatal> {
    let ours = app.registry.module_versions();
    if versions.iter().map(|(name, version)| (name.as_str(), *version)).eq(ours.iter().map(|(n, v)| (*n, *v))) {
        return Ok(());
    }
    let differs = |name: &str| versions.get(name) != ours.get(name);
    let name = versions.keys().map(String::as_str).chain(ours.keys().copied()).find(|name| differs(name));
    let name = name.unwrap_or_default();
    Err(Fatal(format!(
        "the state of module {name} has version {:?}, this release has {:?}; run the release that the last upgrade needs",
        versions.get(name),
        ours.get(name)
    )))
}

fn halt(app: &App, height: u64, plan: Plan) -> Fatal {
    let needed = UpgradeNeeded { name: plan.name, height, info: plan.info };
    let text = needed.to_string();
    *lock(&app.halted) = Some(needed);
    Fatal(text)
}

fn migrate(
    app: &App,
    ctx: &mut Context<'_>,
    versions: &BTreeMap<String, u64>,
    upgrade: &Upgrade,
    plan: &Plan,
) -> Result<(), Fatal> {
    let failed = |what: &str, error: CodedError| Fatal(format!("upgrade {:?}: {what}: {}", plan.name, error.log));
    for module in &app.modules {
        let (name, version) = (module.name(), module.version());
        match versions.get(name) {
            None => {
                let updates =
                    module.init_genesis(ctx, &module.default_genesis()).map_err(|error| failed(name, error))?;
                if !updates.is_empty() {
                    return Err(Fatal(format!("upgrade {:?}: module {name} brings validators", plan.name)));
                }
            }
            Some(from) if *from > version => {
                return Err(Fatal(format!("upgrade {:?}: module {name} would go back to {version}", plan.name)));
            }
            Some(from) => {
                for from in *from..version {
                    module.migrate(ctx, from).map_err(|error| failed(name, error))?;
                }
            }
        }
        upgrade::record_version(ctx, name, version).map_err(|error| failed(name, error))?;
    }
    for gone in versions.keys().filter(|name| !app.registry.module_versions().contains_key(name.as_str())) {
        remove_module(ctx, gone).map_err(|error| failed(gone, error))?;
    }
    (upgrade.run)(ctx).map_err(|error| failed("its own part", error))?;
    upgrade::complete(ctx, plan).map_err(|error| failed("its record", error))
}

/// Deletes everything that a module kept, which the new release does not have any more.
fn remove_module(ctx: &mut Context<'_>, name: &str) -> Result<(), CodedError> {
    let mut start = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
    start.extend_from_slice(name.as_bytes());
    let keys: Vec<Vec<u8>> = ctx
        .range(&start, None, false)
        .map(|entry| entry.map(|(key, _)| key))
        .take_while(|key| key.as_ref().map_or(true, |key| key.starts_with(&start)))
        .collect::<Result<_, _>>()?;
    for key in keys {
        ctx.delete(&key)?;
    }
    upgrade::forget_version(ctx, name)
}
