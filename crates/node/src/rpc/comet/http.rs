//! POST with single requests and batches, GET with parameters in the URL, and the WebSocket entry.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State, ws::WebSocketUpgrade},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};

use super::{
    Comet, MAX_BODY_BYTES,
    envelope::{self, Request, RpcError, answer},
    methods,
    params::Params,
    ws,
};

/// The JSON-RPC port's routes. Browser wallets call it from any origin; there are no cookies or credentials.
pub fn router(comet: Arc<Comet>) -> Router {
    Router::new()
        .route("/", get(index).post(post))
        .route("/websocket", get(upgrade))
        .route("/{method}", get(by_url))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any))
        .with_state(comet)
}

async fn index() -> String {
    let mut text = String::from("Available endpoints:\n");
    for (method, parameters) in methods::METHODS {
        let query: Vec<String> = parameters.iter().map(|p| format!("{p}=_")).collect();
        text.push_str(&format!("/{method}{}{}\n", if query.is_empty() { "" } else { "?" }, query.join("&")));
    }
    text
}

async fn post(State(comet): State<Arc<Comet>>, body: Bytes) -> Response {
    let (requests, batch) = match envelope::parse_body(&body) {
        Ok(parsed) => parsed,
        Err(error) => return Json(answer(&Value::Null, Err(error))).into_response(),
    };
    let mut answers = Vec::new();
    let mut requests = requests.into_iter().peekable();
    while let Some(request) = requests.next() {
        match request {
            Ok(first) if is_transaction(&first) => {
                let mut all = vec![first];
                while let Some(Ok(next)) = requests.next_if(|next| next.as_ref().is_ok_and(is_transaction)) {
                    all.push(next);
                }
                answers.extend(send(&comet, all).await);
            }
            Ok(request) => answers.extend(respond(&comet, request).await),
            Err((id, error)) => answers.push(answer(&id, Err(error))),
        }
    }
    match (batch, answers.pop()) {
        // Notifications only.
        (_, None) => StatusCode::OK.into_response(),
        (false, Some(single)) => Json(single).into_response(),
        (true, Some(last)) => {
            answers.push(last);
            Json(Value::Array(answers)).into_response()
        }
    }
}

fn is_transaction(request: &Request) -> bool {
    request.id.is_some() && request.method == methods::SEND
}

/// Neighbouring transactions of a batch are checked in one go.
async fn send(comet: &Comet, requests: Vec<Request>) -> Vec<Value> {
    let (ids, params): (Vec<_>, Vec<_>) =
        requests.into_iter().map(|request| (request.id.unwrap_or_default(), request.params)).unzip();
    let names = methods::parameters(methods::SEND).unwrap_or_default();
    let params = params.into_iter().map(|params| Params::from_json(params, names)).collect();
    let results = methods::send(comet, params).await;
    ids.iter().zip(results).map(|(id, result)| answer(id, result)).collect()
}

/// Runs a request; `None` for a notification.
pub(super) async fn respond(comet: &Arc<Comet>, request: Request) -> Option<Value> {
    let id = request.id?;
    let result = run(comet, &request.method, request.params).await;
    Some(answer(&id, result))
}

async fn run(comet: &Arc<Comet>, method: &str, params: Value) -> Result<Value, RpcError> {
    let names = methods::parameters(method).ok_or_else(|| RpcError::MethodNotFound(method.to_string()))?;
    methods::call(comet, method, Params::from_json(params, names)?).await
}

async fn by_url(State(comet): State<Arc<Comet>>, Path(method): Path<String>, RawQuery(query): RawQuery) -> Response {
    // CometBFT answers URL calls with the id -1.
    let id = json!(-1);
    if methods::parameters(&method).is_none() {
        let error = RpcError::MethodNotFound(method);
        return (StatusCode::NOT_FOUND, Json(answer(&id, Err(error)))).into_response();
    }
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect::<Vec<_>>();
    let result = methods::call(&comet, &method, Params::from_url(pairs)).await;
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    (status, Json(answer(&id, result))).into_response()
}

async fn upgrade(State(comet): State<Arc<Comet>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MAX_BODY_BYTES)
        .max_frame_size(MAX_BODY_BYTES)
        .on_upgrade(move |socket| ws::connection(comet, socket))
}
