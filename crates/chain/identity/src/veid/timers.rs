//! What time does to wallets and to what is remembered against replays. Bounded per block; whoever waits for his turn
//! counts already as what he will be, because tiers are computed from the times themselves.

use ve_base::{Address, CodedError};
use ve_proto::ve::veid::v1::{KnownBlock, Params, Scope, ScopeStatus, VerificationState, Wallet};
use ve_sdk::Context;

use super::keys::{BLOCKS, SCOPE_CLIENT, SCOPES, SWEEPS, USAGE, USAGE_SINCE, USED, USED_UNTIL, WALLET_DUE, WALLETS};
use super::lifecycle;
use super::wallet::{self, Reasons};
use super::{appeals, clients, event, params, result, runs, sentences, tier};

/// Blocks that are forgotten at most per block: more than come, so that a shorter window takes effect soon.
const FORGET_BLOCKS: usize = 8;

pub fn next(wallet: &Wallet) -> Option<u64> {
    Some(wallet.due_at).filter(|due| *due > 0)
}

/// Remembers the block that begins, for nonces.
pub fn begin(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let block = KnownBlock { height: ctx.height(), hash: ctx.block().hash.clone(), time: now };
    BLOCKS.set(ctx, &block.height, &block)?;
    for (height, block) in BLOCKS.scan().take(ctx, FORGET_BLOCKS)? {
        if block.time.saturating_add(params.capture_block_seconds) >= now {
            break;
        }
        BLOCKS.remove(ctx, &height)?;
    }
    Ok(())
}

pub fn end(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let most = usize::try_from(params.max_work_per_block).unwrap_or(usize::MAX);
    let now = ctx.time().unix();
    let mut used = Vec::new();
    for entry in USED_UNTIL.scan().before(&now).keys(ctx).take(most) {
        used.push(entry?.1);
    }
    for digest in used {
        USED.remove(ctx, &digest)?;
    }
    forget_usage(ctx, &params, most)?;
    let mut due = Vec::new();
    for entry in WALLET_DUE.scan().through(&now).keys(ctx).take(most) {
        due.push(entry?.1);
    }
    for owner in due {
        change(ctx, &owner, &params)?;
    }
    sweep(ctx, &params, most)?;
    runs::end_block(ctx, &params, most)?;
    appeals::end_block(ctx, &params, most)?;
    sentences::end_block(ctx)
}

/// Windows that are over.
fn forget_usage(ctx: &mut Context<'_>, params: &Params, most: usize) -> Result<(), CodedError> {
    let over = ctx.time().unix().saturating_sub(params.usage_window_seconds);
    let mut keys = Vec::new();
    for entry in USAGE_SINCE.scan().through(&over).keys(ctx).take(most) {
        keys.push(entry?.1);
    }
    keys.iter().try_for_each(|key| Ok(USAGE.remove(ctx, key)?))
}

/// What is due of one wallet: scopes that ended, a second chance that ran out, decay.
fn change(ctx: &mut Context<'_>, owner: &Address, params: &Params) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut wallet = WALLETS.require(ctx, owner)?;
    let ended: Vec<String> =
        wallet.scopes.iter().filter(|scope| scope.expires_at <= now).map(|scope| scope.scope_id.clone()).collect();
    for scope_id in &ended {
        end_scope(ctx, owner, &mut wallet, scope_id, "expired")?;
    }
    let over = !ended.is_empty();
    if over {
        let reasons = Reasons { scope_ids: ended, codes: vec!["SCOPE_EXPIRED".into()] };
        wallet::lost_scopes(ctx, owner, &mut wallet, reasons)?;
    }
    if wallet.state() == VerificationState::Secondary && wallet.secondary_until <= now {
        result::end_chance(ctx, owner, &mut wallet, false)?;
    }
    let (milli, steps) = tier::decayed(&wallet, now, params);
    if steps != wallet.decay_steps && wallet.state() == VerificationState::Verified {
        (wallet.score_milli, wallet.decay_steps) = (milli, steps);
        event::score(ctx, &wallet, "decay");
    }
    wallet::save(ctx, owner, wallet, params)?;
    if over { runs::review(ctx, owner) } else { Ok(()) }
}

/// A verified scope ends and counts no longer.
fn end_scope(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    scope_id: &str,
    reason: &str,
) -> Result<(), CodedError> {
    wallet::discount(wallet, scope_id);
    let key = (owner.clone(), scope_id.to_owned());
    let mut scope = SCOPES.require(ctx, &key)?;
    if lifecycle::scope_may(scope.status(), ScopeStatus::Expired) {
        scope.set_status(ScopeStatus::Expired);
        scope.reason = reason.to_owned();
        SCOPES.set(ctx, &key, &scope)?;
        event::scope(ctx, "scope_expired", &scope);
    }
    Ok(())
}

/// Withdraws the evidence of compromised clients, some scopes at a time.
fn sweep(ctx: &mut Context<'_>, params: &Params, most: usize) -> Result<(), CodedError> {
    let Some((client_id, cursor)) = SWEEPS.scan().first(ctx)? else { return Ok(()) };
    let scan = SCOPE_CLIENT.scan().prefix(client_id.as_str());
    let page = scan.page(
        ctx,
        &ve_store::PageRequest {
            key: if cursor == START { Vec::new() } else { cursor },
            limit: most as u64,
            ..ve_store::PageRequest::default()
        },
    )?;
    for ((_, key), ()) in page.entries {
        let scope = SCOPES.require(ctx, &key)?;
        if !clients::is_compromised(ctx, &scope)? {
            continue;
        }
        let (owner, scope_id) = key;
        match scope.status() {
            ScopeStatus::Pending | ScopeStatus::InProgress => refuse_scope(ctx, &owner, scope)?,
            ScopeStatus::Verified => {
                let mut wallet = WALLETS.require(ctx, &owner)?;
                end_scope(ctx, &owner, &mut wallet, &scope_id, "client_compromised")?;
                let reasons = Reasons { scope_ids: vec![scope_id], codes: vec!["CLIENT_COMPROMISED".into()] };
                wallet::lost_scopes(ctx, &owner, &mut wallet, reasons)?;
                wallet::save(ctx, &owner, wallet, params)?;
            }
            _ => continue,
        }
        runs::review(ctx, &owner)?;
    }
    if page.next_key.is_empty() {
        Ok(SWEEPS.remove(ctx, &client_id)?)
    } else {
        Ok(SWEEPS.set(ctx, &client_id, &page.next_key)?)
    }
}

/// Evidence that nobody needs to look at any more.
fn refuse_scope(ctx: &mut Context<'_>, owner: &Address, mut scope: Scope) -> Result<(), CodedError> {
    scope.set_status(ScopeStatus::Rejected);
    "client_compromised".clone_into(&mut scope.reason);
    SCOPES.set(ctx, &(owner.clone(), scope.scope_id.clone()), &scope)?;
    event::scope(ctx, "scope_rejected", &scope);
    Ok(())
}

/// Cursor of a sweep that has not begun: values in state are never empty.
pub const START: &[u8] = &[0];
