//! The application: the one table of modules, hooks, the admission order, and the `Application` that consensus drives.

mod admission;
mod application;
mod base_state;
mod block;
mod hooks;
mod modules;
mod query;
mod snapshots;
mod upgrades;

pub use application::{App, Options};
pub use modules::modules;
pub use snapshots::SnapshotOptions;
pub use upgrades::{Release, Upgrade};

/// A registry of all modules with their hooks, for tools that need the tables without a store (CLI, docs, tests).
pub fn registry() -> Result<ve_sdk::Registry, String> {
    ve_sdk::Registry::build(&modules(), hooks::hooks())
}
