mod clients;
mod draws;
mod faults;
mod gate;
mod lifecycle;
mod matrix;
mod params;
mod tier;
mod wallets;

use std::sync::Arc;

use ve_base::BlockTime;
use ve_sdk::context::{BlockInfo, Mode, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::hooks::Hooks;
use ve_sdk::{Context, Module, Registry};
use ve_store::MemoryState;

/// Block time of [`with_context`].
const NOW: u64 = 1_800_000_000;

/// Runs `body` in a block of an empty chain of which this is the only module. Gas is almost spent.
fn with_context<T>(body: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let modules: Vec<Box<dyn Module>> = vec![Box::new(super::Veid)];
    let registry = Registry::build(&modules, Hooks::default()).expect("it registers");
    let seconds = i64::try_from(NOW).expect("a time");
    let block = BlockInfo {
        chain_id: "ve-test-1".into(),
        time: BlockTime { seconds, nanos: 0 },
        height: 10,
        ..BlockInfo::default()
    };
    let mut state = State::new(Arc::new(MemoryState::new()));
    let mut ctx = Context::new(&mut state, &block, &registry, GasMeter::with_limit(10), Mode::Deliver);
    body(&mut ctx)
}
