//! The vectors of the platform specification, section 3.1.

use base64::Engine as _;
use prost_types::Timestamp;
use ve_base::votes::{Place, vote_bytes};
use ve_proto::tendermint::types::{BlockId, BlockParams, ConsensusParams, Header, PartSetHeader, SignedMsgType};
use ve_proto::tendermint::version::Consensus;

use super::{hash, merkle, parts, validators};

const TIME: Timestamp = Timestamp { seconds: 1_684_332_773, nanos: 88_875_124 };

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn key() -> [u8; 32] {
    let decoded = base64::engine::general_purpose::STANDARD.decode("bNNlGls5R25wC3Sd8720F/3+7IZBhXcD22MNFtPk/v0=");
    decoded.expect("base64").try_into().expect("32 bytes")
}

fn set() -> validators::ValidatorSet {
    validators::ValidatorSet::new(&[(key(), 10)]).expect("one validator")
}

fn params_hash() -> [u8; 32] {
    let block = BlockParams { max_bytes: 22_020_096, max_gas: -1 };
    hash::consensus_params(&ConsensusParams { block: Some(block), ..ConsensusParams::default() })
}

#[test]
fn a_validator_has_the_address_and_set_hash_of_cometbft() {
    assert_eq!(hex::encode_upper(set().validators()[0].address), "2DD9F44FD9067555C322243C3C913BA7B51D2BE0");
    assert_eq!(hex::encode_upper(set().hash()), "33415EFFCEDA5BD0A3A443A727457D9F7B9E38389BF27A936FEDF749A7B7566E");
}

#[test]
fn consensus_parameters_hash_as_in_cometbft() {
    assert_eq!(hex::encode_upper(params_hash()), "048091BC7DDC283F77BFBF91D73C44DA58C3DF8A9CBC867405D8B7F3DAADA22F");
}

#[test]
fn a_real_header_hashes_to_its_block_id_and_its_vote_verifies() {
    let empty = merkle::root::<&[u8]>(&[]).to_vec();
    let header = Header {
        version: Some(Consensus { block: 11, app: 1 }),
        chain_id: "dockerchain".into(),
        height: 10,
        time: Some(TIME),
        last_block_id: Some(BlockId {
            hash: bytes("678A83FB0422D053A3792154703122861DD68ABB8247A4FF2945DF832DB18FC8"),
            part_set_header: Some(PartSetHeader {
                total: 1,
                hash: bytes("29FE32F6B57D8439C9E9F6240B436DD560646FDA8C8C105E2C261B6F4746E89C"),
            }),
        }),
        last_commit_hash: bytes("A3AD467820428D99FD53BFCF38CDC1EB141DD27E3B5F0F3931BBE91FBA8B097D"),
        data_hash: empty.clone(),
        validators_hash: set().hash().to_vec(),
        next_validators_hash: set().hash().to_vec(),
        consensus_hash: params_hash().to_vec(),
        app_hash: bytes("0000000000000000"),
        last_results_hash: empty.clone(),
        evidence_hash: empty,
        proposer_address: set().validators()[0].address.to_vec(),
    };
    let block_hash = hash::header(&header).expect("a complete header");
    assert_eq!(hex::encode_upper(block_hash), "00ECDAC463C201ECD4BDBBAAE4A53A4C80291D4051FD69ED97F6420CE1388BFE");

    let sign_bytes = bytes(
        "700802110a0000000000000022480a2000ecdac463c201ecd4bdbbaae4a53a4c80291d4051fd69ed97f6420ce1388bfe122408011220ff0a320e696fd233dd4d3cc7cd82ff90f54b8fdbc9c700d9375c95a02782b0622a0c08e5c193a30610bc90d5a002320b646f636b6572636861696e",
    );
    let parts_hash = bytes("ff0a320e696fd233dd4d3cc7cd82ff90f54b8fdbc9c700d9375c95a02782b062");
    let id = BlockId { hash: block_hash.to_vec(), part_set_header: Some(PartSetHeader { total: 1, hash: parts_hash }) };
    let voted = Timestamp { seconds: 1_684_332_773, nanos: 605_374_524 };
    let place = Place { chain_id: "dockerchain", height: 10, round: 0 };
    assert_eq!(vote_bytes(SignedMsgType::Precommit, place, Some((&id, voted))), sign_bytes);
    let signature = base64::engine::general_purpose::STANDARD
        .decode("5y0Kas3bSrgVYG/QKwWovMpTBfavZfy/A8DXkQHzFHVMjOcVk2TK6xhYQasfiodordg1bjDf7NDwNi/YdilaAw==")
        .expect("base64");
    let signature: [u8; 64] = signature.try_into().expect("64 bytes");
    ed25519_zebra::VerificationKey::try_from(key())
        .expect("a valid key")
        .verify(&signature.into(), &sign_bytes)
        .expect("the signature of the real vote");
}

#[test]
fn parts_reassemble_and_wrong_places_sizes_and_proofs_are_refused() {
    let data: Vec<u8> = (0..parts::PART_BYTES * 2 + 7).map(|at| (at % 251) as u8).collect();
    let pieces = parts::split(&data);
    let chunks: Vec<&[u8]> = data.chunks(parts::PART_BYTES).collect();
    let header = PartSetHeader { total: 3, hash: merkle::root(&chunks).to_vec() };
    let mut set = parts::PartSet::new(header.clone(), 1 << 20).expect("a small set");
    let mut moved = pieces[1].clone();
    moved.index = 0;
    assert_eq!(set.add(&moved), Err(parts::PartError::Proof(0)));
    let mut outside = pieces[0].clone();
    outside.index = 3;
    assert_eq!(set.add(&outside), Err(parts::PartError::Index(3, 3)));
    let mut changed = pieces[2].clone();
    changed.bytes[0] ^= 1;
    assert_eq!(set.add(&changed), Err(parts::PartError::Proof(2)));
    let mut long = pieces[2].clone();
    long.bytes = vec![0; parts::PART_BYTES + 1];
    assert!(matches!(set.add(&long), Err(parts::PartError::Size(2, _))));
    for piece in pieces.iter().rev() {
        set.add(piece).expect("a right part");
        set.add(piece).expect("the same part again");
    }
    assert!(set.is_complete());
    assert_eq!(set.into_bytes().expect("complete"), data);
    assert!(parts::PartSet::new(PartSetHeader { total: u32::MAX, ..header }, 1 << 20).is_err());
}

#[test]
fn proposers_take_turns_by_power_and_a_newcomer_waits() {
    let keys: Vec<([u8; 32], u64)> = (1..=3u8).map(|n| ([n; 32], u64::from(n))).collect();
    let mut set = validators::ValidatorSet::new(&keys).expect("three validators");
    let mut turns = std::collections::BTreeMap::new();
    for _ in 0..60 {
        *turns.entry(set.proposer().expect("a proposer").power).or_insert(0) += 1;
        set = set.next(&[]).expect("no change");
    }
    assert_eq!(turns.into_iter().collect::<Vec<_>>(), [(1, 10), (2, 20), (3, 30)]);
    let joined = set.next(&[([9; 32], 5)]).expect("one more");
    assert_ne!(joined.proposer().expect("a proposer").key, [9; 32]);
    assert_eq!(joined.total_power(), 11);
    assert!(matches!(joined.next(&[([8; 32], 0)]), Err(validators::SetError::Unknown(_))));
    assert!(matches!(
        joined.next(&[([8; 32], validators::MAX_TOTAL_POWER)]),
        Err(validators::SetError::TooMuchPower(_))
    ));
    let restored = validators::ValidatorSet::from_proto(&joined.to_proto()).expect("its own encoding");
    assert_eq!(restored, joined);
}
