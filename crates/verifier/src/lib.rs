//! Evidence services: what turns a person's evidence into features that can be scored.
//!
//! An [`Extract`] reads one kind of structured evidence. All of it comes from strangers: every extractor has a limit on
//! its input, refuses what it does not understand, and never panics. What it reads of a person stays in [`Field`]s that
//! are not printed by accident.

pub mod aamva;
pub mod attestation;
mod date;
pub mod device;
mod extract;
pub mod mrz;
pub mod worker;

/// The scorer, for programs that show or use what it says.
pub use ve_inference as inference;

pub use date::Date;
pub use extract::{Circumstances, Evidence, Extract, ExtractError, Extraction, Field, Value};
