//! What every chain module is written against: the application boundary, the module shape, the context, admission.

pub mod admission;
mod app_state;
pub mod application;
pub mod context;
pub mod executor;
pub mod gas;
pub mod gate;
pub mod hooks;
pub mod json;
pub mod module;
pub mod pagination;
pub mod registry;
pub mod signers;
pub mod simulation;
pub mod steps;
pub mod transient;

pub use application::Event;
pub use context::{BlockInfo, Context, Mode, QueryContext, require_authority};
pub use module::{Invariant, Module, Permission};
pub use registry::{Registrar, Registry, type_url};
