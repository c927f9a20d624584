//! The modules that every Cosmos chain has: accounts and who may act or pay for them, balances, stake
//! and what it earns.

pub mod admission;
pub mod auth;
pub mod authz;
pub mod bank;
pub mod consensus;
pub mod distribution;
pub mod evidence;
pub mod feegrant;
pub mod feemarket;
pub mod gov;
pub mod mint;
pub mod performance;
pub mod slashing;
pub mod staking;
pub mod upgrade;
pub mod vesting;
