//! What a signer signs, for whom, and what it never signs.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use prost_types::Timestamp;
use tokio::sync::watch;
use ve_base::keys::ConsensusSecret;
use ve_base::votes::{Place as VotePlace, proposal_bytes, vote_bytes};
use ve_proto::tendermint::types::{BlockId, PartSetHeader, SignedMsgType};

use super::link::{Ask, Question, Told};
use super::service::answer;
use super::*;
use crate::comet::validators::verifies;
use crate::guard::{Place, Step};

const CHAIN: &str = "ve-test-1";

fn id(mark: u8) -> BlockId {
    BlockId { hash: vec![mark; 32], part_set_header: Some(PartSetHeader { total: 1, hash: vec![mark; 32] }) }
}

fn vote(chain_id: &str, kind: SignedMsgType, height: u64, round: u32, mark: u8) -> Vec<u8> {
    let time = Timestamp { seconds: 1_700_000_000, nanos: 5 };
    vote_bytes(kind, VotePlace { chain_id, height, round }, Some((&id(mark), time)))
}

fn proposal(height: u64, mark: u8) -> Vec<u8> {
    let time = Timestamp { seconds: 1_700_000_000, nanos: 5 };
    proposal_bytes(VotePlace { chain_id: CHAIN, height, round: 0 }, -1, &id(mark), time)
}

fn local(directory: &Path) -> LocalSigner {
    LocalSigner::open(CHAIN, ConsensusSecret::from_seed([3; 32]), &directory.join("guard.json")).expect("opens")
}

#[test]
fn the_place_is_read_from_the_bytes_that_are_signed() {
    let place = |bytes: Vec<u8>| Payload::Consensus(bytes).place(CHAIN);
    let at = |height, round, step| Ok(Some(Place { height, round, step }));
    assert_eq!(place(vote(CHAIN, SignedMsgType::Prevote, 7, 2, 1)), at(7, 2, Step::Prevote));
    assert_eq!(place(vote(CHAIN, SignedMsgType::Precommit, 7, 0, 1)), at(7, 0, Step::Precommit));
    assert_eq!(place(proposal(9, 1)), at(9, 0, Step::Proposal));
    let nil = vote_bytes(SignedMsgType::Prevote, VotePlace { chain_id: CHAIN, height: 7, round: 1 }, None);
    assert_eq!(place(nil), at(7, 1, Step::Prevote));
    assert_eq!(place(vote("ve-9", SignedMsgType::Prevote, 7, 2, 1)), Err(Refused::Chain("ve-9".into())));
    let good = vote(CHAIN, SignedMsgType::Prevote, 7, 2, 1);
    // A byte more, a field twice, no height, another kind: nothing that a verifier would rebuild.
    let mut longer = good.clone();
    longer.push(0);
    let mut doubled = good.clone();
    doubled[0] += 2;
    doubled.extend([8, 1]);
    for wrong in [longer, doubled, good[1..].to_vec(), Vec::new(), vote(CHAIN, SignedMsgType::Prevote, 0, 0, 1)] {
        assert!(matches!(place(wrong.clone()), Err(Refused::Malformed(_))), "{wrong:?}");
    }
    for other in [Payload::Extension(good.clone()), Payload::PeerProof(good)] {
        assert!(matches!(other.place(CHAIN), Err(Refused::Malformed(_))), "a vote under another name");
    }
    let large = [EXTENSION_PREFIX, &[0; 30_000]].concat();
    assert!(Payload::Extension(large).place(CHAIN).is_err());
}

#[test]
fn a_signer_keeps_its_memory_through_a_restart_and_signs_nothing_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let ask = |signer: &LocalSigner, bytes: Vec<u8>| {
        answer(signer, Question { ask: Some(Ask::Consensus(bytes)) }).told.expect("an answer")
    };
    let signer = local(directory.path());
    let first = vote(CHAIN, SignedMsgType::Precommit, 7, 0, 1);
    let Told::Bytes(signature) = ask(&signer, first.clone()) else { panic!("not signed") };
    assert!(verifies(&signer.public(), &first, &signature));
    drop(signer);
    let signer = local(directory.path());
    assert_eq!(ask(&signer, first), Told::Bytes(signature), "the same once more");
    let twice = [
        vote(CHAIN, SignedMsgType::Precommit, 7, 0, 2),
        vote(CHAIN, SignedMsgType::Prevote, 7, 0, 1),
        proposal(7, 1),
        vote(CHAIN, SignedMsgType::Precommit, 6, 9, 1),
    ];
    for bytes in twice {
        assert!(matches!(ask(&signer, bytes), Told::Refused(reason) if reason.contains("already signed")));
    }
    assert!(matches!(ask(&signer, vote(CHAIN, SignedMsgType::Prevote, 7, 1, 2)), Told::Bytes(_)));
    assert!(matches!(answer(&signer, Question { ask: None }).told, Some(Told::Refused(_))));
}

fn peer(seed: u8) -> PeerId {
    link_id([seed; 32]).expect("an identity")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}

#[tokio::test]
async fn only_nodes_that_the_signer_knows_get_signatures_and_only_from_the_signer_that_they_know() {
    let directory = tempfile::tempdir().expect("a directory");
    let (port, signer) = (free_port(), Arc::new(local(directory.path())));
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    let config = SignerConfig { chain_id: CHAIN.into(), listen: listen.clone(), nodes: vec![peer(1).to_string()] };
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn({
        let (signer, config) = (signer.clone(), config.clone());
        async move { serve(signer, &config, [9; 32], stopped).await }
    });
    let address = format!("{listen}/p2p/{}", peer(9));
    let connect = |address: String, seed: u8, seconds: u64| async move {
        tokio::time::timeout(Duration::from_secs(seconds), RemoteSigner::connect(&address, [seed; 32])).await
    };
    let known = connect(address.clone(), 1, 30).await.expect("in time").expect("answers");
    assert_eq!(known.public(), signer.public());
    let bytes = vote(CHAIN, SignedMsgType::Prevote, 7, 0, 1);
    let signature = known.sign(Payload::Consensus(bytes.clone())).await.expect("signs");
    assert!(verifies(&signer.public(), &bytes, &signature));
    let refused = known.sign(Payload::Consensus(vote(CHAIN, SignedMsgType::Prevote, 7, 0, 2))).await;
    assert!(matches!(refused, Err(SignError::Remote(_))));

    assert!(connect(address, 2, 2).await.is_err(), "a node that the signer does not know");
    let other = format!("{listen}/p2p/{}", peer(8));
    assert!(connect(other, 1, 2).await.is_err(), "a signer that the node does not know");
    assert!(matches!(connect(listen, 1, 2).await, Ok(Err(SignError::Link(_)))), "an address without an id");
    stop.send_replace(true);
    running.await.expect("ends").expect("without an error");
}

#[test]
fn a_signer_without_nodes_or_with_a_wrong_address_is_not_configured() {
    let good = SignerConfig {
        chain_id: CHAIN.into(),
        listen: "/ip4/127.0.0.1/tcp/1".into(),
        nodes: vec![peer(1).to_string()],
    };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("signer.toml");
    good.save(&path).expect("saves");
    assert_eq!(SignerConfig::load(&path).expect("loads"), good);
    for wrong in [
        SignerConfig { nodes: Vec::new(), ..good.clone() },
        SignerConfig { nodes: vec!["me".into()], ..good.clone() },
        SignerConfig { listen: "127.0.0.1:1".into(), ..good },
    ] {
        assert!(wrong.save(&path).is_err());
    }
}
