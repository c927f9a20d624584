//! Trust scores in integers: the same features and the same model give the same score on every machine.
//!
//! A committee turns sealed evidence into [`Features`], 64 numbers of basis points; [`score`] turns those into 0..=100
//! with a [`Model`], either the fixed formulas [`c1`] or a trained monotone network [`tsm`], and lowers the result by
//! the [`caps`]. [`composite`] joins that with the components and extras of the account's other evidence to the score
//! that gates actions; [`agreement`] makes one vector of those of a committee. Everything here is pure: no input or output, no clock, no float. Arithmetic stays in `u64` and `i64`
//! whose ranges the loaders have checked; a basis point value never exceeds [`BP`].

pub mod agreement;
pub mod c1;
pub mod caps;
pub mod composite;
pub mod features;
pub mod manifest;
pub mod proofs;
pub mod reason;
mod scorer;
#[cfg(test)]
#[path = "testing_tests.rs"]
mod testing;
pub mod tsm;

pub use caps::{Findings, Rules};
pub use features::{Features, SchemaError};
pub use reason::Reason;
pub use scorer::{Contribution, Model, ScoreOutcome, Scorer, TIERS, score};

/// One whole in basis points.
pub const BP: u64 = 10_000;
