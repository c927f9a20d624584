//! The modules that every Cosmos chain has: accounts, balances and stake.

pub mod auth;
pub mod bank;
pub mod staking;
