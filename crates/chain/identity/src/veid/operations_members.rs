//! Random operations of those who ask for verification and of the members who answer.

use ve_base::envelope::{PublicEncryptionKey, Recipients};
use ve_base::keys::ConsensusSecret;
use ve_base::{Address, parse_account, verification};
use ve_inference::{Features, Findings, Model};
use ve_proto::ve::encryption::v1::Mode;
use ve_proto::ve::veid::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Proposed, pick};

use super::{any_wallet, random};
use crate::veid::keys::{RECORDS, REQUESTS, SCOPES};
use crate::veid::{capture as checks, faults, runs};

/// The key of a member's enclave in a simulated network.
pub fn simulated_enclave(operator: &Address) -> ConsensusSecret {
    let seed = checks::digest(&[b"simulated enclave", operator.as_bytes()].concat());
    ConsensusSecret::from_seed(seed.try_into().unwrap_or_default())
}

pub fn request(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, _) = any_wallet(draw, ctx)?;
    let waits = |scope: &Scope| {
        matches!(scope.status(), ScopeStatus::Pending | ScopeStatus::InProgress | ScopeStatus::Verified)
    };
    let mine = SCOPES.scan().prefix(&owner).entries(ctx).take(40).filter_map(Result::ok);
    let mut scope_ids: Vec<String> =
        mine.filter(|(_, scope)| waits(scope)).map(|((_, scope_id), _)| scope_id).take(10).collect();
    scope_ids.sort();
    let unknown = scope_ids.is_empty() || draw.below(8) == 0;
    if unknown {
        scope_ids = vec!["scope-that-is-not-there".into()];
    }
    let message = MsgRequestVerification { owner: owner.to_string(), scope_ids };
    Some(Proposed::new(&owner, &message, if unknown { Expect::Refused } else { Expect::Either }))
}

/// A run in this phase with the seat of a member that has its turn, or in one of eight cases of any member.
fn seat(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    phase: RunState,
    waits: fn(&Seat) -> bool,
) -> Option<(VerificationRequest, Run, Address)> {
    let all = REQUESTS.scan().entries(ctx).take(100).filter_map(Result::ok);
    let open: Vec<_> = all
        .map(|(_, request)| request)
        .filter(|request| runs::is_open(request) && request.run.as_ref().is_some_and(|run| run.state() == phase))
        .collect();
    let request = pick(draw, &open)?.clone();
    let run = request.run.clone()?;
    let any = draw.below(8) == 0;
    let seats: Vec<_> = run.seats.iter().filter(|seat| any || waits(seat)).cloned().collect();
    let member = parse_account("member", &pick(draw, &seats)?.member).ok()?;
    Some((request, run, member))
}

/// One in eight signatures is spoiled.
fn signed(draw: &mut dyn Draw, member: &Address, digest: &[u8; 32]) -> (Vec<u8>, Expect) {
    let mut signature = simulated_enclave(member).sign(digest).to_vec();
    if draw.below(8) == 0 {
        signature[0] ^= 1;
        return (signature, Expect::Refused);
    }
    (signature, Expect::Either)
}

pub fn commit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (_, run, member) = seat(draw, ctx, RunState::Extracting, |seat| seat.commit.is_empty())?;
    let (name, commit) = (member.to_string(), random(draw, 32));
    let digest = verification::commit_signed(ctx.chain_id(), &run.run_id, &name, &commit);
    let (enclave_signature, expect) = signed(draw, &member, &digest);
    let message = MsgCommitFeatures { member: name, run_id: run.run_id, commit, enclave_signature };
    Some(Proposed::new(&member, &message, expect))
}

/// In one of sixteen cases the member saw something else.
pub fn reveal(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let turn = |seat: &Seat| !seat.commit.is_empty() && seat.e_digest.is_empty();
    let (request, run, member) = seat(draw, ctx, RunState::Revealing, turn)?;
    let keys = run
        .seats
        .iter()
        .map(|seat| Some((seat.key_id.clone(), PublicEncryptionKey::new(seat.suite(), &seat.sealing_key).ok()?)));
    let recipients = Recipients { mode: Mode::Committee, epoch: run.epoch, keys: keys.collect::<Option<_>>()? };
    let (name, owner) = (member.to_string(), request.owner);
    let subject = verification::RunSubject { chain_id: ctx.chain_id(), run_id: &run.run_id, owner: &owner };
    let opened = verification::Opened { nonce: random(draw, 32).try_into().ok()?, features: flawless()?.encode() };
    let features = verification::seal_opened(&subject, &recipients, &opened).ok()?;
    let e_digest = vec![u8::from(draw.below(16) == 0); 32];
    let hash = checks::envelope_hash(&features);
    let digest = verification::reveal_signed(ctx.chain_id(), &run.run_id, &name, &hash, &e_digest);
    let (enclave_signature, expect) = signed(draw, &member, &digest);
    let message =
        MsgRevealFeatures { member: name, run_id: run.run_id, features: Some(features), e_digest, enclave_signature };
    Some(Proposed::new(&member, &message, expect))
}

/// What all members see in a simulated network: evidence without a flaw.
fn flawless() -> Option<Features> {
    Features::from_pairs(&(0..64).map(|index| (index, 10_000)).collect::<Vec<_>>()).ok()
}

fn salt(run_id: &[u8]) -> [u8; 32] {
    checks::digest(run_id).try_into().unwrap_or_default()
}

/// In one of sixteen cases members claim a point more than the model gives.
fn attestation(request: &VerificationRequest, run: &Run, wrong: bool) -> Option<ScoreAttestation> {
    let features = flawless()?;
    let agreed = faults::agreed_digest(run)?;
    let opened = run.seats.iter().filter(|seat| !seat.e_digest.is_empty());
    let mut alike: Vec<String> =
        opened.filter(|seat| seat.e_digest == *agreed).map(|seat| seat.member.clone()).collect();
    alike.sort();
    // Now and then the last one is found to have opened what it was not bound to.
    let spare = alike.len() > runs::needed(run) && run.run_id.last().is_some_and(|byte| byte % 4 == 0);
    let mismatched = if spare { alike.pop().into_iter().collect() } else { Vec::new() };
    let outcome = ve_inference::score(&features, Findings::default(), &Model::genesis());
    let score = u32::try_from(outcome.score).ok()?;
    Some(ScoreAttestation {
        f_digest: features.salted_digest(&salt(&run.run_id)).to_vec(),
        score: if wrong { score.saturating_add(1).min(100) } else { score },
        bp: u32::try_from(outcome.bp).ok()?,
        reason_codes: outcome.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        input_hash: outcome.input_hash.to_vec(),
        model_id: outcome.model.to_vec(),
        accepted_scopes: request.scope_ids.clone(),
        doc_nullifier: checks::digest(request.owner.as_bytes()),
        members: alike,
        mismatched,
        ..ScoreAttestation::default()
    })
}

pub fn attest(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let turn = |seat: &Seat| !seat.e_digest.is_empty() && seat.attestation.is_none();
    let (request, run, member) = seat(draw, ctx, RunState::Attesting, turn)?;
    // Members of one run err together, so that wrong results come about, too.
    let wrong = run.run_id.first().is_some_and(|byte| byte % 4 == 0);
    let attestation = attestation(&request, &run, wrong)?;
    let name = member.to_string();
    let digest = verification::attestation_digest(&run.run_id, &attestation);
    let digest = verification::attestation_signed(ctx.chain_id(), &name, &digest);
    let (enclave_signature, expect) = signed(draw, &member, &digest);
    let message =
        MsgAttestScore { member: name, run_id: run.run_id, attestation: Some(attestation), enclave_signature };
    Some(Proposed::new(&member, &message, expect))
}

pub fn fail(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let turn = |seat: &Seat| seat.commit.is_empty() && seat.failure.is_empty();
    let (_, run, member) = seat(draw, ctx, RunState::Extracting, turn)?;
    let (name, evidence_hash, code) = (member.to_string(), vec![1; 32], "RETAKE_BLUR".to_owned());
    let digest = verification::failure_signed(ctx.chain_id(), &run.run_id, &name, &code, &evidence_hash);
    let (enclave_signature, expect) = signed(draw, &member, &digest);
    let message = MsgReportRunFailure { member: name, run_id: run.run_id, code, evidence_hash, enclave_signature };
    Some(Proposed::new(&member, &message, expect))
}

pub fn challenge(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let records: Vec<_> = RECORDS.scan().entries(ctx).take(100).filter_map(Result::ok).collect();
    let (owner, record) = pick(draw, &records)?.clone();
    let mut salt = salt(&record.run_id).to_vec();
    let good = draw.below(4) != 0;
    if !good {
        salt[0] ^= 1;
    }
    let message = MsgChallengeScore {
        owner: owner.to_string(),
        run_id: record.run_id,
        features: flawless()?.encode().to_vec(),
        salt,
        findings: 0,
    };
    Some(Proposed::new(&owner, &message, if good { Expect::Either } else { Expect::Refused }))
}
