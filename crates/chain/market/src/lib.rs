//! The cloud marketplace: who sells, with which certificates people and gateways recognise each other, and the one order
//! book from deployment to lease and resource.

pub mod cert;
pub mod deployment;
pub mod provider;
mod text;
