//! The bytes of CometBFT 0.38: what light clients and relayers verify. Nothing here knows the consensus engine.

pub mod abci;
pub mod commit;
pub mod hash;
pub mod merkle;
pub mod parts;
pub mod validators;

#[cfg(test)]
mod vectors_tests;
