//! The release after the present one, for rehearsing upgrades: `cert` and `bank` have later versions, `feegrant` is gone.

use serde_json::Value;
use ve_app::{Release, Upgrade};
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};
use ve_store::Item;

/// The name of the upgrade that leads to it.
pub const NAME: &str = "v2";
/// What it keeps in the module `cert` beside what that module has now: 12 after the migrations from 1 to 2 and to 3.
pub const MARK: Item<u64> = Item::new("cert", 200);

/// Told of each step of a migration before it is made: `module from`.
pub type Step = fn(&str);

/// A module of the next release: the present one with a higher version.
struct Next {
    present: Box<dyn Module>,
    version: u64,
    step: Step,
}

impl Module for Next {
    fn name(&self) -> &'static str {
        self.present.name()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn migrate(&self, ctx: &mut Context<'_>, from: u64) -> Result<(), CodedError> {
        (self.step)(&format!("{} {from}", self.name()));
        if self.name() != "cert" {
            return Ok(());
        }
        let before = MARK.get(ctx)?.unwrap_or(0);
        Ok(MARK.set(ctx, &(before * 10 + from))?)
    }

    fn register(&self, registrar: &mut Registrar) {
        self.present.register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        self.present.accounts()
    }

    fn money_critical(&self) -> bool {
        self.present.money_critical()
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        self.present.begin_block(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        self.present.end_block(ctx)
    }

    fn default_genesis(&self) -> Value {
        self.present.default_genesis()
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        self.present.init_genesis(ctx, genesis)
    }

    fn export_genesis(&self, ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
        self.present.export_genesis(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        self.present.invariants()
    }

    fn operations(&self) -> Vec<Operation> {
        self.present.operations()
    }
}

/// `run` is the part of the upgrade beside the migrations of modules.
pub fn next(run: fn(&mut Context<'_>) -> Result<(), CodedError>, step: Step) -> Release {
    let present = Release::current();
    let later = |module: Box<dyn Module>, version| Box::new(Next { present: module, version, step }) as Box<dyn Module>;
    let modules = present.modules.into_iter().filter(|module| module.name() != "feegrant");
    let modules = modules
        .map(|module| match module.name() {
            "cert" => later(module, 3),
            "bank" => {
                let version = module.version() + 1;
                later(module, version)
            }
            _ => module,
        })
        .collect();
    Release { modules, hooks: present.hooks, upgrades: vec![Upgrade { name: NAME, run }] }
}
