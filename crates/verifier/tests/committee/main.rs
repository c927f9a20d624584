//! Workers of four members on a chain without a network: together, with a liar, with dead ones, killed in between, and
//! before evidence that was made to harm them.

#[path = "../../../testkit/tests/identity/members.rs"]
#[allow(dead_code)]
mod by_hand;
mod checkpoints;
#[path = "../../../testkit/tests/identity/kit.rs"]
#[allow(dead_code)]
mod kit;
mod members;
mod workers;
