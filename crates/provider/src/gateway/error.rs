use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ve_client::gateway::frame::{CLOSE_INTERNAL, CLOSE_NO_LEASE, CLOSE_UNAVAILABLE};
use ve_client::gateway::token::Scope;

/// Why the gateway did not do what was asked. `Display` names the cause; every
/// variant has an HTTP status, a stable code and a remedy (marketplace §13.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// 400: the request itself is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// 401: no certificate, or one that the chain does not vouch for.
    #[error("{0}")]
    Unauthenticated(String),
    /// 401: a token that is malformed, out of its time, revoked, or not the account's.
    #[error("the token is refused: {0}")]
    TokenRefused(String),
    /// 403: the token does not allow this.
    #[error("the token does not allow {}", scope_name(.0))]
    OutOfScope(Scope),
    /// 403: the lease belongs to another account.
    #[error("{0}")]
    Forbidden(String),
    /// 404: no active lease of the caller with this provider.
    #[error("{0}")]
    NoLease(String),
    /// 404: the lease is there, the thing named in it is not.
    #[error("{0}")]
    NotFound(String),
    /// 405: the path exists, the method does not.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 408: the request was not complete or not answered in time.
    #[error("{0}")]
    Timeout(String),
    /// 409: contradicts what exists, e.g. a hostname of another account.
    #[error("{0}")]
    Conflict(String),
    /// 413: body over the limit in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// 422: the manifest is refused.
    #[error("{0}")]
    InvalidManifest(String),
    /// 429: too many requests or shells.
    #[error("{message}")]
    TooMany {
        /// What there is too much of.
        message: String,
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// 503: chain, store or backend cannot answer now.
    #[error("{0}")]
    Unavailable(String),
    /// 500: a fault of the provider. The text is logged and not sent.
    #[error("{0}")]
    Internal(String),
}

/// As it is written in a token.
fn scope_name(scope: &Scope) -> String {
    serde_json::to_value(scope).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

impl GatewayError {
    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) | Self::TokenRefused(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::OutOfScope(_) => StatusCode::FORBIDDEN,
            Self::NoLease(_) | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidManifest(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable lower-case code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::Unauthenticated(_) => "certificate_refused",
            Self::TokenRefused(_) => "token_refused",
            Self::OutOfScope(_) => "out_of_scope",
            Self::Forbidden(_) => "not_yours",
            Self::NoLease(_) => "no_lease",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::Timeout(_) => "timeout",
            Self::Conflict(_) => "conflict",
            Self::TooLarge(_) => "too_large",
            Self::InvalidManifest(_) => "invalid_manifest",
            Self::TooMany { .. } => "too_many",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// What the caller can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "correct the request; the error names the part",
            Self::Unauthenticated(_) => {
                "connect with a certificate that its owner has registered on chain, that is \
                 neither revoked nor expired"
            }
            Self::TokenRefused(_) => "sign a new token with the key of the account, for this provider",
            Self::OutOfScope(_) => "use a token that names this scope, deployment and service, or the certificate",
            Self::Forbidden(_) => "use the certificate of the account that owns the lease",
            Self::NoLease(_) => "check dseq, gseq, oseq, and on chain that the lease is active with this provider",
            Self::NotFound(_) => "read the lease's status for the names that exist",
            Self::MethodNotAllowed(_) => "use the method documented for this path",
            Self::Timeout(_) => "try again",
            Self::Conflict(_) => "resolve what the error names, then send it again",
            Self::TooLarge(_) => "send a smaller body",
            Self::InvalidManifest(_) => "send the manifest whose hash is on chain for this deployment",
            Self::TooMany { .. } => "wait as long as Retry-After says",
            Self::Unavailable(_) => "try again in a few seconds",
            Self::Internal(_) => "try again; if it persists, tell the provider the time of the call",
        }
    }

    /// Text that may be shown to the caller: internal faults are not spelled out,
    /// they could quote what belongs to others.
    pub fn public_message(&self) -> String {
        match self {
            Self::Internal(_) => "the provider failed to do this".to_owned(),
            other => other.to_string(),
        }
    }

    /// WebSocket close code: 4001 no lease, 4002 unavailable, 4000 everything else.
    pub fn close_code(&self) -> u16 {
        match self {
            Self::NoLease(_)
            | Self::Unauthenticated(_)
            | Self::TokenRefused(_)
            | Self::OutOfScope(_)
            | Self::Forbidden(_) => CLOSE_NO_LEASE,
            Self::Unavailable(_) | Self::NotFound(_) | Self::TooMany { .. } => CLOSE_UNAVAILABLE,
            _ => CLOSE_INTERNAL,
        }
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(cause, "gateway request failed");
        }
        let body = serde_json::json!({
            "code": self.code(),
            "error": self.public_message(),
            "remedy": self.remedy(),
        });
        let mut response = (self.status(), Json(body)).into_response();
        if let Self::TooMany { retry_after, .. } = &self {
            let seconds = retry_after.as_secs().max(1);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
