//! REST: every method with a `google.api.http` annotation, transcoded through the descriptors (platform spec 2.3).

mod decimals;
mod decode;
mod encode;
mod handler;
mod openapi;
mod routes;

#[cfg(test)]
mod encode_tests;
#[cfg(test)]
mod rest_tests;
#[cfg(test)]
mod routes_tests;

pub use self::handler::router;
pub use self::routes::{Route, RouteTable, Verb};

/// Connections of the REST port.
pub const MAX_CONNECTIONS: usize = 900;
/// Largest request body, in bytes.
pub const MAX_BODY_BYTES: usize = super::MAX_BODY_BYTES;
