//! What a score and scopes are worth: pure functions of a wallet, the time and the parameters (identity spec sections 2.3
//! and 2.6).

use ve_proto::ve::veid::v1::{CountedScope, Params, ScopeType, VerificationState, Wallet, WalletStatus};

/// A wallet as it counts at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// 0 to 100, after decay.
    pub score: u32,
    pub score_tier: u32,
    pub scope_tier: u32,
    /// 0 to 3: the lower of both.
    pub tier: u32,
}

pub fn effective(wallet: &Wallet, now: u64, params: &Params) -> Effective {
    if wallet.status() != WalletStatus::Active || wallet.state() != VerificationState::Verified {
        return Effective::default();
    }
    let score = decayed(wallet, now, params).0 / 1_000;
    let (score_tier, scope_tier) = (score_tier(score, params), scope_tier(&wallet.scopes, now));
    Effective { score, score_tier, scope_tier, tier: score_tier.min(scope_tier) }
}

pub fn score_tier(score: u32, params: &Params) -> u32 {
    let cutoffs = [params.basic_score, params.standard_score, params.premium_score];
    cutoffs.into_iter().map(|cutoff| u32::from(score >= cutoff)).sum()
}

/// The highest tier that the scopes which have not ended allow.
pub fn scope_tier(scopes: &[CountedScope], now: u64) -> u32 {
    let live = || scopes.iter().filter(|scope| scope.expires_at > now);
    let has = |kind: ScopeType| live().any(|scope| scope.r#type() == kind);
    let assured = |kind: ScopeType| live().any(|scope| scope.r#type() == kind && scope.high_assurance);
    if !(has(ScopeType::IdDocument) && has(ScopeType::Selfie)) {
        return 0;
    }
    if !(has(ScopeType::AddressProof) && has(ScopeType::Email)) {
        return 1;
    }
    // A chip that authenticated itself is a document of high assurance.
    let strong = has(ScopeType::GovData)
        || has(ScopeType::VideoInterview)
        || assured(ScopeType::VcPresentation)
        || assured(ScopeType::IdDocument);
    if has(ScopeType::FaceVideo) && strong { 3 } else { 2 }
}

/// Scopes that a tier asks for and that do not count, by name.
pub fn missing_scopes(scopes: &[CountedScope], now: u64, need: u32) -> Vec<String> {
    let has = |kind: ScopeType| scopes.iter().any(|scope| scope.expires_at > now && scope.r#type() == kind);
    let asked = [
        (1, ScopeType::IdDocument),
        (1, ScopeType::Selfie),
        (2, ScopeType::AddressProof),
        (2, ScopeType::Email),
        (3, ScopeType::FaceVideo),
    ];
    let missing = asked.into_iter().filter(|(tier, kind)| *tier <= need && !has(*kind));
    let mut names: Vec<String> = missing.map(|(_, kind)| format!("scope:{}", kind.as_str_name())).collect();
    if need >= 3 && names.is_empty() && scope_tier(scopes, now) < 3 {
        names.push(format!("scope:{}", ScopeType::GovData.as_str_name()));
    }
    names
}

/// Thousandths of the score at `now`, and how many periods since the account was active that is.
pub fn decayed(wallet: &Wallet, now: u64, params: &Params) -> (u32, u32) {
    let idle = now.saturating_sub(wallet.active_at);
    let periods = idle.saturating_sub(params.decay_idle_seconds) / params.decay_period_seconds.max(1);
    let periods = u32::try_from(periods).unwrap_or(u32::MAX);
    let mut milli = wallet.score_milli;
    for _ in wallet.decay_steps..periods {
        if milli <= params.decay_floor_milli {
            break;
        }
        let less = u64::from(milli).saturating_mul(params.decay_bps.into()) / 10_000;
        milli = u32::try_from(less).unwrap_or(u32::MAX).max(params.decay_floor_milli);
    }
    (milli, periods.max(wallet.decay_steps))
}

/// When the score next decays; `None` when it does not any more.
pub fn next_decay(wallet: &Wallet, params: &Params) -> Option<u64> {
    if wallet.state() != VerificationState::Verified || wallet.score_milli <= params.decay_floor_milli {
        return None;
    }
    let periods = u64::from(wallet.decay_steps).saturating_add(1);
    let idle = params.decay_idle_seconds.saturating_add(periods.saturating_mul(params.decay_period_seconds));
    Some(wallet.active_at.saturating_add(idle))
}

/// Whether a score is so near a cutoff that an extra factor is due.
pub fn in_band(score: u32, params: &Params) -> bool {
    params.bands.iter().any(|band| (band.low..=band.high).contains(&score))
}
