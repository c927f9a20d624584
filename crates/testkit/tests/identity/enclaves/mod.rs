//! Enclaves, their health and the committees drawn from them, through the whole application. Invariants of all modules
//! are checked after every block.

mod committees;
mod hardware;
mod health;
mod registration;
mod support;
