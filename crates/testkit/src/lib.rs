//! For tests only: the real application without a network, driven block by block.

pub mod chain;
pub mod committee;
pub mod release;
pub mod simulation;
pub mod veid;
