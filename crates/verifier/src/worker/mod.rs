//! The scoring worker: what a member of a committee runs beside its node.
//!
//! It looks for runs in which its member has a seat, opens the evidence with the committee's key, extracts features,
//! binds itself to them, opens them to the other members and attests the score that follows from what all opened. It
//! keeps nothing but checkpoints of what it is bound to: whatever the chain shows of a run says what comes next, so it
//! may be killed at any time and started again, and never binds itself to two different features. Evidence comes from
//! strangers: a run that cannot be answered is left out, and the others go on.

mod chain;
mod checkpoint;
mod cross;
mod evidence;
mod keys;
mod score;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use ve_base::envelope::{PublicEncryptionKey, Recipients};
use ve_base::keys::ConsensusSecret;
use ve_base::verification::{self, Opened, RunSubject};
use ve_client::tx::any;
use ve_inference::agreement::{self, Reveal};
use ve_inference::{Features, Model};
use ve_proto::Any;
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::encryption::v1::{Envelope, Mode};
use ve_proto::ve::veid::v1::{
    MsgAttestScore, MsgCommitFeatures, MsgReportRunFailure, MsgRevealFeatures, QueryCaptureContextRequest,
    QueryCaptureContextResponse, QueryParamsRequest, QueryParamsResponse, QueryRevealsRequest, QueryRevealsResponse,
    QueryRunsRequest, QueryRunsResponse, Run, RunState, Seat, VerificationRequest,
};

pub use chain::{Chain, ChainError};
pub use evidence::Extractors;
pub use keys::{DOCUMENTS, KeyError, Keys, MAX_KEYS, SEALING, SIGNING};

use crate::Evidence;
use checkpoint::{Checkpoint, Checkpoints};

/// Runs and scopes that are asked for at once.
const PAGE: u64 = 100;
/// Pages of runs that are looked at in one round: the most urgent.
const PAGES: usize = 10;
/// Answers in one transaction.
const BATCH: usize = 8;
/// Time between looking for checkpoints that nobody needs.
const SWEEP: Duration = Duration::from_secs(600);
/// The chain's codes for an answer that was given before or comes too late.
const ANSWERED: [u32; 2] = [32, 33];

/// Why a worker cannot go on, or cannot answer in a run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The chain scores with another model.
    #[error("the chain scores with model {chain}, this worker has {own}; give it the manifest of the chain's model")]
    Model {
        /// In hexadecimal.
        chain: String,
        /// In hexadecimal.
        own: String,
    },
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A checkpoint could not be kept.
    #[error("checkpoint {0}: {1}")]
    Checkpoint(PathBuf, String),
    /// A checkpoint is not what was written.
    #[error(
        "checkpoint {0} does not open, so this run is not answered: another commitment could contradict the first. Put \
         back the file or the sealing key that it was made with; remove it only when no run is open"
    )]
    Damaged(PathBuf),
    /// Another worker has these checkpoints.
    #[error("another verifier works with the checkpoints in {0}; stop it, or give this one another folder")]
    Busy(PathBuf),
    /// A run on the chain is not of the form that this release knows.
    #[error("the run is not of the form that this release knows; update it")]
    Form,
    /// The chain has a key of this member that is not here.
    #[error("the key {0}, which the chain has for this member, is not here; put its file into the folder of keys")]
    Key(String),
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Commitments sent.
    pub committed: usize,
    /// Features opened.
    pub revealed: usize,
    /// Scores attested.
    pub attested: usize,
    /// Runs reported as failed.
    pub failed: usize,
    /// Answers that the chain refused.
    pub refused: usize,
    /// Runs that cannot be answered here; the log says why.
    pub left_out: usize,
}

impl Round {
    fn counter(&mut self, message: &Any) -> &mut usize {
        match message.type_url.rsplit('.').next() {
            Some("MsgCommitFeatures") => &mut self.committed,
            Some("MsgRevealFeatures") => &mut self.revealed,
            Some("MsgAttestScore") => &mut self.attested,
            _ => &mut self.failed,
        }
    }
}

/// A member's worker.
pub struct Worker<C> {
    chain: C,
    /// Account of the member.
    member: String,
    keys: Keys,
    /// By their ids.
    models: BTreeMap<[u8; 32], Model>,
    extractors: Extractors,
    /// Folder of ciphertexts that are kept off the chain, by their content ids.
    artifacts: Option<PathBuf>,
    checkpoints: Checkpoints,
    swept: Option<Instant>,
}

/// A run and the member's seat in it.
#[derive(Clone, Copy)]
struct Turn<'a> {
    request: &'a VerificationRequest,
    run: &'a Run,
    run_id: [u8; 32],
    seat: &'a Seat,
    /// The key of the enclave that has the seat.
    signing: &'a ConsensusSecret,
}

impl<C: Chain> Worker<C> {
    /// A worker of `member` that scores with whichever of `models` the chain scores with and keeps its checkpoints in
    /// `folder`, which no other worker has meanwhile.
    pub fn new(chain: C, member: String, keys: Keys, models: Vec<Model>, folder: PathBuf) -> Result<Self, WorkerError> {
        let checkpoints = Checkpoints::open(folder, chain.chain_id(), &member)?;
        let models = models.into_iter().map(|model| (model.digest(), model)).collect();
        let extractors = Evidence::extractors();
        Ok(Self { chain, member, keys, models, extractors, artifacts: None, checkpoints, swept: None })
    }

    /// With other extractors, by kind of evidence.
    pub fn with_extractors(mut self, extractors: Extractors) -> Self {
        self.extractors = extractors;
        self
    }

    /// With a folder of ciphertexts that are kept off the chain.
    pub fn with_artifacts(mut self, folder: Option<PathBuf>) -> Self {
        self.artifacts = folder;
        self
    }

    /// Answers every open run once, as far as it is this member's turn.
    pub async fn round(&mut self) -> Result<Round, WorkerError> {
        self.check_model().await?;
        let mut round = Round::default();
        let requests = self.open_runs().await?;
        let mut answers = Vec::new();
        for request in &requests {
            match self.answer(request).await {
                Ok(answer) => answers.extend(answer),
                Err(WorkerError::Chain(error @ ChainError::Unreachable(_))) => return Err(error.into()),
                Err(error) => {
                    let run = request.run.as_ref().map(|run| hex(&run.run_id));
                    tracing::error!(run, %error, "this run is left out");
                    round.left_out += 1;
                }
            }
            if answers.len() >= BATCH {
                self.send(std::mem::take(&mut answers), &mut round).await?;
            }
        }
        self.send(answers, &mut round).await?;
        self.sweep(&requests);
        Ok(round)
    }

    /// Removes checkpoints that nobody needs, now and then.
    fn sweep(&mut self, requests: &[VerificationRequest]) {
        if self.swept.is_some_and(|swept| swept.elapsed() < SWEEP) {
            return;
        }
        let runs = requests.iter().filter_map(|request| request.run.as_ref());
        let open: Vec<&[u8]> = runs.map(|run| run.run_id.as_slice()).collect();
        if let Err(error) = self.checkpoints.keep_only(&open) {
            tracing::warn!(%error, "old checkpoints stay");
        }
        self.swept = Some(Instant::now());
    }

    /// Whether this verifier has the model that the chain scores with.
    async fn check_model(&self) -> Result<(), WorkerError> {
        let params: QueryParamsResponse = self.chain.query("/ve.veid.v1.Query/Params", &QueryParamsRequest {}).await?;
        self.model(&params.params.unwrap_or_default().model_id).map(|_| ())
    }

    fn model(&self, id: &[u8]) -> Result<&Model, WorkerError> {
        let known = self.models.iter().find(|(known, _)| known[..] == *id).map(|(_, model)| model);
        known.ok_or_else(|| {
            let own: Vec<String> = self.models.keys().map(|id| hex(id)).collect();
            WorkerError::Model { chain: hex(id), own: own.join(" and ") }
        })
    }

    async fn open_runs(&self) -> Result<Vec<VerificationRequest>, WorkerError> {
        let mut found = Vec::new();
        let mut key = Vec::new();
        for _ in 0..PAGES {
            let pagination = Some(PageRequest { key, limit: PAGE, ..PageRequest::default() });
            let request = QueryRunsRequest { member: self.member.clone(), pagination };
            let page: QueryRunsResponse = self.chain.query("/ve.veid.v1.Query/Runs", &request).await?;
            found.extend(page.requests);
            key = page.pagination.unwrap_or_default().next_key;
            if key.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Sends answers together; when one is refused, each by itself.
    async fn send(&self, answers: Vec<Any>, round: &mut Round) -> Result<(), WorkerError> {
        let count = answers.len();
        if count > 1 {
            match self.chain.send(answers.clone()).await {
                Ok(()) => {
                    answers.iter().for_each(|answer| *round.counter(answer) += 1);
                    return Ok(());
                }
                Err(ChainError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for answer in answers {
            match self.chain.send(vec![answer.clone()]).await {
                Ok(()) => *round.counter(&answer) += 1,
                // The phase ended meanwhile, or what a killed worker had sent came through after all.
                Err(ChainError::Refused { codespace, code, .. }) if codespace == "veid" && ANSWERED.contains(&code) => {
                    tracing::info!(answer = answer.type_url, code, "the chain takes this answer no more");
                }
                Err(ChainError::Refused { codespace, code, log }) => {
                    tracing::warn!(answer = answer.type_url, %codespace, code, %log, "the chain refuses an answer");
                    round.refused += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What the member has to say now, if anything.
    async fn answer(&self, request: &VerificationRequest) -> Result<Option<Any>, WorkerError> {
        let Some(run) = &request.run else { return Ok(None) };
        let Some(seat) = run.seats.iter().find(|seat| seat.member == self.member) else { return Ok(None) };
        let failed = !seat.failure.is_empty();
        let due = match run.state() {
            RunState::Extracting => seat.commit.is_empty() && !failed,
            RunState::Revealing => !seat.commit.is_empty() && seat.e_digest.is_empty(),
            RunState::Attesting => !seat.e_digest.is_empty() && seat.attestation.is_none() && !failed,
            _ => false,
        };
        if !due {
            return Ok(None);
        }
        let run_id = run.run_id.as_slice().try_into().map_err(|_| WorkerError::Form)?;
        let signing = self.keys.signing(&seat.signing_key).ok_or_else(|| WorkerError::Key(hex(&seat.signing_key)))?;
        let turn = Turn { request, run, run_id, seat, signing };
        match run.state() {
            RunState::Extracting => self.commit(turn).await,
            RunState::Revealing => self.reveal(turn).await,
            _ => self.attest(turn).await,
        }
    }

    async fn commit(&self, turn: Turn<'_>) -> Result<Option<Any>, WorkerError> {
        let place = self.checkpoints.place(&turn.run_id);
        let kept = match self.checkpoints.read(&place, &self.keys)? {
            Some(kept) => kept,
            None => match self.extract(turn.request, turn.run).await? {
                Ok(findings) => {
                    let kept = Checkpoint::new(&place, findings.features, turn.signing).ok_or(WorkerError::Form)?;
                    // Before anybody hears of it: from here on these are the features of this run.
                    self.checkpoints.write(&place, &kept, &self.keys)?;
                    kept
                }
                Err(evidence::MISSING) if self.early(turn.run).await? => return Ok(None),
                Err(code) => return Ok(Some(self.failure(turn, code))),
            },
        };
        let commit = self.commitment(turn, &kept);
        let digest = verification::commit_signed(self.chain.chain_id(), &turn.run_id, &self.member, &commit);
        Ok(Some(any(&MsgCommitFeatures {
            member: self.member.clone(),
            run_id: turn.run_id.to_vec(),
            commit,
            enclave_signature: turn.signing.sign(&digest).to_vec(),
        })))
    }

    fn commitment(&self, turn: Turn<'_>, kept: &Checkpoint) -> Vec<u8> {
        agreement::commitment(&turn.run_id, self.member.as_bytes(), kept.reveal()).to_vec()
    }

    /// Whether less than half of a phase is over by the chain's time, so that what is missing may still come.
    async fn early(&self, run: &Run) -> Result<bool, WorkerError> {
        let asked = self.chain.query("/ve.veid.v1.Query/CaptureContext", &QueryCaptureContextRequest {}).await;
        let context: QueryCaptureContextResponse = match asked {
            Err(ChainError::Refused { .. }) => return Ok(false),
            answered => answered?,
        };
        let now = context.block.unwrap_or_default().time;
        Ok(now.saturating_sub(run.started_at) < run.deadline.saturating_sub(run.started_at) / 2)
    }

    /// What the member is bound to; read from the evidence again where its checkpoint is gone.
    async fn bound(&self, turn: Turn<'_>) -> Result<Option<Checkpoint>, WorkerError> {
        let place = self.checkpoints.place(&turn.run_id);
        let kept = match self.checkpoints.read(&place, &self.keys)? {
            Some(kept) => Some(kept),
            None => match self.extract(turn.request, turn.run).await? {
                Ok(findings) => Checkpoint::new(&place, findings.features, turn.signing),
                Err(_) => None,
            },
        };
        Ok(kept.filter(|kept| self.commitment(turn, kept) == turn.seat.commit))
    }

    async fn reveal(&self, turn: Turn<'_>) -> Result<Option<Any>, WorkerError> {
        let Some(kept) = self.bound(turn).await? else {
            let run = hex(&turn.run_id);
            tracing::error!(run, "what this member is bound to is lost; the run ends without it");
            return Ok(None);
        };
        let Reveal { nonce, features } = kept.reveal();
        let opened = Opened { nonce: *nonce, features: features.encode() };
        let sealed = verification::seal_opened(&self.subject(turn), &recipients(turn.run)?, &opened);
        let sealed = sealed.map_err(|_| WorkerError::Form)?;
        let e_digest = agreement::exact_digest(features).to_vec();
        let hash = Sha256::digest(sealed.encode_to_vec());
        let digest = verification::reveal_signed(self.chain.chain_id(), &turn.run_id, &self.member, &hash, &e_digest);
        Ok(Some(any(&MsgRevealFeatures {
            member: self.member.clone(),
            run_id: turn.run_id.to_vec(),
            features: Some(sealed),
            e_digest,
            enclave_signature: turn.signing.sign(&digest).to_vec(),
        })))
    }

    async fn attest(&self, turn: Turn<'_>) -> Result<Option<Any>, WorkerError> {
        let asked = QueryRevealsRequest { run_id: turn.run_id.to_vec() };
        let reveals: QueryRevealsResponse = self.chain.query("/ve.veid.v1.Query/Reveals", &asked).await?;
        let sealed: BTreeMap<String, Envelope> =
            reveals.reveals.into_iter().map(|reveal| (reveal.member, reveal.features.unwrap_or_default())).collect();
        // All are kept until the run ends: without one of them it ended since the chain was asked for runs.
        let seats = turn.run.seats.iter().filter(|seat| !seat.e_digest.is_empty());
        if seats.clone().any(|seat| !sealed.contains_key(&seat.member)) {
            return Ok(None);
        }
        // What the score rests on besides features is read again: it is the same for every member.
        let findings = match self.extract(turn.request, turn.run).await? {
            Ok(findings) => findings,
            Err(code) => return Ok(Some(self.failure(turn, code))),
        };
        let opened = self.open_all(turn, &sealed)?;
        let Some(attestation) = score::attestation(turn.run, &opened, &findings, self.model(&turn.run.model_id)?)
        else {
            return Ok(Some(self.failure(turn, "NO_AGREEMENT")));
        };
        let digest = verification::attestation_digest(&turn.run_id, &attestation);
        let signed = verification::attestation_signed(self.chain.chain_id(), &self.member, &digest);
        Ok(Some(any(&MsgAttestScore {
            member: self.member.clone(),
            run_id: turn.run_id.to_vec(),
            attestation: Some(attestation),
            enclave_signature: turn.signing.sign(&signed).to_vec(),
        })))
    }

    /// What members opened, `None` where it is not what they were bound to.
    fn open_all(
        &self,
        turn: Turn<'_>,
        sealed: &BTreeMap<String, Envelope>,
    ) -> Result<BTreeMap<String, Option<Reveal>>, WorkerError> {
        let (subject, recipients) = (self.subject(turn), recipients(turn.run)?);
        // Without a key here all that the others opened would look wrong, and they would be blamed for it.
        let own = recipients.keys.keys().find_map(|id| Some((id, self.keys.sealing(id)?)));
        let (key_id, key) = own.ok_or_else(|| WorkerError::Key(turn.seat.key_id.clone()))?;
        let open = |sealed: &Envelope| {
            let opened = verification::open_opened(&subject, &recipients, sealed, key_id, key).ok()?;
            Some(Reveal { nonce: opened.nonce, features: Features::decode(&opened.features).ok()? })
        };
        let bound = |seat: &Seat| {
            let reveal = open(sealed.get(&seat.member)?)?;
            let commit = agreement::commitment(&turn.run_id, seat.member.as_bytes(), &reveal);
            let e_digest = agreement::exact_digest(&reveal.features);
            (commit[..] == seat.commit[..] && e_digest[..] == seat.e_digest[..]).then_some(reveal)
        };
        let seats = turn.run.seats.iter().filter(|seat| !seat.e_digest.is_empty());
        Ok(seats.map(|seat| (seat.member.clone(), bound(seat))).collect())
    }

    fn subject<'a>(&'a self, turn: Turn<'a>) -> RunSubject<'a> {
        RunSubject { chain_id: self.chain.chain_id(), run_id: &turn.run.run_id, owner: &turn.request.owner }
    }

    fn failure(&self, turn: Turn<'_>, code: &str) -> Any {
        tracing::warn!(run = hex(&turn.run_id), code, "this run cannot be scored here");
        let evidence_hash = vec![0; 32];
        let digest =
            verification::failure_signed(self.chain.chain_id(), &turn.run_id, &self.member, code, &evidence_hash);
        any(&MsgReportRunFailure {
            member: self.member.clone(),
            run_id: turn.run_id.to_vec(),
            code: code.to_owned(),
            evidence_hash,
            enclave_signature: turn.signing.sign(&digest).to_vec(),
        })
    }
}

/// All members of a run.
fn recipients(run: &Run) -> Result<Recipients, WorkerError> {
    let entry = |seat: &Seat| {
        let key = PublicEncryptionKey::new(seat.suite(), &seat.sealing_key).map_err(|_| WorkerError::Form)?;
        Ok((seat.key_id.clone(), key))
    };
    let keys = run.seats.iter().map(entry).collect::<Result<_, WorkerError>>()?;
    Ok(Recipients { mode: Mode::Committee, epoch: run.epoch, keys })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
