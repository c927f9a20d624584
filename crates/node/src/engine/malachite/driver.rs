//! The application's side of the consensus engine: answers its callbacks from the chain, the block store and the
//! mempool. Runs on a thread of its own, so that executing a block never holds up the engine's other questions, which
//! `router` answers from the block store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use malachitebft_app_channel::app::types::LocallyProposedValue;
use malachitebft_app_channel::{AppMsg, NetworkMsg};
use malachitebft_core_consensus::{MisbehaviorEvidence, ProposedValue};
use malachitebft_core_types::{
    CommitCertificate, HeightParams, LinearTimeouts, Round, Validity, VoteExtensionPolicy, VoteExtensions,
};
use malachitebft_engine::host::{Next, SyncedValueOutcome};
use malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use prost::Message;
use tokio::sync::mpsc;
use ve_sdk::application::Verdict;

use super::commits;
use super::context::{
    Address, Height, MAX_EXTENSION_BYTES, ProposalPart, ValidatorSet, ValueId, VeContext, VoteExtension,
};
use super::streams::{Received, Streams};
use crate::chain::{SealedBlock, Stage};
use crate::comet::parts;
use crate::core::{Core, Halt};

pub(super) type Callback = AppMsg<VeContext>;

pub(super) struct Driver {
    core: Arc<Core>,
    address: Address,
    network: mpsc::Sender<NetworkMsg<VeContext>>,
    timeouts: LinearTimeouts,
    block_interval: Duration,
    streams: Streams,
    /// Height of the last started round: the engine knows no later one yet, whatever is committed.
    started: Height,
    /// Complete blocks of heights that this node has not reached.
    future: Vec<Received>,
    stream_counter: u64,
}

/// Blocks kept for later heights.
const MAX_FUTURE: usize = 16;

/// So many times sooner the next block begins while enough transactions for it wait. Late votes are collected in what
/// remains of the interval.
const HURRY: u32 = 10;

impl Driver {
    pub(super) fn new(
        core: Arc<Core>,
        address: Address,
        network: mpsc::Sender<NetworkMsg<VeContext>>,
        timeouts: LinearTimeouts,
        block_interval: Duration,
    ) -> Self {
        Self {
            core,
            address,
            network,
            timeouts,
            block_interval,
            streams: Streams::default(),
            started: Height(0),
            future: Vec::new(),
            stream_counter: 0,
        }
    }

    fn height(&self) -> Height {
        Height(self.core.state().next_height())
    }

    fn params(&self) -> HeightParams<VeContext> {
        let state = self.core.state();
        let enable = state.params.abci.as_ref().map_or(0, |abci| abci.vote_extensions_enable_height);
        let required = enable > 0 && state.next_height() as i64 >= enable;
        let policy = if required { VoteExtensionPolicy::Required } else { VoteExtensionPolicy::Disabled };
        let interval = if self.core.mempool.is_crowded() { self.block_interval / HURRY } else { self.block_interval };
        HeightParams::new(
            ValidatorSet::new(state.validators.clone()),
            self.timeouts,
            (!interval.is_zero()).then_some(interval),
        )
        .with_vote_extension_policy(policy)
    }

    /// Answers one callback. An error ends the node: going on could contradict what is on disk.
    pub(super) fn handle(&mut self, message: Callback) -> Result<(), Halt> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let _ = reply.send((self.height(), self.params()));
            }
            AppMsg::StartedRound { height, round, proposer, reply_value, .. } => {
                self.started = height;
                self.streams.start_round();
                self.core.note_round(height.0, round.as_u32().unwrap_or(0), proposer.0);
                let _ = reply_value.send(self.known_values(height)?);
            }
            AppMsg::GetValue { height, round, reply, .. } => {
                if let Some(value) = self.propose(height, round)? {
                    let _ = reply.send(value);
                }
            }
            AppMsg::ExtendVote { height, value_id, vote_extension_policy, reply, .. } => {
                let extension = vote_extension_policy.is_required().then(|| self.extend(height, &value_id));
                let _ = reply.send(extension);
            }
            AppMsg::VerifyVoteExtensions { height, extensions, reply, .. } => {
                let _ = reply.send(self.verify_extensions(height, extensions));
            }
            AppMsg::RestreamProposal { height, round, valid_round, value_id, .. } => {
                if let Some(bytes) = self.core.store.undecided(height.0, &value_id.hash)? {
                    self.stream(height, round, valid_round, &value_id, &bytes);
                }
            }
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                let max = self.core.max_block_bytes();
                let value = match self.streams.insert((from, published_by), part, self.height(), max) {
                    Ok(Some(received)) => self.received(received)?,
                    Ok(None) => None,
                    Err(error) => {
                        self.core.metrics.refused_part();
                        tracing::warn!(?published_by, %error, "proposal part refused");
                        None
                    }
                };
                let _ = reply.send(value);
            }
            AppMsg::Decided { certificate, extensions, reply } => {
                self.decided(certificate, extensions)?;
                let _ = reply.send(());
            }
            AppMsg::Finalized { certificate, extensions, evidence, reply } => {
                let state = self.core.state();
                if let Some(set) = state.last_validators.as_ref().filter(|_| certificate.height.0 == state.last_height)
                {
                    self.core.improve_commit(&commits::extended_commit(certificate, extensions, set))?;
                }
                self.report(&evidence);
                if self.core.must_halt() {
                    return Err(Halt::Planned(state.last_height));
                }
                let _ = reply.send(Next::Start(self.height(), self.params()));
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let _ = reply.send(self.synced(height, round, proposer, value_bytes)?);
            }
            AppMsg::GetHistoryMinHeight { .. } | AppMsg::GetDecidedValues { .. } => {}
        }
        Ok(())
    }

    /// What this node attaches to its precommit. Too much of it would make every peer drop the vote.
    fn extend(&self, height: Height, id: &ValueId) -> VoteExtension {
        let extension = self.core.app.extend_vote(height.0, &id.hash);
        if extension.len() > MAX_EXTENSION_BYTES {
            tracing::error!(bytes = extension.len(), "the application's vote extension is too large; sending none");
            return VoteExtension(Vec::new());
        }
        VoteExtension(extension.to_vec())
    }

    fn verify_extensions(
        &self,
        height: Height,
        extensions: Vec<(Address, VoteExtension)>,
    ) -> malachitebft_core_consensus::VoteExtensionVerdicts<VeContext> {
        use malachitebft_core_consensus::VoteExtensionError;
        let accepted = |address: &Address, extension: &VoteExtension| {
            // Empty is what a validator sends whose application has nothing to say: never a reason to lose its vote.
            extension.0.is_empty()
                || (extension.0.len() <= MAX_EXTENSION_BYTES
                    && self.core.app.verify_vote_extension(height.0, &address.0, &extension.0) == Verdict::Accept)
        };
        extensions
            .into_iter()
            .map(|(address, extension)| {
                let good = accepted(&address, &extension);
                (address, if good { Ok(()) } else { Err(VoteExtensionError::InvalidVoteExtension) })
            })
            .collect()
    }

    /// Two votes of one validator in one place become evidence. Two proposals cannot: CometBFT has no proof of that kind.
    fn report(&self, evidence: &MisbehaviorEvidence<VeContext>) {
        for (address, _) in &evidence.proposals {
            self.core.metrics.double_proposal();
            tracing::warn!(validator = %address, "a validator proposed two blocks in one round");
        }
        let state = self.core.state();
        for (address, pairs) in &evidence.votes {
            for (left, right) in pairs {
                match self.core.evidence.report(&state, commits::vote(left), commits::vote(right)) {
                    Ok(true) => tracing::warn!(validator = %address, "a validator voted twice; evidence is kept"),
                    Ok(false) => {}
                    Err(error) => tracing::debug!(validator = %address, %error, "a double vote is no evidence"),
                }
            }
        }
    }

    /// Blocks of this height that came before its time.
    fn known_values(&mut self, height: Height) -> Result<Vec<ProposedValue<VeContext>>, Halt> {
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.future).into_iter().partition(|received| received.announced.height == height);
        self.future = later.into_iter().filter(|received| received.announced.height > height).collect();
        let mut values = Vec::new();
        for received in now {
            values.extend(self.received(received)?);
        }
        Ok(values)
    }

    fn propose(&mut self, height: Height, round: Round) -> Result<Option<LocallyProposedValue<VeContext>>, Halt> {
        let state = self.core.state();
        if height.0 != state.next_height() {
            tracing::warn!(height = height.0, "asked for a block of another height");
            return Ok(None);
        }
        self.core.note_syncing(false);
        let sealed = self.core.propose(round.as_u32().unwrap_or(0), self.address.0)?;
        let id = value_of(&sealed)?;
        self.stream(height, round, Round::Nil, &id, &sealed.bytes);
        Ok(Some(LocallyProposedValue::new(height, round, id)))
    }

    fn stream(&mut self, height: Height, round: Round, pol_round: Round, id: &ValueId, bytes: &[u8]) {
        self.stream_counter += 1;
        let mut name = height.0.to_be_bytes().to_vec();
        name.extend(round.as_i64().to_be_bytes());
        name.extend(self.stream_counter.to_be_bytes());
        let stream = StreamId::new(name.into());
        let pieces = parts::split(bytes);
        let count = pieces.len();
        let init = ProposalPart::Init { height, round, pol_round, proposer: self.address, id: id.clone() };
        let data = pieces
            .into_iter()
            .enumerate()
            .map(|(index, part)| ProposalPart::Piece { part: part.encode_to_vec(), last: index + 1 == count });
        let contents = std::iter::once(init).chain(data).map(StreamContent::Data).chain([StreamContent::Fin]);
        for (sequence, content) in contents.enumerate() {
            let message = StreamMessage::new(stream.clone(), sequence as u64, content);
            if self.network.blocking_send(NetworkMsg::PublishProposalPart(message)).is_err() {
                return;
            }
        }
    }

    /// A complete block from the network: kept, judged, reported.
    fn received(&mut self, received: Received) -> Result<Option<ProposedValue<VeContext>>, Halt> {
        let announced = &received.announced;
        let current = self.height();
        if announced.height > current || announced.height > self.started {
            if self.future.len() >= MAX_FUTURE {
                self.future.remove(0);
            }
            self.future.push(received);
            return Ok(None);
        }
        if announced.height < current {
            return Ok(None);
        }
        let Some(sealed) = SealedBlock::decode(received.bytes.clone()) else {
            tracing::warn!(height = announced.height.0, "a proposed block does not decode");
            return Ok(None);
        };
        if value_of(&sealed)? != announced.id {
            tracing::warn!(height = announced.height.0, "a proposed block is not the announced one");
            return Ok(None);
        }
        self.core.note_syncing(false);
        let validity = match self.core.judge(&sealed, Stage::Proposed)? {
            Ok(()) => Validity::Valid,
            Err(_) => Validity::Invalid,
        };
        Ok(Some(ProposedValue {
            height: announced.height,
            round: announced.round,
            valid_round: announced.pol_round,
            proposer: announced.proposer,
            value: announced.id.clone(),
            validity,
        }))
    }

    fn synced(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: Bytes,
    ) -> Result<SyncedValueOutcome<VeContext>, Halt> {
        if height != self.height() {
            return Ok(SyncedValueOutcome::LocalTransientError);
        }
        let Some(sealed) = SealedBlock::decode(bytes).filter(|sealed| sealed.height() == height.0) else {
            return Ok(SyncedValueOutcome::PeerFault);
        };
        self.core.note_syncing(true);
        if self.core.judge(&sealed, Stage::Decided)?.is_err() {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        Ok(SyncedValueOutcome::Verdict(ProposedValue {
            height,
            round,
            valid_round: Round::Nil,
            proposer,
            value: value_of(&sealed)?,
            validity: Validity::Valid,
        }))
    }

    fn decided(
        &mut self,
        certificate: CommitCertificate<VeContext>,
        extensions: VoteExtensions<VeContext>,
    ) -> Result<(), Halt> {
        let state = self.core.state();
        let hash = certificate.value_id.hash;
        if certificate.height.0 == state.next_height() {
            self.core.decide(&hash, &commits::extended_commit(certificate, extensions, &state.validators))?;
        }
        self.streams.forget_before(self.height());
        Ok(())
    }
}

fn value_of(sealed: &SealedBlock) -> Result<ValueId, Halt> {
    ValueId::new(&sealed.id, &sealed.time).ok_or_else(|| Halt::Broken("a block without id".into()))
}
