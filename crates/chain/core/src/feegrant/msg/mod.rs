pub mod grant;
pub mod prune;
pub mod revoke;
