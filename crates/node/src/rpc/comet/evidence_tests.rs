use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_proto::tendermint::types::{
    BlockId, DuplicateVoteEvidence, Evidence, PartSetHeader, SignedMsgType, Vote, evidence::Sum,
};

use super::{Comet, envelope::Request, evidence::parse, http::respond, json::evidence_item};
use crate::rpc::test_node;

fn vote(mark: u8) -> Vote {
    Vote {
        r#type: SignedMsgType::Precommit as i32,
        height: 7,
        round: 1,
        block_id: Some(BlockId {
            hash: vec![mark; 32],
            part_set_header: Some(PartSetHeader { total: 1, hash: vec![mark; 32] }),
        }),
        timestamp: Some(Timestamp { seconds: 1_700_000_000, nanos: 5 }),
        validator_address: vec![9; 20],
        validator_index: 3,
        signature: vec![mark; 64],
        extension: Vec::new(),
        extension_signature: Vec::new(),
    }
}

fn nil() -> Vote {
    let block_id = Some(BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) });
    Vote { block_id, timestamp: Some(Timestamp::default()), ..vote(0) }
}

fn evidence(vote_a: Vote) -> Evidence {
    let duplicate = DuplicateVoteEvidence {
        vote_a: Some(vote_a),
        vote_b: Some(vote(2)),
        total_voting_power: 40,
        validator_power: 10,
        timestamp: Some(Timestamp { seconds: 1_700_000_001, nanos: 0 }),
    };
    Evidence { sum: Some(Sum::DuplicateVoteEvidence(duplicate)) }
}

#[test]
fn evidence_as_blocks_show_it_can_be_submitted_again() {
    for original in [evidence(vote(1)), evidence(nil())] {
        let (parsed, hash) = parse(&evidence_item(&original)).expect("parses");
        assert_eq!(parsed, original);
        let Some(Sum::DuplicateVoteEvidence(duplicate)) = &original.sum else { panic!("two votes") };
        assert_eq!(hash, Sha256::digest(duplicate.encode_to_vec()).to_vec());
    }
}

#[test]
fn evidence_with_a_missing_or_malformed_field_is_refused_by_its_name() {
    let good = evidence_item(&evidence(vote(1)));
    for (field, value) in [
        ("/value/vote_a/signature", json!("not base64!")),
        ("/value/vote_a/block_id/hash", json!("xyz")),
        ("/value/vote_b/round", json!(1u64 << 40)),
        ("/value/vote_b/timestamp", json!("yesterday")),
        ("/value/TotalVotingPower", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(field).expect(field) = value;
        let name = field.rsplit('/').next().expect("a name");
        let error = parse(&bad).expect_err(field);
        assert!(format!("{error:?}").contains(name), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_carries_the_code_of_its_reason() {
    let (_dir, _node, backend, services) = test_node::start();
    let comet = Comet::new(backend, services);
    let params = json!({"evidence": evidence_item(&evidence(vote(1)))});
    let request = Request { id: Some(json!(1)), method: "broadcast_evidence".into(), params };
    let answer = respond(&comet, request).await.expect("an answer");
    let data = answer["error"]["data"].as_str().expect("text");
    assert!(data.contains("code 3") && data.contains("same block"), "{data}");
}
