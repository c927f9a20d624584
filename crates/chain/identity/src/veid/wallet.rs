//! Finding, changing and saving wallets. Every change goes through [`save`], which keeps the due time, tells changes of
//! score and tier, and writes history where verification moved.

use ve_base::{Address, CodedError, capture};
use ve_proto::ve::veid::v1::{CountedScope, HistoryEntry, Params, Scope, SigningKey, Wallet, WalletStatus};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{HISTORY, WALLETS};
use super::lifecycle::{self, Standing};
use super::params::DAY;
use super::tier::Effective;
use super::{event, params, tier};
use crate::roles;

/// Tries of a day.
const MAX_TRIES: u32 = 5;

/// The active wallet of an account.
pub fn active<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<Wallet, CodedError> {
    match WALLETS.get(state, owner)? {
        Some(wallet) if wallet.status() == WalletStatus::Active => Ok(wallet),
        _ => Err(Error::WalletInactive(owner.to_string()).into()),
    }
}

/// As [`active`], counting an operation of the owner: an account does not operate in blocks that follow each other
/// closely.
pub fn operated(ctx: &Context<'_>, owner: &Address, params: &Params) -> Result<Wallet, CodedError> {
    let mut wallet = active(ctx, owner)?;
    let now = ctx.time().unix();
    let free = wallet.operated_at.saturating_add(params.operation_pause_seconds);
    if now != wallet.operated_at && now < free {
        return Err(Error::RateLimited(format!("the next one is possible at {free} (seconds since 1970)")).into());
    }
    wallet.operated_at = now;
    touch(&mut wallet, now, params);
    Ok(wallet)
}

/// The account is in use: its score stands still from here on, at what it has decayed to.
pub fn touch(wallet: &mut Wallet, now: u64, params: &Params) {
    let (milli, _) = tier::decayed(wallet, now, params);
    wallet.score_milli = milli;
    wallet.decay_steps = 0;
    wallet.active_at = now;
}

/// Counts a verification that made work and ended without a rejection; after the fifth of a day its owner waits until the
/// day is over (identity-ml spec section 2).
pub fn tried(wallet: &mut Wallet, now: u64) {
    if now >= wallet.tries_since.saturating_add(DAY) {
        (wallet.tries, wallet.tries_since) = (0, now);
    }
    wallet.tries = wallet.tries.saturating_add(1);
    if wallet.tries >= MAX_TRIES {
        wallet.cooldown_until = wallet.cooldown_until.max(wallet.tries_since.saturating_add(DAY));
    }
}

/// Writes a wallet and tells what changed of its tier.
pub fn save(ctx: &mut Context<'_>, owner: &Address, mut wallet: Wallet, params: &Params) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    wallet.updated_at = now;
    wallet.due_at = due(&wallet, params);
    let effective = effective(ctx, owner, &wallet, params, now)?;
    if effective.tier != wallet.announced_tier {
        event::tier(ctx, &wallet, &effective);
        wallet.announced_tier = effective.tier;
    }
    Ok(WALLETS.set(ctx, owner, &wallet)?)
}

/// A wallet as it counts at `now`: nothing while the account is flagged, suspended or terminated.
pub fn effective<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    wallet: &Wallet,
    params: &Params,
    now: u64,
) -> Result<Effective, CodedError> {
    let active = roles::is_active(state, owner)?;
    Ok(if active { tier::effective(wallet, now, params) } else { Effective::default() })
}

/// The score of an account as it counts at `now`; 0 for one that nobody verified.
pub fn score<R: Read + ?Sized>(state: &R, owner: &Address, now: u64) -> Result<u32, CodedError> {
    let Some(wallet) = WALLETS.get(state, owner)? else { return Ok(0) };
    Ok(effective(state, owner, &wallet, &params::load(state)?, now)?.score)
}

/// When time next changes a wallet; 0 when it does not.
pub fn due(wallet: &Wallet, params: &Params) -> u64 {
    let ends = wallet.scopes.iter().map(|scope| scope.expires_at);
    let chance = Some(wallet.secondary_until).filter(|until| *until > 0);
    ends.chain(tier::next_decay(wallet, params)).chain(chance).min().unwrap_or(0)
}

/// What verification did to a wallet, for its history.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    pub scope_ids: Vec<String>,
    pub codes: Vec<String>,
}

/// Moves a wallet along its state machine and remembers it. The caller saves the wallet.
pub fn advance(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    happened: lifecycle::Event,
    reasons: Reasons,
) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let before = Standing::of(wallet);
    let after = lifecycle::step(&before, happened, now, &params)?;
    let scored = matches!(happened, lifecycle::Event::Scored { .. } | lifecycle::Event::SecondaryPassed);
    after.store(wallet);
    if scored {
        (wallet.active_at, wallet.decay_steps, wallet.verified_at) = (now, 0, now);
    }
    if before.state == wallet.state() && before.score_milli == wallet.score_milli && !scored {
        return Ok(());
    }
    let number = wallet.history_length.saturating_add(1);
    wallet.history_length = number;
    let entry = HistoryEntry {
        number,
        time: now,
        height: ctx.height(),
        state_before: before.state.into(),
        state_after: wallet.state,
        score_before: before.score_milli / 1_000,
        score_after: wallet.score_milli / 1_000,
        scope_ids: reasons.scope_ids,
        model_set_hash: wallet.model_set_hash.clone(),
        reason_codes: reasons.codes,
    };
    HISTORY.set(ctx, (owner, &number), &entry)?;
    event::moved(ctx, wallet, &entry);
    Ok(())
}

/// A scope counts from now on.
pub fn count(wallet: &mut Wallet, scope: &Scope) {
    discount(wallet, &scope.scope_id);
    wallet.scopes.push(CountedScope {
        scope_id: scope.scope_id.clone(),
        r#type: scope.r#type,
        expires_at: scope.expires_at,
        high_assurance: scope.high_assurance,
    });
    wallet.scopes.sort_by(|left, right| left.scope_id.cmp(&right.scope_id));
}

/// A scope counts no longer; returns whether it did.
pub fn discount(wallet: &mut Wallet, scope_id: &str) -> bool {
    let before = wallet.scopes.len();
    wallet.scopes.retain(|scope| scope.scope_id != scope_id);
    wallet.scopes.len() != before
}

/// After scopes that counted ended: the wallet stays verified with what is left, or expires.
pub fn lost_scopes(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    reasons: Reasons,
) -> Result<(), CodedError> {
    if wallet.state() != ve_proto::ve::veid::v1::VerificationState::Verified {
        return Ok(());
    }
    let usable = tier::scope_tier(&wallet.scopes, ctx.time().unix()) > 0;
    advance(ctx, owner, wallet, lifecycle::Event::ScopesLost { usable }, reasons)
}

/// Refuses a key that did not sign to be the binding key of this owner's wallet.
pub fn check_binding(chain_id: &str, owner: &str, key: &SigningKey, signature: &[u8]) -> Result<(), CodedError> {
    let public = capture::public_key(key)?;
    public
        .verify(&capture::wallet_binding(chain_id, owner), signature)
        .map_err(|error| Error::Binding(error.to_string()).into())
}
