//! Validators and delegations through the whole application. Invariants are checked after every block.

mod delegations;
mod support;
mod validators;
