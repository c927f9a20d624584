//! What a node that starts from a snapshot believes: headers that follow from the trusted one, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use prost_types::Timestamp;
use ve_proto::tendermint::types::LightBlock;

use super::facts::linked;
use super::light::{LightError, Signed};
use super::server;
use super::wire::{Ask, History, Request, Told};
use crate::chain::proposer_order;
use crate::comet::validators::ValidatorSet;
use crate::core::test_app::StoreApp;
use crate::core::test_chain::{CHAIN, Chain, genesis, open};

struct Fixture {
    _home: tempfile::TempDir,
    chain: Chain,
}

/// A chain of four validators and six blocks.
fn fixture() -> Fixture {
    let home = tempfile::tempdir().expect("a directory");
    let app = Arc::new(StoreApp::open(&home.path().join("state")));
    let chain = open(home.path(), app, &genesis(4, Default::default()), 0).expect("opens");
    (1..=6).for_each(|number| drop(chain.advance(&[&format!("block={number}")])));
    Fixture { _home: home, chain }
}

impl Fixture {
    fn ask(&self, ask: Ask) -> Told {
        server::answer(&self.chain.core, &Request { ask: Some(ask) }).told.expect("an answer")
    }

    fn light(&self, height: u64) -> LightBlock {
        match self.ask(Ask::Light(height)) {
            Told::Light(block) => *block,
            other => panic!("no light block: {other:?}"),
        }
    }

    fn signed(&self, height: u64) -> Signed {
        Signed::parse(&self.light(height), CHAIN, height).expect("an honest light block")
    }

    fn history(&self, from: u64) -> History {
        match self.ask(Ask::History(from)) {
            Told::History(history) => history,
            other => panic!("no history: {other:?}"),
        }
    }
}

fn after(signed: &Signed, seconds: i64) -> Timestamp {
    Timestamp { seconds: signed.time().seconds + seconds, nanos: 0 }
}

fn refusal(block: &LightBlock) -> LightError {
    Signed::parse(block, CHAIN, 4).expect_err("refused")
}

#[test]
fn served_headers_follow_from_each_other_step_by_step_and_over_gaps() {
    let fixture = fixture();
    let first = fixture.signed(1);
    for height in 2..=6 {
        let next = fixture.signed(height);
        let now = after(&next, 1);
        assert_eq!(fixture.signed(height - 1).trusts(&next, now), Ok(()), "to {height}");
        assert_eq!(first.trusts(&next, now), Ok(()), "from 1 to {height}");
        assert_eq!(next.trusts(&first, now), Err(LightError::Time), "not backwards");
    }
    let last = fixture.signed(6);
    assert_eq!(first.trusts(&last, after(&last, -20)), Err(LightError::Time), "from the future");
    assert_eq!(first.is_fresh(after(&first, 99), Duration::from_secs(100)), Ok(()));
    assert_eq!(first.is_fresh(after(&first, 100), Duration::from_secs(100)), Err(LightError::Expired));
    assert!(matches!(fixture.ask(Ask::Light(7)), Told::Nothing(_)), "a block that is not made yet");
    assert!(matches!(fixture.ask(Ask::Validators(9)), Told::Nothing(_)));
}

#[test]
fn changed_headers_commits_and_sets_are_refused() {
    let fixture = fixture();
    let honest = fixture.light(4);
    let change = |change: &dyn Fn(&mut LightBlock)| {
        let mut block = honest.clone();
        change(&mut block);
        refusal(&block)
    };
    fn header(block: &mut LightBlock) -> &mut ve_proto::tendermint::types::Header {
        block.signed_header.as_mut().and_then(|signed| signed.header.as_mut()).expect("a header")
    }
    fn commit(block: &mut LightBlock) -> &mut ve_proto::tendermint::types::Commit {
        block.signed_header.as_mut().and_then(|signed| signed.commit.as_mut()).expect("a commit")
    }
    assert_eq!(change(&|block| header(block).app_hash = vec![7; 32]), LightError::Incomplete);
    assert_eq!(change(&|block| header(block).chain_id = "other-1".into()), LightError::Chain("other-1".into()));
    assert_eq!(change(&|block| header(block).height = 5), LightError::Height(5));
    // The commit made to name the changed header: the signatures are of another one.
    let renamed = change(&|block| {
        header(block).app_hash = vec![7; 32];
        let hash = crate::comet::hash::header(header(block)).expect("hashes").to_vec();
        commit(block).block_id.as_mut().expect("an id").hash = hash;
    });
    assert!(matches!(renamed, LightError::Commit(_)), "{renamed:?}");
    let flipped = change(&|block| commit(block).signatures[0].signature[3] ^= 1);
    assert!(matches!(flipped, LightError::Commit(_)), "{flipped:?}");
    let few = change(&|block| {
        commit(block).signatures.iter_mut().take(2).for_each(|entry| *entry = crate::comet::commit::absent());
    });
    assert!(matches!(few, LightError::Commit(_)), "half of the power: {few:?}");
    let powerful = change(&|block| block.validator_set.as_mut().expect("a set").validators[0].voting_power += 1);
    assert_eq!(powerful, LightError::Validators);
    assert_eq!(change(&|block| block.validator_set = None), LightError::Incomplete);
}

#[test]
fn a_set_that_the_trusted_validators_did_not_choose_is_not_followed() {
    let (ours, mut other) = (fixture(), genesis(4, Default::default()));
    other.validators = (11..=14u8).map(|number| (crate::core::test_chain::key(number).public(), 10)).collect();
    let set = ValidatorSet::new(&other.validators).expect("a set");
    let trusted = ours.signed(1);
    let mut foreign = ours.signed(5);
    foreign.set = set.clone();
    for (entry, validator) in foreign.commit.signatures.iter_mut().zip(set.validators()) {
        entry.validator_address = validator.address.to_vec();
    }
    let now = after(&foreign, 1);
    assert_eq!(trusted.trusts(&foreign, now), Err(LightError::TooFar));
    let mut adjacent = ours.signed(2);
    adjacent.header.validators_hash = set.hash().to_vec();
    assert_eq!(trusted.trusts(&adjacent, now), Err(LightError::NextValidators));
}

#[test]
fn older_headers_are_taken_only_as_an_unbroken_chain_with_their_sets() {
    let fixture = fixture();
    let below = fixture.signed(6).header;
    let honest = fixture.history(5);
    assert_eq!(honest.headers.len(), 5);
    assert_eq!(honest.sets.len(), 1, "a set is sent once");
    let (headers, sets) = linked(&below, honest.clone()).expect("follows");
    assert_eq!((headers.len(), sets.len()), (5, 1));
    let broken = |change: &dyn Fn(&mut History)| {
        let mut history = honest.clone();
        change(&mut history);
        linked(&below, history).is_none()
    };
    assert!(broken(&|history| drop(history.headers.remove(2))));
    assert!(broken(&|history| history.headers[3].app_hash = vec![1; 32]));
    assert!(broken(&|history| history.sets.clear()));
    assert!(broken(&|history| history.sets[0].validators[0].voting_power += 1));
    assert!(broken(&|history| history.headers.clear()));
}

#[test]
fn the_order_of_proposers_names_every_priority() {
    let fixture = fixture();
    let state = fixture.chain.core.state();
    let order = state.proposer_order();
    let mut other = state.validators.to_proto();
    other.validators[0].proposer_priority += 1;
    let other = ValidatorSet::from_proto(&other).expect("a set");
    assert_eq!(other.hash(), state.validators.hash(), "headers do not name priorities");
    assert_ne!(proposer_order(state.last_validators.as_ref(), &other, &state.next_validators), order);
    // From the powers alone this node finds the next set as the chain does.
    let next = state.validators.next(&state.validators.changes_to(&state.next_validators)).expect("a set");
    assert_eq!(next, state.next_validators);
    let changed = state.validators.next(&[(state.validators.validators()[1].key, 25), ([9; 32], 3)]).expect("a set");
    let again = state.validators.next(&state.validators.changes_to(&changed)).expect("a set");
    assert_eq!(again, changed);
}
