//! Sending: gas, fees, sequences, and what happens when another process uses the same key.

use std::time::Duration;

use super::support::FakeNode;
use prost::Message as _;
use ve_base::keys::hd;
use ve_client::{ClientError, RpcClient, TxClient, TxOptions};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, TxRaw};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

async fn client(node: &FakeNode) -> TxClient {
    let rpc = RpcClient::new(&[&node.url]).unwrap();
    TxClient::connect(rpc, hd::derive(WORDS, 0, 0).unwrap(), Some("ve-test-1")).await.unwrap()
}

fn message() -> ve_proto::Any {
    ve_client::tx::any(&MsgSend::default())
}

fn auth(raw: &[u8]) -> AuthInfo {
    AuthInfo::decode(&TxRaw::decode(raw).unwrap().auth_info_bytes[..]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn gas_is_simulated_times_one_point_four_and_the_fee_is_rounded_up() {
    let node = FakeNode::start().await;
    client(&node).await.send(vec![message()]).await.unwrap();
    let fee = auth(&node.state.lock().unwrap().signed[0]).fee.unwrap();
    assert_eq!(fee.gas_limit, 140_002);
    assert_eq!((fee.amount[0].amount.as_str(), fee.amount[0].denom.as_str()), ("3501", "uve"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_senders_of_one_account_take_successive_sequences() {
    let node = FakeNode::start().await;
    let client = client(&node).await;
    let sends = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.send(vec![message()]).await })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.unwrap().unwrap();
    }
    let sequences: Vec<u64> =
        node.state.lock().unwrap().signed.iter().map(|raw| auth(raw).signer_infos[0].sequence).collect();
    assert_eq!(sequences, (0..20).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_taken_by_another_process_is_recovered_from() {
    let node = FakeNode::start().await;
    let client = client(&node).await;
    client.send(vec![message()]).await.unwrap();
    node.state.lock().unwrap().sequence += 3;
    client.send(vec![message()]).await.unwrap();
    assert_eq!(node.state.lock().unwrap().sequence, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_no_block_times_out_with_its_hash() {
    let node = FakeNode::start().await;
    let client = client(&node).await;
    let options = TxOptions { timeout: Duration::from_millis(500), ..TxOptions::default() };
    let hash = client.submit(vec![message()], &options).await.unwrap();
    node.state.lock().unwrap().included.clear();
    let error = client.wait(&hash, options.timeout).await.unwrap_err();
    assert!(matches!(&error, ClientError::Timeout { hash: text, .. } if *text == hex::encode_upper(hash)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_refused_before_anything_is_signed() {
    let node = FakeNode::start().await;
    let rpc = RpcClient::new(&[&node.url]).unwrap();
    let refused = TxClient::connect(rpc, hd::derive(WORDS, 0, 0).unwrap(), Some("ve-other-1")).await;
    assert!(matches!(refused, Err(ClientError::WrongChain { .. })));
}

#[test]
fn the_signed_transfer_is_the_vector_of_the_specification() {
    use ve_proto::cosmos::base::v1beta1::Coin;
    use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
    use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
    use ve_proto::cosmos::tx::v1beta1::{Fee, ModeInfo, SignerInfo, TxBody};
    let coin = |amount: &str| vec![Coin { denom: "uve".into(), amount: amount.into() }];
    let key = hd::derive(WORDS, 0, 0).unwrap();
    let transfer = MsgSend {
        from_address: "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa".into(),
        to_address: "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg".into(),
        amount: coin("1000000"),
    };
    let body = TxBody { messages: vec![ve_client::tx::any(&transfer)], ..TxBody::default() };
    let mode = ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) };
    let signer = SignerInfo { public_key: Some(key.public_key().to_any()), mode_info: Some(mode), sequence: 0 };
    let fee = Fee { amount: coin("2000"), gas_limit: 200_000, ..Fee::default() };
    let auth = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
    let raw = ve_client::tx::sign_direct(&key, &body, &auth, "ve-local-1", 1);
    assert_eq!(raw.len(), 307);
    use sha2::Digest as _;
    assert_eq!(
        hex::encode_upper(sha2::Sha256::digest(&raw)),
        "12728C042F3C3C238DA528B1B09376B59B8C579BB71D3D92E5620B4C7E34E542"
    );
}
