use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::peer::PeerCertificate;
use super::server::Connection;
use super::{GatewayError, Shared};

/// Paths that answer without a certificate.
const OPEN: [&str; 3] = ["/version", "/address", "/status"];

/// The account behind a request.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) certificate: Arc<PeerCertificate>,
}

impl Caller {
    pub(super) fn owner(&self) -> &str {
        &self.certificate.owner
    }
}

/// Stands before every route: limits, certificate, and time.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let Some(connection) = request.extensions().get::<Connection>().cloned() else {
        return GatewayError::Internal("request without connection".to_owned()).into_response();
    };
    let admitted = if OPEN.contains(&request.uri().path()) {
        shared.counters.addresses.take(connection.address, Instant::now())
    } else {
        shared.admit(&connection).await.map(|caller| {
            request.extensions_mut().insert(caller);
        })
    };
    if let Err(error) = admitted {
        return error.into_response();
    }
    match timeout(shared.config.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => GatewayError::Timeout("the request took too long".to_owned()).into_response(),
    }
}

impl Shared {
    async fn admit(&self, connection: &Connection) -> Result<Caller, GatewayError> {
        let now = Instant::now();
        let Some(certificate) = connection.certificate.clone() else {
            self.counters.addresses.take(connection.address, now)?;
            return Err(GatewayError::Unauthenticated("no client certificate was shown".to_owned()));
        };
        if !self.authenticator.is_cached(&certificate) {
            // Anyone can make certificates; each costs a query, so they count
            // against the address until the chain vouches for one.
            self.counters.addresses.take(connection.address, now)?;
        }
        self.authenticator.check(&certificate).await?;
        self.counters.accounts.take(certificate.owner.clone(), now)?;
        Ok(Caller { certificate })
    }
}
