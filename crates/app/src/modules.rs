//! The one table of modules. Its order is the order of genesis, begin block and end block.

use ve_sdk::Module;

/// Every module of the chain. `cargo xtask new-module` adds a row before the marker.
pub fn modules() -> Vec<Box<dyn Module>> {
    vec![
        Box::new(ve_chain_core::auth::Auth),
        Box::new(ve_chain_core::bank::Bank),
        Box::new(ve_chain_core::staking::Staking),
        // new-module: rows above
    ]
}
