//! gRPC and gRPC-web on one port (platform spec 2.2). Requests are routed by path as bytes: the application and
//! [`Services`](super::services::Services) decode them, so a new query needs nothing here.

mod codec;
mod unary;

#[cfg(test)]
mod grpc_tests;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, Request},
};
use tonic::{body::Body, service::Routes};
use tonic_reflection::server::Builder;
use tonic_web::GrpcWebLayer;
use tower_http::cors::{Any, CorsLayer};
use ve_proto::DESCRIPTOR_SET;

use super::services::{HEIGHT_HEADER, Services};

/// Connections of the gRPC port.
pub const MAX_CONNECTIONS: usize = 900;
/// Largest request message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Every query, the node's own services, and reflection (v1 and v1alpha).
pub fn router(services: Arc<Services>) -> Result<Router, tonic_reflection::server::Error> {
    let reflection = || Builder::configure().register_encoded_file_descriptor_set(DESCRIPTOR_SET);
    let routes = Routes::new(reflection().build_v1()?).add_service(reflection().build_v1alpha()?);
    let queries = move |request: Request<axum::body::Body>| {
        let services = services.clone();
        async move { unary::answer(services, request.map(Body::new)).await.map(axum::body::Body::new) }
    };
    let exposed = ["grpc-status", "grpc-message", "grpc-status-details-bin", HEIGHT_HEADER];
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any)
        .expose_headers(exposed.map(HeaderName::from_static));
    Ok(routes.into_axum_router().fallback(queries).layer(GrpcWebLayer::new()).layer(cors))
}
