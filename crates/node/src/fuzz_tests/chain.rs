//! Transactions, blocks from peers that sync us, snapshots and light blocks, evidence, what a signer is asked.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use ve_proto::tendermint::types::{Evidence, LightBlock};

use super::{LONG, SHORT, fuzz};
use crate::chain::{SealedBlock, Stage};
use crate::core::test_app::StoreApp;
use crate::core::test_chain::{CHAIN, Chain, evidence, genesis, open};
use crate::rpc::test_node::raw_tx;
use crate::signer::Payload;
use crate::statesync::light::Signed;
use crate::statesync::server;
use crate::statesync::wire::{Answer, Ask, AskChunk, Request, Told};

fn chain(home: &tempfile::TempDir) -> Chain {
    let app = Arc::new(StoreApp::open(&home.path().join("state")));
    let chain = open(home.path(), app, &genesis(4, Default::default()), 0).expect("opens");
    (1..=4).for_each(|number| drop(chain.advance(&[&format!("block={number}")])));
    chain
}

fn transactions(time: Duration) {
    let corpus = vec![raw_tx("").to_vec(), raw_tx("a longer memo, with more in it").to_vec()];
    let accepted = fuzz(corpus, time, |bytes| {
        let decoded = ve_base::tx::decode_tx(bytes);
        let Ok(tx) = decoded else { return false };
        // What is accepted has one encoding: its hash cannot be changed by others.
        let raw = ve_proto::cosmos::tx::v1beta1::TxRaw::decode(bytes).expect("a strict decoder takes less");
        assert_eq!(raw.encode_to_vec(), bytes);
        assert_eq!(tx.body.encode_to_vec().is_empty(), raw.body_bytes.is_empty());
        true
    });
    assert!(accepted > 0, "mutations of memos and amounts are transactions, too");
}

fn synced_blocks(time: Duration) {
    let home = tempfile::tempdir().expect("a directory");
    let chain = chain(&home);
    let honest = chain.propose();
    let corpus = vec![honest.bytes.to_vec()];
    fuzz(corpus, time, |bytes| {
        let Some(sealed) = SealedBlock::decode(Bytes::copy_from_slice(bytes)) else { return false };
        let verdict = chain.core.judge(&sealed, Stage::Decided).expect("no peer's bytes end the node");
        assert!(verdict.is_err() || sealed.height() == honest.height());
        // The id of other bytes is another one: the certificate is not for them.
        assert_eq!(sealed.id == honest.id, bytes == honest.bytes.as_ref());
        true
    });
}

fn light_blocks_and_answers(time: Duration) {
    let home = tempfile::tempdir().expect("a directory");
    let chain = chain(&home);
    let ask = |ask| server::answer(&chain.core, &Request { ask: Some(ask) });
    let Some(Told::Light(light)) = ask(Ask::Light(3)).told else { panic!("a light block") };
    let honest = Signed::parse(&light, CHAIN, 3).expect("honest");
    fuzz(vec![light.encode_to_vec()], time / 2, |bytes| {
        let Ok(block) = LightBlock::decode(bytes) else { return false };
        // Nobody signed another header of this height.
        assert!(
            Signed::parse(&block, CHAIN, 3).is_ok_and(|signed| signed.hash == honest.hash) || {
                Signed::parse(&block, CHAIN, 3).is_err()
            }
        );
        true
    });
    let answers = [Ask::Light(2), Ask::History(4), Ask::Validators(2), Ask::Snapshots(true)].map(ask);
    fuzz(answers.iter().map(Message::encode_to_vec).collect(), time / 4, |bytes| Answer::decode(bytes).is_ok());
    let asked = [Ask::Light(2), Ask::History(9), Ask::Chunk(AskChunk { height: 3, format: 1, index: 0 })];
    fuzz(asked.map(|ask| Request { ask: Some(ask) }.encode_to_vec()).to_vec(), time / 4, |bytes| {
        let Ok(request) = Request::decode(bytes) else { return false };
        drop(server::answer(&chain.core, &request));
        true
    });
}

fn evidence_and_payloads(time: Duration) {
    let home = tempfile::tempdir().expect("a directory");
    let chain = chain(&home);
    let state = chain.core.state();
    let honest = evidence(chain.equivocation(2, 3));
    fuzz(vec![honest.encode_to_vec()], time / 2, |bytes| {
        let Ok(evidence) = Evidence::decode(bytes) else { return false };
        let taken = chain.core.evidence.check_block(&state, std::slice::from_ref(&evidence)).is_ok();
        // Only the one who signed twice can be convicted.
        assert!(!taken || evidence == honest, "made up: {evidence:?}");
        true
    });
    let vote = chain.prevote(1, 3, Some(4));
    let bytes = ve_base::votes::bytes_of(&vote, CHAIN);
    fuzz(vec![bytes], time / 2, |bytes| {
        let bytes = bytes.to_vec();
        let place = Payload::Consensus(bytes.clone()).place(CHAIN);
        assert!(Payload::Extension(bytes.clone()).place(CHAIN).is_err() || place.is_err(), "one meaning only");
        place.is_ok()
    });
}

#[test]
fn mutated_transactions_never_panic() {
    transactions(SHORT);
}

#[test]
fn mutated_blocks_of_a_sync_peer_never_end_the_node() {
    synced_blocks(SHORT);
}

#[test]
fn mutated_light_blocks_never_prove_another_header() {
    light_blocks_and_answers(SHORT);
}

#[test]
fn mutated_evidence_convicts_nobody_else() {
    evidence_and_payloads(SHORT);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_transactions_never_panic_for_long() {
    transactions(LONG);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_blocks_of_a_sync_peer_never_end_the_node_for_long() {
    synced_blocks(LONG);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_light_blocks_never_prove_another_header_for_long() {
    light_blocks_and_answers(LONG);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_evidence_convicts_nobody_else_for_long() {
    evidence_and_payloads(LONG);
}
