//! Workers of four members on a chain without a network: together, with a liar, with dead ones, killed in between, and
//! before evidence that was made to harm them.

mod checkpoints;
mod members;
mod workers;
