use bytes::Bytes;
use prost::Message;
use ve_proto::cosmos::base::{
    query::v1beta1::PageRequest,
    tendermint::v1beta1::{AbciQueryRequest, AbciQueryResponse},
};

use super::paging;
use crate::rpc::{
    status::{Code, Status},
    test_node,
};

#[test]
fn pages_run_forwards_backwards_and_from_a_key() {
    let all: Vec<u64> = (0..10).collect();
    let request = |offset, limit, reverse, key: &str| PageRequest {
        key: key.as_bytes().to_vec(),
        offset,
        limit,
        count_total: true,
        reverse,
    };
    let (items, page) = paging::page(&all, Some(&request(2, 3, false, ""))).expect("page");
    assert_eq!((items, page.next_key, page.total), (vec![2, 3, 4], b"5".to_vec(), 10));
    let (items, _) = paging::page(&all, Some(&request(0, 3, true, ""))).expect("page");
    assert_eq!(items, [9, 8, 7]);
    let (items, page) = paging::page(&all, Some(&request(0, 100, false, "8"))).expect("page");
    assert_eq!((items, page.next_key), (vec![8, 9], vec![]));
    let (items, _) = paging::page(&all, Some(&request(50, 3, false, ""))).expect("page");
    assert!(items.is_empty());
    assert!(paging::page(&all, Some(&request(0, 3, false, "x"))).is_err());
}

#[test]
fn application_errors_keep_their_code_and_lose_a_grpc_prefix() {
    let log = "rpc error: code = NotFound desc = account ve1x not found: key not found";
    let status = Status::from_abci("sdk", 22, log);
    assert_eq!(status.code, Code::NotFound);
    assert_eq!(status.message, "account ve1x not found: key not found");
    assert_eq!(status.abci_log(), log);
    assert_eq!(Status::from_abci("market", 22, "x").code, Code::Unknown, "codes belong to their codespace");
}

#[tokio::test]
async fn abci_query_through_the_service_cannot_call_itself() {
    let (_dir, _node, _backend, services) = test_node::start();
    let path = "/cosmos.base.tendermint.v1beta1.Service/ABCIQuery";
    let inner = AbciQueryRequest { path: path.into(), ..Default::default() };
    let refused = services.call(path, inner.encode_to_vec().into(), 0).await.expect_err("refused");
    assert_eq!(refused.code, Code::InvalidArgument);
    let raw = AbciQueryRequest { path: "store/main/key".into(), data: b"k".to_vec(), prove: true, height: 0 };
    let reply = services.call(path, raw.encode_to_vec().into(), 0).await.expect("answers");
    let response = AbciQueryResponse::decode(reply.value).expect("decodes");
    assert_eq!(response.proof_ops.expect("proof").ops.len(), 1);
}

#[tokio::test]
async fn a_request_that_does_not_decode_is_an_invalid_argument() {
    let (_dir, _node, _backend, services) = test_node::start();
    let refused = services.call("/cosmos.tx.v1beta1.Service/GetTx", Bytes::from_static(&[0xff]), 0).await;
    assert_eq!(refused.expect_err("refused").code, Code::InvalidArgument);
    assert_eq!(services.call("nonsense", Bytes::new(), 0).await.expect_err("refused").code, Code::Unimplemented);
}
