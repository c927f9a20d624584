//! The provider's daemon: sells a machine's capacity on the chain and runs what customers lease.

pub mod admin;
pub mod backend;
pub mod bids;
pub mod chain;
pub mod config;
pub mod daemon;
pub mod db;
pub mod desk;
pub mod fit;
pub mod gateway;
pub mod lease;
pub mod metrics;
pub mod model;
pub mod prices;
pub mod pricing;
pub mod queue;
pub mod reconcile;
pub mod revoked;
pub mod seal;
pub mod work;

#[cfg(test)]
mod testing;
