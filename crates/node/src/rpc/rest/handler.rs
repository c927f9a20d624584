//! Serving: find the route, build the request, call the service, write the answer.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};
use ve_proto::descriptors;

use super::{
    MAX_BODY_BYTES, decode,
    encode::Encoder,
    openapi,
    routes::{Route, RouteError, RouteTable, Verb},
};
use crate::rpc::{
    services::{HEIGHT_HEADER, Reply, Services},
    status::{Code, Status},
};

/// Response header with the height that was read, as the Cosmos gateway names it.
const HEIGHT_OUT: &str = "grpc-metadata-x-cosmos-block-height";
/// Query parameters of one request.
const MAX_PARAMETERS: usize = 200;

struct Rest {
    services: Arc<Services>,
    routes: RouteTable,
    openapi: Value,
}

/// All annotated routes and `/openapi.json`. Wallets in browsers call it from any origin; it has no credentials.
pub fn router(services: Arc<Services>) -> Result<Router, RouteError> {
    let routes = RouteTable::new(descriptors())?;
    let openapi = openapi::document(&routes);
    let exposed = [HEIGHT_OUT, HEIGHT_HEADER].map(HeaderName::from_static);
    let cors = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any).expose_headers(exposed);
    Ok(Router::new()
        .route("/openapi.json", get(document))
        .fallback(call)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(cors)
        .with_state(Arc::new(Rest { services, routes, openapi })))
}

async fn document(State(rest): State<Arc<Rest>>) -> Response {
    Json(&rest.openapi).into_response()
}

async fn call(State(rest): State<Arc<Rest>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&rest, &method, &uri, &headers, &body).await {
        Ok((value, height)) => {
            let mut response = Json(value).into_response();
            response.headers_mut().insert(HEIGHT_OUT, HeaderValue::from(height));
            response
        }
        Err(status) => refused(&status),
    }
}

fn refused(status: &Status) -> Response {
    let http = StatusCode::from_u16(status.code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"code": status.code as i32, "message": status.message, "details": []});
    (http, Json(body)).into_response()
}

async fn answer(
    rest: &Rest,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Value, u64), Status> {
    let unknown = || Status::new(Code::Unimplemented, "Not Implemented");
    let verb = verb(method).ok_or_else(unknown)?;
    let (route, bound) = rest.routes.find(verb, uri.path()).ok_or_else(unknown)?;
    let mut request = match route.body.as_str() {
        "" => DynamicMessage::new(route.method.input()),
        "*" => decode::body(route.method.input(), body)?,
        field => body_field(route, field, body)?,
    };
    if route.body != "*" {
        query(&mut request, uri.query().unwrap_or_default())?;
    }
    for (field, text) in bound {
        decode::set(&mut request, &field, &text)?;
    }
    let reply = rest.services.call(&route.path(), request.encode_to_vec().into(), height(headers)?).await?;
    Ok((encode(route, &reply)?, reply.height))
}

fn encode(route: &Route, reply: &Reply) -> Result<Value, Status> {
    let message = DynamicMessage::decode(route.method.output(), reply.value.clone())
        .map_err(|e| Status::internal(format!("response of {} does not decode: {e}", route.path())))?;
    Ok(Encoder::new(descriptors()).message(&message))
}

fn verb(method: &Method) -> Option<Verb> {
    match *method {
        // A client that asks for the head only wants the same decision.
        Method::GET | Method::HEAD => Some(Verb::Get),
        Method::POST => Some(Verb::Post),
        Method::PUT => Some(Verb::Put),
        Method::DELETE => Some(Verb::Delete),
        Method::PATCH => Some(Verb::Patch),
        _ => None,
    }
}

fn body_field(route: &Route, field: &str, body: &[u8]) -> Result<DynamicMessage, Status> {
    let mut request = DynamicMessage::new(route.method.input());
    let desc = route.method.input().get_field_by_name(field);
    let desc = desc.ok_or_else(|| Status::internal(format!("{} has no body field {field}", route.path())))?;
    let prost_reflect::Kind::Message(inner) = desc.kind() else {
        return Err(Status::internal(format!("body field {field} of {} is not a message", route.path())));
    };
    request.set_field(&desc, prost_reflect::Value::Message(decode::body(inner, body)?));
    Ok(request)
}

fn query(request: &mut DynamicMessage, query: &str) -> Result<(), Status> {
    for (count, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
        if count >= MAX_PARAMETERS {
            return Err(Status::invalid(format!("more than {MAX_PARAMETERS} query parameters")));
        }
        decode::set(request, &name, &value)?;
    }
    Ok(())
}

fn height(headers: &HeaderMap) -> Result<u64, Status> {
    let Some(value) = headers.get(HEIGHT_HEADER) else { return Ok(0) };
    let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Status::invalid(format!("{HEIGHT_HEADER} is a decimal block height")))
}
