//! Verified evidence that waits for a block.

use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use prost_types::Timestamp;
use tokio::sync::mpsc;
use ve_proto::tendermint::types::{DuplicateVoteEvidence, Evidence, Vote, evidence::Sum};

use super::verify::{expired, ordered, verify, votes};
use super::{EvidenceError, duplicate};
use crate::blockstore::{BlockStore, StoreError};
use crate::chain::ChainState;
use crate::comet::validators::ValidatorSet;

/// Waiting evidence; each piece needs a validator that really signed twice.
const MAX_PENDING: usize = 256;
/// New evidence that waits for the gossip task; the periodic repetition sends what finds no room.
const OUTBOX: usize = 64;

/// Who is convicted, of which height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub height: u64,
    pub address: [u8; 20],
}

impl Key {
    pub fn of(evidence: &Evidence) -> Result<Self, EvidenceError> {
        let (_, _, height, address) = votes(duplicate(evidence)?)?;
        Ok(Self { height, address })
    }

    pub fn to_bytes(self) -> Vec<u8> {
        [self.height.to_be_bytes().as_slice(), &self.address].concat()
    }
}

pub struct EvidencePool {
    store: Arc<BlockStore>,
    outbox: mpsc::Sender<Evidence>,
    /// Adding is read, then write.
    adding: Mutex<()>,
}

impl EvidencePool {
    /// The second value yields each piece of evidence that this node should send to its peers.
    pub fn new(store: Arc<BlockStore>) -> (Arc<Self>, mpsc::Receiver<Evidence>) {
        let (outbox, fresh) = mpsc::channel(OUTBOX);
        (Arc::new(Self { store, outbox, adding: Mutex::new(()) }), fresh)
    }

    /// Keeps evidence that convicts somebody; `false` when this conviction waits already.
    pub fn add(&self, state: &ChainState, evidence: &Evidence) -> Result<bool, EvidenceError> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key::of(evidence)?;
        if self.store.pending_evidence(key)?.is_some() {
            return Ok(false);
        }
        self.check(state, evidence)?;
        if self.store.all_pending_evidence()?.len() >= MAX_PENDING {
            return Err(EvidenceError::Full);
        }
        self.store.save_pending_evidence(key, &evidence.encode_to_vec())?;
        if self.outbox.try_send(evidence.clone()).is_err() {
            tracing::trace!("the evidence is sent with the next repetition");
        }
        Ok(true)
    }

    /// Makes evidence of two votes that this node's consensus saw, and keeps it. Their height must be committed.
    pub fn report(&self, state: &ChainState, left: Vote, right: Vote) -> Result<bool, EvidenceError> {
        let height = u64::try_from(left.height).map_err(|_| EvidenceError::Malformed("height"))?;
        let address: [u8; 20] =
            left.validator_address.as_slice().try_into().map_err(|_| EvidenceError::Malformed("validator address"))?;
        let set = self.set(height)?;
        let found = set.validators().iter().enumerate().find(|(_, validator)| validator.address == address);
        let (index, validator) = found.ok_or_else(|| EvidenceError::NotValidator(hex::encode_upper(address)))?;
        let indexed = |vote: Vote| Vote { validator_index: i32::try_from(index).unwrap_or(i32::MAX), ..vote };
        let (vote_a, vote_b) = ordered(indexed(left), indexed(right));
        let duplicate = DuplicateVoteEvidence {
            vote_a: Some(vote_a),
            vote_b: Some(vote_b),
            total_voting_power: i64::try_from(set.total_power()).unwrap_or(i64::MAX),
            validator_power: i64::try_from(validator.power).unwrap_or(i64::MAX),
            timestamp: Some(self.time(height)?),
        };
        self.add(state, &Evidence { sum: Some(Sum::DuplicateVoteEvidence(duplicate)) })
    }

    fn set(&self, height: u64) -> Result<ValidatorSet, EvidenceError> {
        let stored = self.store.deciders(height)?.ok_or(EvidenceError::UnknownHeight(height))?;
        ValidatorSet::from_proto(&stored).map_err(|error| EvidenceError::Store(error.to_string()))
    }

    fn time(&self, height: u64) -> Result<Timestamp, EvidenceError> {
        self.store.time_of(height)?.ok_or(EvidenceError::UnknownHeight(height))
    }

    /// Whether a block on top of `state` may carry this evidence.
    fn check(&self, state: &ChainState, evidence: &Evidence) -> Result<Key, EvidenceError> {
        let duplicate = duplicate(evidence)?;
        let key = Key::of(evidence)?;
        if key.height > state.last_height {
            return Err(EvidenceError::UnknownHeight(key.height));
        }
        if self.store.is_convicted(key)? {
            return Err(EvidenceError::Convicted);
        }
        verify(duplicate, &state.chain_id, &self.set(key.height)?)?;
        let time = self.time(key.height)?;
        if duplicate.timestamp != Some(time) {
            return Err(EvidenceError::WrongFacts("time"));
        }
        if expired(&state.params, (state.last_height, &state.last_time), key.height, &time) {
            return Err(EvidenceError::Expired);
        }
        Ok(key)
    }

    /// Judges the evidence of a block on top of `state`.
    pub fn check_block(&self, state: &ChainState, list: &[Evidence]) -> Result<(), String> {
        let limit = max_bytes(state);
        let bytes: usize = list.iter().map(Message::encoded_len).sum();
        if bytes > limit {
            return Err(format!("the block carries {bytes} bytes of evidence, at most {limit}"));
        }
        let mut seen = Vec::new();
        for evidence in list {
            let key = self.check(state, evidence).map_err(|error| format!("evidence {}: {error}", error.code()))?;
            if seen.contains(&key) {
                return Err("the block convicts a validator twice for one height".into());
            }
            seen.push(key);
        }
        Ok(())
    }

    /// What this node's next proposal should carry, oldest first.
    pub fn propose(&self, state: &ChainState) -> Result<Vec<Evidence>, StoreError> {
        let mut left = max_bytes(state);
        let mut chosen = Vec::new();
        for evidence in self.pending()? {
            let bytes = evidence.encoded_len();
            if bytes <= left && self.check(state, &evidence).is_ok() {
                left -= bytes;
                chosen.push(evidence);
            }
        }
        Ok(chosen)
    }

    /// All that waits, oldest first.
    pub fn pending(&self) -> Result<Vec<Evidence>, StoreError> {
        let stored = self.store.all_pending_evidence()?;
        stored
            .iter()
            .map(|bytes| Evidence::decode(bytes.as_slice()).map_err(|_| StoreError::Damaged("piece of evidence")))
            .collect()
    }

    /// Waiting evidence that can no longer be punished on top of `state`.
    pub fn stale(&self, state: &ChainState) -> Result<Vec<Key>, StoreError> {
        let too_old = |evidence: &Evidence| {
            let time = duplicate(evidence).ok().and_then(|duplicate| duplicate.timestamp).unwrap_or_default();
            let key = Key::of(evidence).ok()?;
            expired(&state.params, (state.last_height, &state.last_time), key.height, &time).then_some(key)
        };
        Ok(self.pending()?.iter().filter_map(too_old).collect())
    }
}

fn max_bytes(state: &ChainState) -> usize {
    usize::try_from(state.params.evidence.unwrap_or_default().max_bytes).unwrap_or(0)
}
