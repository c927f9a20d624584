//! Proposals from deposit to execution, through the whole application. Invariants are checked after every block.

mod parameters;
mod proposals;
mod support;
