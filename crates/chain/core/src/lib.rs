//! The modules that every Cosmos chain has: accounts and balances.

pub mod auth;
pub mod bank;
