//! Sessions: what proven factors are good for, bound to one action and one client key.
//!
//! A transaction names its sessions in `non_critical_extension_options`, signed by their client keys over its messages:
//! who has the account's key alone cannot use a session, nor can who saw one. They are consumed in admission, so that
//! a failed execution consumes them, too.

use prost::{Message as _, Name as _};
use ve_base::{CodedError, mfa, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::admission::{Candidate, Step};
use ve_sdk::{Context, Mode, transient};
use ve_store::Read;

use super::error::Error;
use super::keys::{CHALLENGES, SESSION_DUE, SESSIONS, SESSIONS_OF, next_id};
use super::{actions, challenge, combine, event, params, profile};

/// Admission step: after signatures, before the gates.
pub const SESSIONS_STEP: Step = Step { name: "sessions", run: present };

/// Sessions that one transaction uses.
const MAX_PRESENTED: u64 = 4;
/// Challenges that one session joins.
const MAX_JOINED: usize = 6;
const SIGNATURE_GAS: u64 = 1_000;
const MAX_PER_BLOCK: usize = 500;
const MODULE: &str = "mfa";
const COUNT: &[u8] = b"presented";

fn slot(at: u64) -> Vec<u8> {
    [COUNT, &at.to_be_bytes()].concat()
}

pub fn require<R: Read + ?Sized>(state: &R, id: u64) -> Result<Session, CodedError> {
    Ok(SESSIONS.get(state, &id)?.ok_or(Error::SessionExpired(id))?)
}

/// Joins verified challenges that agree in everything but their factors.
pub fn issue(ctx: &mut Context<'_>, sender: &str, ids: &[u64]) -> Result<Session, CodedError> {
    if ids.is_empty() || ids.len() > MAX_JOINED || (1..ids.len()).any(|at| ids[..at].contains(&ids[at])) {
        return Err(Error::Request("a session joins from 1 to 6 different challenges").into());
    }
    let now = ctx.time().unix();
    let joined: Vec<Challenge> = ids.iter().map(|id| challenge::require(ctx, *id)).collect::<Result<_, _>>()?;
    let Some(first) = joined.first() else {
        return Err(Error::Request("a session joins from 1 to 6 different challenges").into());
    };
    let same = |other: &Challenge| {
        (&other.address, other.action, &other.intent_hash, &other.client_key, other.sender.as_str())
            == (&first.address, first.action, &first.intent_hash, &first.client_key, sender)
    };
    if !joined.iter().all(same) || first.action() == Action::FactorConfirmation {
        return Err(Error::Request("the challenges differ in account, action, intent or client key").into());
    }
    if joined.iter().any(|one| one.state() != ChallengeState::Verified || one.expires_at <= now) {
        return Err(Error::Request("a challenge is not answered or expired").into());
    }
    let mut factor_ids: Vec<u64> = joined.iter().map(|one| one.factor_id).collect();
    factor_ids.sort_unstable();
    factor_ids.dedup();
    if factor_ids.len() != joined.len() {
        return Err(Error::Request("two proofs of one factor count once").into());
    }
    let params = params::load(ctx)?;
    let address = parse_account("account", &first.address)?;
    profile::check_unlocked(&profile::load(ctx, &address)?, first.sender != first.address, now)?;
    if SESSIONS_OF.keys(ctx, first.address.as_str()).count() as u64 >= u64::from(params.max_sessions) {
        return Err(Error::TooMany(params.max_sessions, "sessions").into());
    }
    let config = actions::config(ctx, first.action())?;
    let session = Session {
        id: next_id(ctx)?,
        address: first.address.clone(),
        action: first.action,
        factors: joined.iter().map(|one| one.r#type).collect(),
        factor_ids,
        created_at: now,
        expires_at: now.saturating_add(config.window_seconds),
        single_use: config.single_use,
        client_key: first.client_key.clone(),
        intent_hash: first.intent_hash.clone(),
        state: SessionState::Active.into(),
    };
    for id in ids {
        CHALLENGES.remove(ctx, id)?;
    }
    SESSIONS.set(ctx, &session.id, &session)?;
    event::session(ctx, "session_issued", &session);
    Ok(session)
}

pub fn revoke(ctx: &mut Context<'_>, session: &mut Session) -> Result<(), CodedError> {
    session.set_state(SessionState::Revoked);
    SESSIONS.set(ctx, &session.id, session)?;
    event::session(ctx, "session_revoked", session);
    Ok(())
}

/// Every session of an account ends.
pub fn revoke_all(ctx: &mut Context<'_>, address: &str) -> Result<(), CodedError> {
    let ids: Vec<u64> = SESSIONS_OF.keys(ctx, address).collect::<Result<_, _>>()?;
    for id in ids {
        let mut session = require(ctx, id)?;
        if session.state() == SessionState::Active {
            revoke(ctx, &mut session)?;
        }
    }
    Ok(())
}

/// End of block: forgets what expired.
pub fn forget(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, id), ()) in SESSION_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        SESSIONS.remove(ctx, &id)?;
    }
    Ok(())
}

/// Takes the sessions that a transaction brings, and forgets those of the one before.
fn present(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let left = ctx.unmetered(|ctx| transient::get(ctx, MODULE, COUNT))?;
    if left > 0 {
        ctx.unmetered(|ctx| transient::put(ctx, MODULE, COUNT, 0))?;
    }
    let url = SessionUse::type_url();
    let mut brought = candidate.tx.body.non_critical_extension_options.iter().filter(|option| option.type_url == url);
    let Some(option) = brought.next() else { return Ok(()) };
    let given = SessionUse::decode(option.value.as_slice())
        .map_err(|_| Error::Request("the sessions of the transaction do not decode"))?;
    // Client keys sign for a sequence: without one the same messages could be sent again.
    if candidate.tx.body.unordered {
        return Err(Error::Request("a transaction without a sequence uses no session").into());
    }
    if brought.next().is_some() || given.sessions.is_empty() || given.sessions.len() as u64 > MAX_PRESENTED {
        return Err(Error::Request("a transaction uses from 1 to 4 sessions, named once").into());
    }
    let sequence = candidate.tx.auth_info.signer_infos.first().map_or(0, |info| info.sequence);
    let mut count = 0u64;
    for used in &given.sessions {
        let session = take(ctx, used, &candidate.tx.body.messages, sequence)?;
        transient::put(ctx, MODULE, &slot(count), session.id)?;
        count = count.saturating_add(1);
    }
    Ok(transient::put(ctx, MODULE, COUNT, count)?)
}

fn take(
    ctx: &mut Context<'_>,
    used: &UsedSession,
    messages: &[prost_types::Any],
    sequence: u64,
) -> Result<Session, CodedError> {
    let mut session = require(ctx, used.session_id)?;
    if session.expires_at <= ctx.time().unix() {
        return Err(Error::SessionExpired(session.id).into());
    }
    if session.state() != SessionState::Active {
        return Err(Error::SessionUsed(session.id).into());
    }
    ctx.gas().consume(SIGNATURE_GAS, "client key")?;
    // Clients simulate before anything is signed.
    if ctx.mode() != Mode::Simulate {
        let mismatch = || Error::ClientKeyMismatch(session.id);
        let key = challenge::client_key(session.client_key.as_ref().ok_or_else(mismatch)?)?;
        let message = mfa::session_use(ctx.chain_id(), session.id, messages, sequence);
        key.verify(&message, &used.signature).map_err(|_| mismatch())?;
    }
    if session.single_use {
        session.set_state(SessionState::Used);
        SESSIONS.set(ctx, &session.id, &session)?;
        event::session(ctx, "session_used", &session);
    }
    Ok(session)
}

/// What a message needs of the running transaction's sessions.
pub struct Needed<'a> {
    pub address: &'a str,
    pub action: Action,
    pub combinations: &'a [Combination],
    pub browser: bool,
    pub intent: &'a [u8; 32],
}

/// Finds a session of the transaction that satisfies; one of single use serves one message. Returns its factors.
pub fn spend(ctx: &mut Context<'_>, needed: &Needed<'_>) -> Result<Vec<u64>, CodedError> {
    let words = || actions::describe(needed.combinations);
    let name = actions::name(needed.action);
    let mut cause: CodedError = Error::Required(name, needed.address.to_owned(), words()).into();
    for at in 0..transient::get(ctx, MODULE, COUNT)? {
        let id = transient::get(ctx, MODULE, &slot(at))?;
        let Some(session) = SESSIONS.get(ctx, &id)?.filter(|session| session.address == needed.address) else {
            continue;
        };
        // Revoked by an earlier message of this very transaction.
        if session.state() == SessionState::Revoked {
            cause = Error::SessionUsed(id).into();
            continue;
        }
        if session.action() != needed.action {
            cause = Error::WrongAction(actions::name(session.action()), name).into();
            continue;
        }
        if session.single_use && session.intent_hash != needed.intent {
            cause = Error::WrongIntent.into();
            continue;
        }
        let proven: Vec<FactorType> =
            session.factors.iter().map(|kind| FactorType::try_from(*kind).unwrap_or_default()).collect();
        if !combine::satisfied(needed.combinations, &proven, needed.browser) {
            cause = Error::InsufficientFactors(name, words()).into();
            continue;
        }
        if session.single_use {
            transient::put(ctx, MODULE, &slot(at), 0)?;
        }
        return Ok(session.factor_ids);
    }
    Err(cause)
}
