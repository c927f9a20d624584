//! What holds of identities after every block (identity spec sections 2 and 3).

use std::collections::{BTreeMap, BTreeSet};

use ve_base::{Address, CodedError};
use ve_proto::ve::veid::v1::{ScopeStatus, VerificationState, WalletStatus};
use ve_sdk::{Invariant, QueryContext};

use super::keys::{CLIENTS, CONSENTS, ENVELOPES, HISTORY, SCOPES, WALLETS};
use super::{capture, params, tier};

pub fn all() -> Vec<Invariant> {
    vec![
        Invariant { name: "wallets", check: |ctx| wallets(ctx).map_err(|error| error.log)? },
        Invariant { name: "scopes", check: |ctx| scopes(ctx).map_err(|error| error.log)? },
        Invariant { name: "runs", check: |ctx| super::checks::runs(ctx).map_err(|error| error.log)? },
        Invariant { name: "appeals", check: |ctx| super::checks::appeals(ctx).map_err(|error| error.log)? },
    ]
}

/// All of them, for a state that came from outside.
pub fn check(ctx: &QueryContext<'_>) -> Result<(), String> {
    all().into_iter().try_for_each(|invariant| (invariant.check)(ctx))
}

pub type Checked = Result<Result<(), String>, CodedError>;

/// Wallets fit their times, their history and their consents; no score is higher than the last result.
fn wallets(ctx: &QueryContext<'_>) -> Checked {
    let params = params::load(ctx)?;
    for entry in WALLETS.scan().entries(ctx) {
        let (owner, wallet) = entry?;
        let wrong = |what: &str| Ok(Err(format!("wallet of {owner}: {what}")));
        if wallet.owner != owner.to_string() || wallet.wallet_id != ve_base::capture::wallet_id(&wallet.owner) {
            return wrong("its id is not of its owner");
        }
        let revoked = wallet.status() == WalletStatus::Revoked;
        if revoked && (wallet.score_milli > 0 || !wallet.scopes.is_empty() || wallet.scope_count > 0) {
            return wrong("it is revoked and counts");
        }
        if wallet.score_milli > 100_000 {
            return wrong("its score is out of bounds");
        }
        let last = HISTORY.get(ctx, (&owner, &wallet.history_length))?;
        if last.as_ref().is_none_or(|last| wallet.score_milli / 1_000 > last.score_after && !revoked) {
            return wrong("its score is above the last result");
        }
        if wallet.shadow && wallet.state() != VerificationState::Verified {
            return wrong("a shadow runs beside no result");
        }
        let effective = tier::effective(&wallet, ctx.time().unix(), &params);
        if effective.tier > tier::scope_tier(&wallet.scopes, ctx.time().unix()) {
            return wrong("its tier is above that of its scopes");
        }
        if CONSENTS.scan().prefix(&owner).reverse().first(ctx)?.is_some_and(|((_, last), _)| last > wallet.consents) {
            return wrong("a consent is numbered beyond the last");
        }
    }
    Ok(Ok(()))
}

/// What wallets count is what is verified; every scope that is not revoked has its envelope and was salted once.
fn scopes(ctx: &QueryContext<'_>) -> Checked {
    let mut live: BTreeMap<Address, u32> = BTreeMap::new();
    let mut salts = BTreeSet::new();
    let mut verified = 0usize;
    for entry in SCOPES.scan().entries(ctx) {
        let ((owner, scope_id), scope) = entry?;
        let wrong = |what: &str| Ok(Err(format!("scope {scope_id} of {owner}: {what}")));
        let revoked = scope.status() == ScopeStatus::Revoked;
        let envelope = ENVELOPES.get(ctx, (&owner, scope_id.as_str()))?;
        let kept = envelope.as_ref().is_some_and(|envelope| capture::envelope_hash(envelope) == scope.envelope_hash);
        if kept == revoked || (revoked && envelope.is_some()) {
            return wrong("its envelope is missing, foreign or left over");
        }
        if envelope.is_some_and(|envelope| capture::is_image(scope.r#type()) && !envelope.ciphertext.is_empty()) {
            return wrong("an image is in state");
        }
        if !CLIENTS.has(ctx, &scope.client_id)? || !salts.insert(scope.salt_hash.clone()) {
            return wrong("its client is unknown or its salt was used twice");
        }
        let wallet = WALLETS.get(ctx, &owner)?.unwrap_or_default();
        let counted = wallet.scopes.iter().any(|counted| counted.scope_id == scope_id);
        if counted != (scope.status() == ScopeStatus::Verified) {
            return wrong("it counts without being verified, or is verified without counting");
        }
        verified = verified.saturating_add(usize::from(counted));
        let count = live.entry(owner).or_default();
        *count = count.saturating_add(u32::from(!revoked));
    }
    let mut counted = 0usize;
    for entry in WALLETS.scan().entries(ctx) {
        let (owner, wallet) = entry?;
        counted = counted.saturating_add(wallet.scopes.len());
        if live.get(&owner).copied().unwrap_or_default() != wallet.scope_count {
            return Ok(Err(format!("wallet of {owner} has another number of scopes than it says")));
        }
    }
    Ok(if counted == verified { Ok(()) } else { Err("wallets count scopes that do not exist".into()) })
}
