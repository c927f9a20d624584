use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, FromRequestParts, Path, Request, State};
use axum::http::{StatusCode, header, request::Parts};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use ve_client::gateway::token::{Scope, Subject};

use super::guard::{Caller, guard};
use super::params::{Params, service_name};
use super::server::Connection;
use super::session::{LeaseKey, Session};
use super::{GatewayError, Shared, shell, streams};

/// Largest WebSocket message taken from a client, bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// Of a body over the limit, so much is read and thrown away, for the client to
/// finish sending and see the answer.
const MAX_DRAIN: usize = 4 << 20;

type Answer<T = Response> = Result<T, GatewayError>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let lease = Router::new()
        .route("/manifest", get(manifest))
        .route("/status", get(lease_status))
        .route("/service/{service}/status", get(service_status))
        .route("/logs", get(logs))
        .route("/kubeevents", get(events))
        .route("/shell", get(open_shell))
        .route("/restart", post(restart));
    Router::new()
        .route("/version", get(version))
        .route("/address", get(address))
        .route("/status", get(status))
        .route("/deployment/{dseq}/manifest", put(put_manifest))
        .route("/token/{jti}/revoke", post(revoke))
        .nest("/lease/{dseq}/{gseq}/{oseq}", lease)
        .fallback(async || GatewayError::NotFound("there is nothing at this path".to_owned()))
        .method_not_allowed_fallback(async || GatewayError::MethodNotAllowed("this path has another method".to_owned()))
        .layer(from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

async fn version() -> Json<Value> {
    Json(json!({ "name": "virtengine-provider", "version": env!("CARGO_PKG_VERSION") }))
}

async fn address(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "address": shared.config.provider }))
}

async fn status(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.service.status().await)
}

/// A path's parts, with a refusal in the gateway's form.
struct Parsed<T>(T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> FromRequestParts<S> for Parsed<T> {
    type Rejection = GatewayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, GatewayError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(refusal)) => {
                Err(GatewayError::BadRequest(refusal.body_text()))
            }
            Err(other) => Err(GatewayError::Internal(other.to_string())),
        }
    }
}

#[derive(Deserialize)]
struct Deployment {
    dseq: u64,
}

async fn put_manifest(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(Deployment { dseq }): Parsed<Deployment>,
    request: Request,
) -> Answer<StatusCode> {
    let subject = Subject { dseq, gseq: None, oseq: None, service: None };
    caller.may(&shared.config.provider, Scope::SendManifest, &subject)?;
    let body = read_body(request, shared.config.limits.body).await?;
    shared.service.put_manifest(caller.owner(), dseq, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read_body(request: Request<Body>, limit: usize) -> Answer<Vec<u8>> {
    let mut stream = request.into_body().into_data_stream();
    let mut body = Vec::new();
    let mut seen = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk.map_err(|_| GatewayError::BadRequest("the body ended before its end".to_owned()))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            body.extend_from_slice(&chunk);
        } else if seen > limit.saturating_add(MAX_DRAIN) {
            break;
        }
    }
    if seen > limit { Err(GatewayError::TooLarge(limit)) } else { Ok(body) }
}

async fn manifest(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(key): Parsed<LeaseKey>,
) -> Answer {
    let lease = shared.lease(&caller, key, Scope::GetManifest, None).await?;
    let text = shared.service.manifest(&lease).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn lease_status(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(key): Parsed<LeaseKey>,
) -> Answer<Json<Value>> {
    let lease = shared.lease(&caller, key, Scope::Status, None).await?;
    Ok(Json(shared.service.lease_status(&lease).await?))
}

#[derive(Deserialize)]
struct ServiceName {
    service: String,
}

async fn service_status(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(key): Parsed<LeaseKey>,
    Parsed(ServiceName { service }): Parsed<ServiceName>,
) -> Answer<Json<Value>> {
    let lease = shared.lease(&caller, key, Scope::Status, Some(&service)).await?;
    let mut status = shared.service.lease_status(&lease).await?;
    match status.get_mut("services").and_then(|services| services.get_mut(&service)) {
        Some(found) => Ok(Json(found.take())),
        None => Err(GatewayError::NotFound(format!("the lease has no service {service:?}"))),
    }
}

async fn restart(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(key): Parsed<LeaseKey>,
) -> Answer<StatusCode> {
    let lease = shared.lease(&caller, key, Scope::Restart, None).await?;
    shared.service.restart(&lease).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
struct Token {
    jti: String,
}

/// Only who stands for the whole account takes its tokens back.
async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Parsed(Token { jti }): Parsed<Token>,
) -> Answer<StatusCode> {
    if !caller.is_whole() {
        return Err(GatewayError::Forbidden("a narrowed token takes no tokens back".to_owned()));
    }
    if jti.is_empty() || jti.len() > 128 {
        return Err(GatewayError::BadRequest("jti has 1 to 128 bytes".to_owned()));
    }
    shared.service.revoke_token(caller.owner(), &jti).await?;
    tracing::info!(target: "audit", action = "token_revoke", owner = caller.owner(), jti, "a token was taken back");
    Ok(StatusCode::NO_CONTENT)
}

/// What every WebSocket route starts from.
struct Opening {
    upgrade: WebSocketUpgrade,
    params: Params,
    shared: Arc<Shared>,
    caller: Caller,
    connection: Connection,
    key: LeaseKey,
}

impl FromRequestParts<Arc<Shared>> for Opening {
    type Rejection = GatewayError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Answer<Self> {
        let Parsed(key) = Parsed::<LeaseKey>::from_request_parts(parts, shared).await?;
        let (Some(caller), Some(connection)) =
            (parts.extensions.get::<Caller>().cloned(), parts.extensions.get::<Connection>().cloned())
        else {
            return Err(GatewayError::Internal("a request without its caller".to_owned()));
        };
        let params = Params::parse(&parts.uri)?;
        let upgrade = WebSocketUpgrade::from_request_parts(parts, shared)
            .await
            .map_err(|refusal: WebSocketUpgradeRejection| {
                GatewayError::BadRequest(format!("this path takes a WebSocket: {refusal}"))
            })?
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE);
        Ok(Self { upgrade, params, shared: shared.clone(), caller, connection, key })
    }
}

impl Opening {
    /// A slot of the account for one more stream.
    fn slot(&self) -> Answer<super::limits::Slot<String>> {
        let owner = self.caller.owner().to_owned();
        self.shared.counters.streams.take(owner).ok_or_else(|| GatewayError::TooMany {
            message: format!("the account has {} streams open already", self.shared.config.limits.streams_per_account),
            retry_after: super::session::PING,
        })
    }

    fn session(self, scope: Scope, service: Option<String>) -> (WebSocketUpgrade, Session) {
        let Self { upgrade, shared, caller, connection, key, .. } = self;
        (upgrade, Session { shared, caller, connection, key, scope, service })
    }
}

async fn logs(opening: Opening) -> Answer {
    let slot = opening.slot()?;
    let service = opening.params.one("service").map(service_name).transpose()?;
    let query = opening.params.log_query()?;
    let (upgrade, session) = opening.session(Scope::Logs, service);
    Ok(upgrade.on_upgrade(move |socket| streams::logs(socket, session, query, slot)))
}

async fn events(opening: Opening) -> Answer {
    let slot = opening.slot()?;
    let follow = opening.params.flag("follow", true)?;
    let (upgrade, session) = opening.session(Scope::Events, None);
    Ok(upgrade.on_upgrade(move |socket| streams::events(socket, session, follow, slot)))
}

async fn open_shell(opening: Opening) -> Answer {
    let request = opening.params.shell()?;
    let (upgrade, session) = opening.session(Scope::Shell, Some(request.service.clone()));
    Ok(upgrade.on_upgrade(move |socket| shell::shell(socket, session, request)))
}
