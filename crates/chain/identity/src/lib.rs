//! Who may read what: keys that data is sealed to.

pub mod attester;
pub mod audit;
pub mod encryption;
pub mod mfa;
pub mod roles;
pub mod veid;
