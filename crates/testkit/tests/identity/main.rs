//! Encryption, roles, identities and factors through the whole application. Invariants of all modules are checked after
//! every block.

mod account_states;
mod attesters;
mod audit;
mod enclaves;
mod encryption;
mod mfa;
mod roles;
mod veid;
