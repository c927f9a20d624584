//! Attestations that the chain keeps, and the facts that enough of them establish.

use std::collections::{BTreeMap, BTreeSet};

use ve_base::attestation;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::attester::v1::{Attestation, Fact, Kind, Record};
use ve_sdk::{Context, QueryContext};
use ve_store::Read;

use super::error::Error;
use super::hooks::AttestationHooks;
use super::keys::{
    BY_SIGNER, BY_SUBJECT, BY_UPSTREAM, DROPPING, KEYS, NONCE_COUNT, NONCES, RECORD_DUE, RECORDS, upstream_space,
};
use super::{event, params, statement};

/// Attestations that the end of a block drops at most, for each reason.
const MAX_PER_BLOCK: usize = 100;

pub fn require<R: Read + ?Sized>(state: &R, id: &str) -> Result<Record, CodedError> {
    let unknown = || Error::UnknownAttestation(id.chars().take(64).collect());
    Ok(RECORDS.get(state, id)?.ok_or_else(unknown)?)
}

pub fn of(record: &Record) -> Attestation {
    record.attestation.clone().unwrap_or_default()
}

/// Keeps an attestation that `submitter` brings.
pub fn submit(ctx: &mut Context<'_>, submitter: &str, given: &Attestation) -> Result<Record, CodedError> {
    let (attester, digest) = statement::accept_fact(ctx, given, submitter)?;
    let most = params::load(ctx)?.max_per_subject;
    if BY_SUBJECT.keys(ctx, given.subject.as_str()).count() as u64 >= u64::from(most) {
        return Err(Error::TooMany(given.subject.clone(), most).into());
    }
    if !given.upstream.is_empty() {
        let name = (upstream_space(given.kind), given.upstream.clone());
        // All under one name have the same subject.
        if let Some(id) = BY_UPSTREAM.keys(ctx, &name).next()
            && of(&require(ctx, &id?)?).subject != given.subject
        {
            return Err(Error::UpstreamTaken.into());
        }
    }
    let record = Record {
        id: attestation::id(&digest),
        attestation: Some(given.clone()),
        organisation: attester.organisation,
        accepted_at: ctx.time().unix(),
    };
    RECORDS.set(ctx, &record.id, &record)?;
    event::record(ctx, "attestation_accepted", &record);
    for hook in ctx.hooks().all::<dyn AttestationHooks>() {
        hook.accepted(ctx, &record)?;
    }
    Ok(record)
}

/// Removes an attestation; its nonce stays used.
pub fn drop(ctx: &mut Context<'_>, record: &Record, what: &'static str) -> Result<(), CodedError> {
    RECORDS.remove(ctx, &record.id)?;
    event::record(ctx, what, record);
    for hook in ctx.hooks().all::<dyn AttestationHooks>() {
        hook.dropped(ctx, record)?;
    }
    Ok(())
}

/// Whether an attestation counts now: not expired, and not signed by a key that was compromised at the time.
pub fn counts<R: Read + ?Sized>(state: &R, record: &Record, now: u64) -> Result<bool, CodedError> {
    let of = of(record);
    if of.expires_at <= now {
        return Ok(false);
    }
    let issuer = parse_account("issuer", &of.issuer)?;
    let key = KEYS.get(state, (&issuer, of.key_id.as_str()))?.unwrap_or_default();
    Ok(key.compromised_since == 0 || of.issued_at < key.compromised_since)
}

/// What enough distinct organisations vouch for of a subject at this time. Attestations establish one fact together
/// when kind, scope and upstream account agree.
pub fn facts<R: Read + ?Sized>(state: &R, subject: &Address, now: u64) -> Result<Vec<Fact>, CodedError> {
    let params = params::load(state)?;
    let mut groups: BTreeMap<(i32, String, Vec<u8>), Vec<Record>> = BTreeMap::new();
    let name = subject.to_string();
    for id in BY_SUBJECT.keys(state, name.as_str()) {
        let record = require(state, &id?)?;
        if counts(state, &record, now)? {
            let of = of(&record);
            groups.entry((of.kind, of.scope_id, of.upstream)).or_default().push(record);
        }
    }
    let mut facts = Vec::new();
    for ((kind, scope_id, _), records) in groups {
        let organisations: BTreeSet<&str> = records.iter().map(|record| record.organisation.as_str()).collect();
        let policy = params::policy(&params, Kind::try_from(kind).unwrap_or_default())?;
        if organisations.len() as u64 >= u64::from(policy.operators) {
            facts.push(Fact {
                kind,
                score_bp: records.iter().map(|record| points(&of(record))).min().unwrap_or_default(),
                scope_id,
                expires_at: records.iter().map(|record| of(record).expires_at).min().unwrap_or_default(),
                attestations: records.into_iter().map(|record| record.id).collect(),
            });
        }
    }
    Ok(facts)
}

/// What an attestation is worth: nothing when one of its proofs failed.
fn points(attestation: &Attestation) -> u32 {
    let passed = attestation.proofs.iter().all(|proof| proof.passed && proof.score_bp >= proof.threshold_bp);
    if passed { attestation.score_bp.min(10_000) } else { 0 }
}

/// End of block: what expired, and what a compromised key signed.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, id), ()) in RECORD_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        let record = require(ctx, &id)?;
        drop(ctx, &record, "attestation_expired")?;
    }
    let mut budget = MAX_PER_BLOCK;
    for (place, since) in DROPPING.scan().take(ctx, MAX_PER_BLOCK)? {
        let (issuer, key_id) = (place.0.to_string(), place.1.clone());
        let from = (issuer.clone(), key_id.clone(), since);
        let until = (issuer, key_id, u64::MAX);
        let signed: Vec<_> = BY_SIGNER.scan().from(&from).through(&until).take(ctx, budget)?;
        budget = budget.saturating_sub(signed.len());
        for ((_, id), ()) in &signed {
            let record = require(ctx, id)?;
            drop(ctx, &record, "attestation_dropped")?;
        }
        if budget == 0 {
            break;
        }
        DROPPING.remove(ctx, &place)?;
    }
    Ok(())
}

/// One upstream account names one subject, every attestation is of a known key, and nonces are counted.
pub fn check_all(ctx: &QueryContext<'_>) -> Result<(), String> {
    let failed = |error: CodedError| error.log;
    let mut owners: BTreeMap<(u32, Vec<u8>), String> = BTreeMap::new();
    for entry in RECORDS.scan().entries(ctx) {
        let (id, record) = entry.map_err(|error| error.to_string())?;
        let of = of(&record);
        let issuer = parse_account("issuer", &of.issuer).map_err(failed)?;
        if !KEYS.has(ctx, (&issuer, of.key_id.as_str())).map_err(|error| error.to_string())? {
            return Err(format!("attestation {id} is signed by no known key"));
        }
        if !NONCES.has(ctx, &(issuer, of.nonce.clone())).map_err(|error| error.to_string())? {
            return Err(format!("the nonce of attestation {id} could be used again"));
        }
        if !of.upstream.is_empty() {
            let owner = owners.entry((upstream_space(of.kind), of.upstream)).or_insert_with(|| of.subject.clone());
            if *owner != of.subject {
                return Err(format!("{owner} and {} share an upstream account", of.subject));
            }
        }
    }
    let mut counts: BTreeMap<Address, u32> = BTreeMap::new();
    for entry in NONCES.scan().keys(ctx) {
        let (issuer, _) = entry.map_err(|error| error.to_string())?;
        let count = counts.entry(issuer).or_default();
        *count = count.saturating_add(1);
    }
    let counted: Result<BTreeMap<Address, u32>, _> = NONCE_COUNT.iter(ctx).collect();
    let counted = counted.map_err(|error| error.to_string())?;
    if counted == counts { Ok(()) } else { Err(format!("nonces are {counts:?}, counted were {counted:?}")) }
}
