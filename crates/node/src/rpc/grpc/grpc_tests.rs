use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use prost::Message;
use tower::ServiceExt;
use ve_proto::{
    any::unpack,
    cosmos::{
        auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
        base::tendermint::v1beta1::{GetLatestBlockRequest, GetLatestBlockResponse},
    },
};

use crate::rpc::test_node::{self, SENDER};

const ACCOUNT: &str = "/cosmos.auth.v1beta1.Query/Account";

struct Answer {
    status: String,
    message: String,
    height: String,
    body: Vec<u8>,
}

fn frame(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((bytes.len() as u32).to_be_bytes());
    frame.extend(bytes);
    frame
}

async fn call(path: &str, message: &impl Message, height: Option<&str>) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    if let Some(height) = height {
        request = request.header("x-cosmos-block-height", height);
    }
    let (_dir, _node, _backend, services) = test_node::start();
    let router = super::router(services).expect("reflection");
    let request = request.version(axum::http::Version::HTTP_2).body(Body::from(frame(message))).expect("request");
    let response = router.oneshot(request).await.expect("infallible");
    let headers = response.headers().clone();
    let collected = response.into_body().collect().await.expect("body");
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let find = |name: &str| {
        let value = trailers.get(name).or_else(|| headers.get(name));
        value.map(|v| v.to_str().expect("text").to_string()).unwrap_or_default()
    };
    Answer {
        status: find("grpc-status"),
        message: find("grpc-message"),
        height: find("x-cosmos-block-height"),
        body: collected.to_bytes().to_vec(),
    }
}

fn account(address: &str) -> QueryAccountRequest {
    QueryAccountRequest { address: address.into() }
}

#[tokio::test]
async fn a_query_is_routed_by_its_path_and_reports_its_height() {
    let answer = call(ACCOUNT, &account(SENDER), None).await;
    assert_eq!((answer.status.as_str(), answer.height.as_str()), ("0", "3"));
    let response = QueryAccountResponse::decode(&answer.body[5..]).expect("response");
    let account: BaseAccount = unpack(&response.account.expect("account")).expect("base account");
    assert_eq!(account.sequence, 7);
}

#[tokio::test]
async fn the_height_in_the_metadata_selects_the_state_and_a_malformed_one_is_refused() {
    assert_eq!(call(ACCOUNT, &account(SENDER), Some("2")).await.height, "2");
    assert_eq!(call(ACCOUNT, &account(SENDER), Some("two")).await.status, "3");
}

#[tokio::test]
async fn errors_become_statuses() {
    let missing = call(ACCOUNT, &account("ve1nobody"), None).await;
    assert_eq!(missing.status, "5");
    assert!(missing.message.contains("not%20found") || missing.message.contains("not found"), "{}", missing.message);
    assert_eq!(call("/no.such.Service/Method", &account(""), None).await.status, "12");
    assert_eq!(call("/cosmos.tx.v1beta1.Service/NoSuchMethod", &account(""), None).await.status, "12");
}

#[tokio::test]
async fn the_nodes_own_services_are_served() {
    let path = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock";
    let answer = call(path, &GetLatestBlockRequest {}, None).await;
    let response = GetLatestBlockResponse::decode(&answer.body[5..]).expect("response");
    let header = response.sdk_block.and_then(|b| b.header).expect("header");
    assert_eq!(header.height, 3);
    assert!(header.proposer_address.starts_with("vevalcons1"));
}

#[tokio::test]
async fn grpc_web_clients_are_answered_over_http_1() {
    let (_dir, _node, _backend, services) = test_node::start();
    let router = super::router(services).expect("reflection");
    let body = STANDARD.encode(frame(&account(SENDER)));
    let request = Request::post(ACCOUNT)
        .header("content-type", "application/grpc-web-text")
        .header("accept", "application/grpc-web-text")
        .header("origin", "https://wallet.example")
        .body(Body::from(body))
        .expect("request");
    let response = router.oneshot(request).await.expect("infallible");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let body = response.into_body().collect().await.expect("body").to_bytes();
    assert!(!body.is_empty() && body.is_ascii());
}

#[tokio::test]
async fn both_reflection_services_are_there() {
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        // list_services = 7, an empty string.
        let answer = call(&path, &RawRequest, None).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains("cosmos.bank.v1beta1.Query"), "{version}: {text}");
    }
}

/// A reflection request that lists the services, written by hand: tonic's own type is not public.
#[derive(Debug, Default)]
struct RawRequest;

impl Message for RawRequest {
    fn encode_raw(&self, buf: &mut impl prost::bytes::BufMut) {
        prost::encoding::string::encode(7, &"*".to_string(), buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: prost::encoding::WireType,
        buf: &mut impl prost::bytes::Buf,
        ctx: prost::encoding::DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        prost::encoding::skip_field(wire_type, tag, buf, ctx)
    }

    fn encoded_len(&self) -> usize {
        prost::encoding::string::encoded_len(7, &"*".to_string())
    }

    fn clear(&mut self) {}
}
