use std::path::Path;
use std::sync::Arc;

use prost::Message as _;
use prost_types::Timestamp;
use ve_proto::tendermint::types::{DuplicateVoteEvidence, Evidence, LightClientAttackEvidence, Vote, evidence::Sum};
use ve_sdk::application::ConsensusParams;

use super::{EvidenceError, expired, ordered};
use crate::chain::{SealedBlock, Stage};
use crate::comet::{abci, hash};
use crate::core::test_app::StoreApp;
use crate::core::test_chain::{self, Chain, evidence, key};

fn open(home: &Path, params: ConsensusParams) -> (Chain, Arc<StoreApp>) {
    let app = Arc::new(StoreApp::open(&home.join("state")));
    (test_chain::open(home, app.clone(), &test_chain::genesis(4, params), 0).expect("opens"), app)
}

struct Net {
    home: tempfile::TempDir,
    chain: Chain,
    app: Arc<StoreApp>,
}

/// Four validators and `blocks` blocks.
fn net(blocks: u64) -> Net {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (chain, app) = open(home.path(), ConsensusParams::default());
    for _ in 0..blocks {
        chain.advance(&[]);
    }
    Net { home, chain, app }
}

impl Net {
    fn add(&self, duplicate: DuplicateVoteEvidence) -> Result<bool, EvidenceError> {
        self.chain.core.evidence.add(&self.chain.core.state(), &evidence(duplicate))
    }

    /// How often the application heard that `number` misbehaved at `height`.
    fn convictions(&self, number: u8, height: u64) -> Option<String> {
        self.app.get(&format!("convicted/{}/{height}", hex::encode(key(number).address())))
    }

    fn judge(&self, sealed: &SealedBlock) -> Result<(), String> {
        self.chain.core.judge(sealed, Stage::Proposed).expect("the disk works")
    }

    /// The next proposal with other evidence, its hash and room made right.
    fn block_with(&self, list: Vec<Evidence>) -> SealedBlock {
        let mut block = self.chain.propose().block;
        block.header.as_mut().expect("a header").evidence_hash = hash::evidence(&list).to_vec();
        block.evidence.as_mut().expect("a list").evidence = list;
        SealedBlock::decode(block.encode_to_vec().into()).expect("decodes")
    }
}

fn code(result: Result<bool, EvidenceError>) -> u32 {
    result.expect_err("refused").code()
}

#[test]
fn a_validator_that_votes_twice_is_convicted_exactly_once() {
    let Net { home, chain, app } = net(3);
    let proof = evidence(chain.equivocation(2, 2));
    assert_eq!(chain.core.evidence.add(&chain.core.state(), &proof), Ok(true));
    assert_eq!(chain.core.evidence.add(&chain.core.state(), &proof), Ok(false), "it waits already");
    drop((chain, app));
    // It survives a restart of the node.
    let (chain, app) = open(home.path(), ConsensusParams::default());
    let net = Net { home, chain, app };
    let sealed = net.chain.propose();
    let header = sealed.header();
    assert_eq!(sealed.evidence(), vec![proof.clone()]);
    assert_eq!(header.evidence_hash, hash::evidence(std::slice::from_ref(&proof)).to_vec());
    assert_eq!(net.judge(&sealed), Ok(()));
    net.chain.decide(&sealed).expect("decided");
    assert_eq!(net.convictions(2, 2).as_deref(), Some("1"));
    for _ in 0..3 {
        assert!(net.chain.advance(&[]).evidence().is_empty());
    }
    assert_eq!(net.convictions(2, 2).as_deref(), Some("1"));
    assert_eq!(code(net.add(net.chain.equivocation(2, 2))), 9);
    // Other votes of the same height say nothing new; another height does.
    let mut nil = net.chain.equivocation(2, 2);
    let (a, b) = ordered(net.chain.prevote(2, 2, None), net.chain.prevote(2, 2, Some(7)));
    (nil.vote_a, nil.vote_b) = (Some(a), Some(b));
    assert_eq!(code(net.add(nil)), 9);
    assert!(net.judge(&net.block_with(vec![proof])).expect_err("refused").contains("evidence 9"));
    assert_eq!(net.add(net.chain.equivocation(2, 3)), Ok(true));
    // The next block was built before.
    (0..2).for_each(|_| drop(net.chain.advance(&[])));
    assert_eq!(net.convictions(2, 3).as_deref(), Some("1"));
}

#[test]
fn votes_that_consensus_saw_become_evidence_in_cometbfts_order() {
    let net = net(2);
    let state = net.chain.core.state();
    let (nil, block) = (net.chain.prevote(3, 2, None), net.chain.prevote(3, 2, Some(1)));
    let unnumbered = |vote: Vote| Vote { validator_index: 0, ..vote };
    assert_eq!(net.chain.core.evidence.report(&state, unnumbered(block), unnumbered(nil)), Ok(true));
    let sealed = net.chain.advance(&[]);
    let list = sealed.evidence();
    let Some(Sum::DuplicateVoteEvidence(proof)) = &list[0].sum else { panic!("two votes") };
    assert!(proof.vote_a.as_ref().expect("a vote").block_id.as_ref().expect("an id").hash.is_empty());
    assert_eq!((proof.validator_power, proof.total_voting_power), (10, 40));
    assert_eq!(net.convictions(3, 2).as_deref(), Some("1"));
}

/// Each way to forge the evidence, with the code of its refusal.
fn forgeries(chain: &Chain) -> Vec<(&'static str, u32, DuplicateVoteEvidence)> {
    let good = || chain.equivocation(1, 2);
    let with = |change: &dyn Fn(&mut DuplicateVoteEvidence)| {
        let mut proof = good();
        change(&mut proof);
        proof
    };
    let a = |change: &dyn Fn(&mut Vote)| with(&|proof| change(proof.vote_a.as_mut().expect("a vote")));
    let both = |change: &dyn Fn(&mut Vote)| {
        with(&|proof| {
            change(proof.vote_a.as_mut().expect("a vote"));
            change(proof.vote_b.as_mut().expect("a vote"));
        })
    };
    vec![
        ("one vote", 2, with(&|proof| proof.vote_b = None)),
        ("a proposal", 2, both(&|vote| vote.r#type = 32)),
        ("a negative round", 2, both(&|vote| vote.round = -1)),
        ("height zero", 2, both(&|vote| vote.height = 0)),
        ("an extension nobody signed", 2, a(&|vote| vote.extension = vec![1])),
        ("a short signature", 2, a(&|vote| vote.signature.truncate(63))),
        ("a long address", 2, both(&|vote| vote.validator_address.push(0))),
        ("no block id", 2, a(&|vote| vote.block_id = None)),
        ("half a block id", 2, a(&|vote| vote.block_id.as_mut().expect("an id").hash.truncate(31))),
        ("no time", 2, a(&|vote| vote.timestamp = None)),
        ("the wrong order", 2, with(&|proof| std::mem::swap(&mut proof.vote_a, &mut proof.vote_b))),
        ("twice the same vote", 3, with(&|proof| proof.vote_b = proof.vote_a.clone())),
        ("different rounds", 3, a(&|vote| vote.round = 1)),
        ("different types", 3, a(&|vote| vote.r#type = 2)),
        ("different validators", 3, a(&|vote| vote.validator_address = key(2).address().to_vec())),
        ("a height that is not there yet", 5, both(&|vote| vote.height = 77)),
        ("a stranger", 6, both(&|vote| vote.validator_address = key(9).address().to_vec())),
        ("a wrong index", 7, both(&|vote| vote.validator_index += 1)),
        ("a wrong power", 7, with(&|proof| proof.validator_power = 11)),
        ("a wrong total", 7, with(&|proof| proof.total_voting_power = 41)),
        ("a wrong time", 7, with(&|proof| proof.timestamp.as_mut().expect("a time").seconds += 1)),
        ("another's signature", 8, both(&|vote| vote.validator_address = key(2).address().to_vec())),
        ("another height's signature", 8, both(&|vote| vote.height = 3)),
        ("an altered signature", 8, a(&|vote| vote.signature[40] ^= 1)),
        ("an altered vote time", 8, a(&|vote| vote.timestamp.as_mut().expect("a time").nanos += 1)),
    ]
}

#[test]
fn forged_evidence_is_refused_by_the_pool_and_in_blocks() {
    let net = net(4);
    for (what, expected, mut forged) in forgeries(&net.chain) {
        if what == "another's signature" {
            // Only the signature is wrong: the index is that of the accused.
            let of = |vote: &Vote| net.chain.prevote(2, 2, vote.block_id.as_ref().map(|id| id.hash[0])).validator_index;
            for vote in [&mut forged.vote_a, &mut forged.vote_b].into_iter().flatten() {
                vote.validator_index = of(vote);
            }
        }
        let error = net.add(forged.clone()).expect_err(what);
        assert_eq!(error.code(), expected, "{what}: {error}");
        let refused = net.judge(&net.block_with(vec![evidence(forged)]));
        assert!(refused.expect_err(what).contains(&format!("evidence {expected}")), "{what}");
    }
    let attack = Evidence { sum: Some(Sum::LightClientAttackEvidence(LightClientAttackEvidence::default())) };
    assert_eq!(code(net.chain.core.evidence.add(&net.chain.core.state(), &attack)), 1);
    assert!(net.chain.core.evidence.pending().expect("reads").is_empty());
}

#[test]
fn a_block_convicts_nobody_twice_and_its_evidence_has_a_limit() {
    let net = net(3);
    let proof = evidence(net.chain.equivocation(1, 2));
    let twice = net.judge(&net.block_with(vec![proof.clone(), proof.clone()]));
    assert!(twice.expect_err("refused").contains("twice"));
    let mut wrong_hash = net.block_with(vec![proof.clone()]).block;
    wrong_hash.header.as_mut().expect("a header").evidence_hash = hash::evidence(&[]).to_vec();
    let wrong_hash = SealedBlock::decode(wrong_hash.encode_to_vec().into()).expect("decodes");
    assert!(net.judge(&wrong_hash).is_err());
    assert_eq!(net.judge(&net.block_with(vec![proof.clone()])), Ok(()));
    let home = tempfile::tempdir().expect("a temporary directory");
    let params = ConsensusParams { evidence_max_bytes: 200, ..ConsensusParams::default() };
    let (chain, app) = open(home.path(), params);
    let small = Net { home, chain, app };
    (0..3).for_each(|_| drop(small.chain.advance(&[])));
    let proof = small.chain.equivocation(1, 2);
    assert_eq!(small.add(proof.clone()), Ok(true));
    assert!(small.chain.propose().evidence().is_empty(), "no room for it");
    assert!(small.judge(&small.block_with(vec![evidence(proof)])).expect_err("refused").contains("bytes of evidence"));
}

#[test]
fn evidence_expires_by_blocks_and_time_together() {
    let params = abci::params(&ConsensusParams {
        evidence_max_age_blocks: 10,
        evidence_max_age_secs: 100,
        ..ConsensusParams::default()
    });
    let at = |seconds: i64| Timestamp { seconds, nanos: 0 };
    let age = |blocks: u64, seconds: i64| expired(&params, (1000, &at(5_000)), 1000 - blocks, &at(5_000 - seconds));
    assert!(!age(10, 1_000) && !age(1_000, 100), "only one of both is exceeded");
    assert!(age(11, 101));
}

#[test]
fn old_evidence_is_refused_dropped_and_its_blocks_may_be_pruned() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let params =
        ConsensusParams { evidence_max_age_blocks: 2, evidence_max_age_secs: -1, ..ConsensusParams::default() };
    let (chain, app) = open(home.path(), params);
    let net = Net { home, chain, app };
    (0..3).for_each(|_| drop(net.chain.advance(&[])));
    let waiting = net.chain.equivocation(4, 3);
    assert_eq!(net.add(waiting.clone()), Ok(true));
    // It stays out of the blocks of a proposer that does not know it; here: all the others.
    for _ in 0..4 {
        let sealed = net.block_with(Vec::new());
        assert_eq!(net.judge(&sealed), Ok(()));
        net.chain.decide(&sealed).expect("decided");
    }
    assert!(net.chain.core.evidence.pending().expect("reads").is_empty());
    assert_eq!(net.convictions(4, 3), None);
    assert!(matches!(code(net.add(waiting)), 4 | 5));
    let earliest = net.chain.core.store.earliest().expect("reads");
    assert_eq!(earliest, 5, "blocks stay as long as evidence about them counts");
}
