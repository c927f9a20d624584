//! The modules of the base chain through the whole application. Invariants of all modules are checked after every block.

mod authorizations;
mod evidence;
mod fee_allowances;
mod gas_price;
mod genesis;
mod governance;
mod inflation;
mod mempool;
mod modules;
mod quotas;
mod slashing;
mod staking;
mod transfers;
mod unordered;
mod upgrades;
mod vesting;
