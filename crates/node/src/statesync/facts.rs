//! Everything about the chain beside the application's state: sets, parameters, and headers that evidence may be about.

use std::collections::BTreeMap;

use libp2p::PeerId;
use ve_proto::tendermint::types::{ExtendedCommit, ExtendedCommitSig, Header};

use super::light::Signed;
use super::wire::{Ask, History, Told};
use super::{MAX_STEPS, PAUSE, Sync, broken};
use crate::blockstore::PastBlock;
use crate::chain::{ChainState, proposer_order};
use crate::comet::validators::ValidatorSet;
use crate::comet::{abci, hash};
use crate::core::Halt;
use crate::evidence;

/// Validator sets by their hash.
type Sets = BTreeMap<[u8; 32], ValidatorSet>;

/// Headers, the highest first, with the sets that they name.
pub(super) type Past = (Vec<Header>, Sets);

impl Sync {
    /// Makes the application's state at `height` the place where this node's chain begins.
    pub(super) async fn finish(&self, trusted: &Signed, height: u64) -> Result<(), Halt> {
        let after = self.prove(trusted, height).await?;
        for _ in 0..MAX_STEPS {
            for peer in self.peers.connected() {
                let Some((last, state)) = self.chain_state(peer, &after, height).await? else { continue };
                self.backfill(&state, &last).await?;
                let store = self.parts.store.clone();
                let commit = extended(&last);
                let saved = tokio::task::spawn_blocking(move || store.save_restored(&state, &commit)).await;
                return Ok(saved.map_err(broken)??);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(broken(format!("no peer has the validator sets around height {height}")))
    }

    async fn set(&self, peer: PeerId, height: u64) -> Option<ValidatorSet> {
        let Some(Told::Validators(set)) = self.peers.ask(peer, Ask::Validators(height)).await else { return None };
        ValidatorSet::from_proto(&set).ok()
    }

    /// The chain's state after `height` as one peer tells it, if all of it agrees with `after`, the header that follows,
    /// and with what the application remembers.
    async fn chain_state(
        &self,
        peer: PeerId,
        after: &Signed,
        height: u64,
    ) -> Result<Option<(Signed, ChainState)>, Halt> {
        let genesis = &self.parts.genesis;
        let Some(last) = self.light(peer, height).await else { return Ok(None) };
        if Some(last.hash.as_slice()) != after.header.last_block_id.as_ref().map(|id| id.hash.as_slice()) {
            self.peers.ban(peer, "a header that the chain does not continue").await;
            return Ok(None);
        }
        let before = if height > genesis.initial_height { self.set(peer, height - 1).await } else { None };
        let (Some(of_after), Some(next)) = (self.set(peer, height + 1).await, self.set(peer, height + 2).await) else {
            return Ok(None);
        };
        if of_after.hash() != after.set.hash() || next.hash().as_slice() != after.header.next_validators_hash {
            self.peers.ban(peer, "validator sets that the header does not name").await;
            return Ok(None);
        }
        let info = self.parts.app.info();
        if info.proposer_order == [0; 32] {
            return Err(broken("the application does not remember the order of proposers; replay the blocks instead"));
        }
        if proposer_order(before.as_ref(), &last.set, &of_after) != info.proposer_order {
            self.peers.ban(peer, "validator sets with another order of proposers").await;
            return Ok(None);
        }
        // Headers name the powers of the last set, this node's own rules its order.
        let next = of_after.next(&of_after.changes_to(&next)).map_err(broken)?;
        let state = ChainState {
            chain_id: genesis.chain_id.clone(),
            initial_height: genesis.initial_height,
            last_height: height,
            last_block_id: after.header.last_block_id.clone().unwrap_or_default(),
            last_time: last.time(),
            last_validators: Some(last.set.clone()),
            validators: of_after,
            next_validators: next,
            params: abci::params(&info.consensus_params),
            app_hash: after.header.app_hash.clone(),
            last_results_hash: after.header.last_results_hash.clone(),
        };
        if hash::consensus_params(&state.params).as_slice() != after.header.consensus_hash {
            return Err(broken("the application's parameters are not those of the header"));
        }
        Ok(Some((last, state)))
    }

    /// Times and sets of the blocks that evidence in later blocks may be about, back from `last`. Each header names the
    /// one before it.
    async fn backfill(&self, state: &ChainState, last: &Signed) -> Result<(), Halt> {
        let mut below = last.header.clone();
        self.keep_past(std::slice::from_ref(&last.header), &BTreeMap::from([(last.set.hash(), last.set.clone())]))?;
        let mut kept = 1u64;
        loop {
            let height = u64::try_from(below.height).unwrap_or(0);
            let time = below.time.unwrap_or_default();
            let first = height <= state.initial_height;
            if first || evidence::expired(&state.params, (state.last_height, &state.last_time), height, &time) {
                tracing::info!(headers = kept, "headers for evidence are here");
                return Ok(());
            }
            let Some((headers, sets)) = self.history(&below).await else {
                tracing::warn!(
                    below = height,
                    "peers have no older headers; evidence about older blocks cannot be checked here"
                );
                return Ok(());
            };
            kept += headers.len() as u64;
            self.keep_past(&headers, &sets)?;
            if let Some(lowest) = headers.last() {
                below.clone_from(lowest);
            }
        }
    }

    /// The headers before `below` that the first willing peer has, the highest first, with their sets by hash.
    async fn history(&self, below: &Header) -> Option<Past> {
        let from = u64::try_from(below.height).ok()?.checked_sub(1)?;
        for peer in self.peers.connected() {
            match self.peers.ask(peer, Ask::History(from)).await {
                Some(Told::History(history)) => match linked(below, history) {
                    Some(found) => return Some(found),
                    None => self.peers.ban(peer, "headers that do not follow each other").await,
                },
                Some(Told::Busy(_)) => tokio::time::sleep(PAUSE).await,
                _ => {}
            }
        }
        None
    }

    fn keep_past(&self, headers: &[Header], sets: &Sets) -> Result<(), Halt> {
        let past = headers.iter().map(|header| PastBlock {
            height: u64::try_from(header.height).unwrap_or(0),
            time: header.time.unwrap_or_default(),
            validators_hash: header.validators_hash.clone(),
        });
        let sets: Vec<_> = sets.iter().map(|(hash, set)| (*hash, set.to_proto())).collect();
        Ok(self.parts.store.save_past(&past.collect::<Vec<_>>(), &sets)?)
    }
}

/// The headers, when each is the one that its successor names and its set is there.
pub(super) fn linked(below: &Header, history: History) -> Option<Past> {
    let mut sets = BTreeMap::new();
    for set in &history.sets {
        let set = ValidatorSet::from_proto(set).ok()?;
        sets.insert(set.hash(), set);
    }
    let mut above = below;
    for header in &history.headers {
        let named = above.last_block_id.as_ref()?.hash.as_slice();
        let set: [u8; 32] = header.validators_hash.as_slice().try_into().ok()?;
        if hash::header(header)?.as_slice() != named || !sets.contains_key(&set) {
            return None;
        }
        above = header;
    }
    (!history.headers.is_empty()).then_some((history.headers, sets))
}

/// The commit as consensus keeps it. Extensions of long ago are nobody's business.
fn extended(signed: &Signed) -> ExtendedCommit {
    let signatures = signed.commit.signatures.iter().map(|signature| ExtendedCommitSig {
        block_id_flag: signature.block_id_flag,
        validator_address: signature.validator_address.clone(),
        timestamp: signature.timestamp,
        signature: signature.signature.clone(),
        ..ExtendedCommitSig::default()
    });
    ExtendedCommit {
        height: signed.commit.height,
        round: signed.commit.round,
        block_id: signed.commit.block_id.clone(),
        extended_signatures: signatures.collect(),
    }
}
