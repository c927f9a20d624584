use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use ve_client::gateway::token::{Access, Claims, Scope, Subject};

use super::peer::PeerCertificate;
use super::server::Connection;
use super::{GatewayError, Shared};

/// Paths that answer without a certificate.
const OPEN: [&str; 3] = ["/version", "/address", "/status"];

/// The account behind a request.
#[derive(Clone)]
pub(super) struct Caller {
    credential: Credential,
}

/// How the account was proven.
#[derive(Clone)]
enum Credential {
    Certificate(Arc<PeerCertificate>),
    Token(Arc<Claims>),
}

impl Caller {
    pub(super) fn owner(&self) -> &str {
        match &self.credential {
            Credential::Certificate(certificate) => &certificate.owner,
            Credential::Token(claims) => &claims.iss,
        }
    }

    /// What the credential is called, for the audit log.
    pub(super) fn credential(&self) -> String {
        match &self.credential {
            Credential::Certificate(certificate) => format!("certificate {}", certificate.serial),
            Credential::Token(claims) => format!("token {}", claims.jti),
        }
    }

    /// Whether the credential opens this. A certificate opens everything of its account.
    pub(super) fn may(&self, provider: &str, scope: Scope, subject: &Subject<'_>) -> Result<(), GatewayError> {
        match &self.credential {
            Credential::Certificate(_) => Ok(()),
            Credential::Token(claims) if claims.allows(provider, scope, subject) => Ok(()),
            Credential::Token(_) => Err(GatewayError::OutOfScope(scope)),
        }
    }

    /// Whether the credential stands for the account without restriction.
    pub(super) fn is_whole(&self) -> bool {
        match &self.credential {
            Credential::Certificate(_) => true,
            Credential::Token(claims) => claims.leases.access == Access::Full,
        }
    }
}

/// Stands before every route: limits, credential, and time.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let Some(connection) = request.extensions().get::<Connection>().cloned() else {
        return GatewayError::Internal("request without connection".to_owned()).into_response();
    };
    let admitted = if OPEN.contains(&request.uri().path()) {
        shared.counters.addresses.take(connection.address, Instant::now())
    } else {
        match bearer(request.headers()) {
            Some(token) => shared.admit_token(&connection, &token).await,
            None => shared.admit(&connection).await,
        }
        .map(|caller| {
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

/// The token of an `Authorization` header; a header of another kind is a token that nobody can read.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let token = value.get(..7).filter(|kind| kind.eq_ignore_ascii_case("bearer ")).map(|_| &value[7..]);
    Some(token.unwrap_or_default().trim().to_owned())
}

impl Shared {
    async fn admit(&self, connection: &Connection) -> Result<Caller, GatewayError> {
        let now = Instant::now();
        let Some(certificate) = connection.certificate.clone() else {
            self.counters.addresses.take(connection.address, now)?;
            return Err(GatewayError::Unauthenticated("no client certificate and no token was shown".to_owned()));
        };
        if !self.authenticator.is_cached(&certificate) {
            // Anyone can make certificates; each costs a query, so they count
            // against the address until the chain vouches for one.
            self.counters.addresses.take(connection.address, now)?;
        }
        self.authenticator.check(&certificate).await?;
        self.counters.accounts.take(certificate.owner.clone(), now)?;
        Ok(Caller { credential: Credential::Certificate(certificate) })
    }

    async fn admit_token(&self, connection: &Connection, text: &str) -> Result<Caller, GatewayError> {
        let now = Instant::now();
        let token = match self.tokens.read(text) {
            Ok(token) => token,
            Err(error) => {
                self.counters.addresses.take(connection.address, now)?;
                return Err(error);
            }
        };
        if !self.tokens.is_cached(&token.claims.iss) {
            self.counters.addresses.take(connection.address, now)?;
        }
        let claims = match self.tokens.check(token).await {
            Ok(claims) => claims,
            Err(error) => {
                // A forged token names an account that must not pay for it.
                self.counters.addresses.take(connection.address, now)?;
                return Err(error);
            }
        };
        self.counters.accounts.take(claims.iss.clone(), now)?;
        Ok(Caller { credential: Credential::Token(Arc::new(claims)) })
    }

    /// Whether the credential is still good. A token opens; what it opened may outlast its time, not its revocation.
    pub(super) async fn still_good(&self, caller: &Caller) -> Result<(), GatewayError> {
        match &caller.credential {
            Credential::Certificate(certificate) => self.authenticator.check(certificate).await,
            Credential::Token(claims) => self.tokens.not_revoked(claims).await,
        }
    }
}
