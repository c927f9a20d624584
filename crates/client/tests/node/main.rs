//! The client against a node inside the test process.

mod events;
mod support;
mod transactions;
