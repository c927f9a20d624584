//! The application's side of the consensus engine: answers its callbacks from the chain, the block store and the
//! mempool. Runs on a thread of its own, so that executing a block never holds up the engine's other questions, which
//! `router` answers from the block store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use malachitebft_app_channel::app::types::LocallyProposedValue;
use malachitebft_app_channel::{AppMsg, NetworkMsg};
use malachitebft_core_consensus::ProposedValue;
use malachitebft_core_types::{
    CommitCertificate, ExtendedCommitCertificate, HeightParams, LinearTimeouts, Round, Validity, VoteExtensionPolicy,
    VoteExtensions,
};
use malachitebft_engine::host::{Next, SyncedValueOutcome};
use malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use prost::Message;
use tokio::sync::mpsc;
use ve_proto::tendermint::types::{BlockIdFlag, Commit, CommitSig};
use ve_sdk::application::Verdict;

use super::codec::CertificateWire;
use super::context::{Address, Height, ProposalPart, ValidatorSet, ValueId, VeContext, VoteExtension};
use super::streams::{Received, Streams};
use crate::chain::{self, SealedBlock, Stage};
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
        HeightParams::new(
            ValidatorSet::new(state.validators.clone()),
            self.timeouts,
            (!self.block_interval.is_zero()).then_some(self.block_interval),
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
                self.core.note_round(height.0, round.as_u32().unwrap_or(0), proposer.0);
                let _ = reply_value.send(self.known_values(height)?);
            }
            AppMsg::GetValue { height, round, reply, .. } => {
                if let Some(value) = self.propose(height, round)? {
                    let _ = reply.send(value);
                }
            }
            AppMsg::ExtendVote { height, value_id, vote_extension_policy, reply, .. } => {
                let extension = vote_extension_policy
                    .is_required()
                    .then(|| VoteExtension(self.core.app.extend_vote(height.0, &value_id.hash).to_vec()));
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
                let publisher = published_by.unwrap_or(from);
                let max = self.core.max_block_bytes();
                let received = match self.streams.insert(publisher, part, self.height(), max) {
                    Ok(received) => received,
                    Err(error) => {
                        tracing::warn!(%publisher, %error, "proposal part refused");
                        None
                    }
                };
                let value = match received {
                    Some(received) => self.received(received)?,
                    None => None,
                };
                let _ = reply.send(value);
            }
            AppMsg::Decided { certificate, extensions, reply } => {
                self.decided(certificate, extensions)?;
                let _ = reply.send(());
            }
            AppMsg::Finalized { certificate, extensions, evidence, reply } => {
                if !evidence.is_empty() {
                    tracing::warn!(height = certificate.height.0, "a validator signed twice");
                }
                let extended =
                    ExtendedCommitCertificate::from_commit_certificate_and_extensions(certificate, extensions);
                self.keep_certificate(&extended)?;
                if self.core.must_halt() {
                    return Err(Halt::Planned(self.core.state().last_height));
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

    fn verify_extensions(
        &self,
        height: Height,
        extensions: Vec<(Address, VoteExtension)>,
    ) -> malachitebft_core_consensus::VoteExtensionVerdicts<VeContext> {
        use malachitebft_core_consensus::VoteExtensionError;
        extensions
            .into_iter()
            .map(|(address, extension)| {
                let verdict = self.core.app.verify_vote_extension(height.0, &address.0, &extension.0);
                let accepted = match verdict {
                    Verdict::Accept => Ok(()),
                    Verdict::Reject(_) => Err(VoteExtensionError::InvalidVoteExtension),
                };
                (address, accepted)
            })
            .collect()
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
        let number = round.as_u32().unwrap_or(0);
        // After a crash the same proposal must be made again: the guard refuses to sign another one.
        let sealed = match self.core.store.built(height.0, number)?.and_then(SealedBlock::decode) {
            Some(sealed) => sealed,
            None => {
                let commit = self.last_commit()?;
                let candidates = self.core.mempool.reap(self.core.max_block_bytes() as u64);
                let built = chain::build(&state, &self.core.app, commit, candidates, self.address.0);
                let sealed = built.ok_or_else(|| Halt::Broken("the proposed block has no header".into()))?;
                self.core.store.save_undecided(height.0, &sealed.hash(), &sealed.bytes, Some(number))?;
                sealed
            }
        };
        let id = value_of(&sealed)?;
        self.stream(height, round, Round::Nil, &id, &sealed.bytes);
        Ok(Some(LocallyProposedValue::new(height, round, id)))
    }

    /// The commit for the last block, as the next block carries it.
    fn last_commit(&self) -> Result<Commit, Halt> {
        let state = self.core.state();
        match self.core.store.certificate(state.last_height)? {
            Some(bytes) => {
                let certificate = decode_certificate(&bytes)?;
                let set = state.last_validators.as_ref();
                Ok(export_commit(&certificate, set.map(|set| set.validators()).unwrap_or_default()))
            }
            None => Ok(Commit::default()),
        }
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
        let validity = self.judge(&sealed, Stage::Proposed);
        self.core.store.save_undecided(announced.height.0, &sealed.hash(), &sealed.bytes, None)?;
        Ok(Some(ProposedValue {
            height: announced.height,
            round: announced.round,
            valid_round: announced.pol_round,
            proposer: announced.proposer,
            value: announced.id.clone(),
            validity,
        }))
    }

    fn judge(&self, sealed: &SealedBlock, stage: Stage) -> Validity {
        match chain::validate(&self.core.state(), &self.core.app, sealed, stage) {
            Ok(()) => Validity::Valid,
            Err(reason) => {
                tracing::warn!(height = sealed.height(), reason, "block refused");
                Validity::Invalid
            }
        }
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
        let validity = self.judge(&sealed, Stage::Decided);
        if validity == Validity::Invalid {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        self.core.store.save_undecided(height.0, &sealed.hash(), &sealed.bytes, None)?;
        Ok(SyncedValueOutcome::Verdict(ProposedValue {
            height,
            round,
            valid_round: Round::Nil,
            proposer,
            value: value_of(&sealed)?,
            validity,
        }))
    }

    /// Stores and executes the decided block. Doing it again after a crash changes nothing.
    fn decided(
        &mut self,
        certificate: CommitCertificate<VeContext>,
        extensions: VoteExtensions<VeContext>,
    ) -> Result<(), Halt> {
        let height = certificate.height.0;
        if height < self.core.state().next_height() {
            return Ok(());
        }
        let hash = certificate.value_id.hash;
        let bytes = match self.core.store.undecided(height, &hash)? {
            Some(bytes) => bytes,
            None => match self.core.store.block(height)? {
                Some(stored) if stored.id.hash == hash => self.core.store.block_bytes(height)?.unwrap_or_default(),
                _ => return Err(Halt::Broken(format!("block {height} was decided but its bytes are not here"))),
            },
        };
        let sealed = SealedBlock::decode(bytes)
            .ok_or_else(|| Halt::Broken(format!("the bytes of block {height} are damaged")))?;
        let extended = ExtendedCommitCertificate::from_commit_certificate_and_extensions(certificate, extensions);
        let wire = borsh::to_vec(&CertificateWire::from_message(&extended))
            .map_err(|error| Halt::Broken(error.to_string()))?;
        self.core.store.save_decided(height, &hash, &sealed.bytes, &wire)?;
        let round = u32::try_from(extended.round.as_i64()).unwrap_or(0);
        self.core.apply(&sealed, round)?;
        self.streams.forget_before(Height(height.saturating_add(1)));
        Ok(())
    }

    fn keep_certificate(&self, certificate: &ExtendedCommitCertificate<VeContext>) -> Result<(), Halt> {
        let height = certificate.height.0;
        if height != self.core.state().last_height {
            return Ok(());
        }
        let kept = match self.core.store.certificate(height)? {
            Some(bytes) => decode_certificate(&bytes)?.commit_signatures.len(),
            None => 0,
        };
        if certificate.commit_signatures.len() <= kept {
            return Ok(());
        }
        let wire = borsh::to_vec(&CertificateWire::from_message(certificate))
            .map_err(|error| Halt::Broken(error.to_string()))?;
        Ok(self.core.store.save_certificate(height, &wire)?)
    }
}

fn value_of(sealed: &SealedBlock) -> Result<ValueId, Halt> {
    ValueId::new(&sealed.id, &sealed.time).ok_or_else(|| Halt::Broken("a block without id".into()))
}

pub(super) fn decode_certificate(bytes: &[u8]) -> Result<ExtendedCommitCertificate<VeContext>, Halt> {
    let wire: CertificateWire =
        borsh::from_slice(bytes).map_err(|_| Halt::Broken("a stored certificate is damaged".into()))?;
    Ok(wire.into_message())
}

/// The certificate as CometBFT's commit: in the set's order, every timestamp the header's time, missing votes absent.
fn export_commit(
    certificate: &ExtendedCommitCertificate<VeContext>,
    validators: &[crate::comet::validators::Validator],
) -> Commit {
    let signatures = validators
        .iter()
        .map(|validator| {
            let found = certificate.commit_signatures.iter().find(|entry| entry.address.0 == validator.address);
            found.map_or_else(chain::absent, |entry| CommitSig {
                block_id_flag: BlockIdFlag::Commit as i32,
                validator_address: validator.address.to_vec(),
                timestamp: Some(certificate.value_id.time()),
                signature: entry.signature.0.to_vec(),
            })
        })
        .collect();
    Commit {
        height: certificate.height.0 as i64,
        round: i32::try_from(certificate.round.as_i64()).unwrap_or(0),
        block_id: Some(certificate.value_id.block_id()),
        signatures,
    }
}

/// The commit that this node saw for a block, from its stored certificate.
pub fn seen_commit(certificate: &[u8], set: &crate::comet::validators::ValidatorSet) -> Result<Commit, Halt> {
    Ok(export_commit(&decode_certificate(certificate)?, set.validators()))
}
