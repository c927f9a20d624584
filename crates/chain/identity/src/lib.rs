//! Who may read what: keys that data is sealed to.

pub mod attester;
pub mod audit;
mod cbor;
pub mod enclave;
pub mod encryption;
pub mod mfa;
pub mod roles;
pub mod veid;
mod x509;
