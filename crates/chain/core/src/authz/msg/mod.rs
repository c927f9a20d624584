pub mod exec;
pub mod grant;
pub mod revoke;
