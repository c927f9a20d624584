//! How verification proceeds: exactly the transitions of identity spec section 2.2. Pure.

use ve_proto::ve::veid::v1::{Params, ScopeStatus, VerificationState as State, Wallet};

use super::error::Error;
use super::tier;

/// What a wallet's verification stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    pub previous: State,
    /// A verification runs while the result of the one before holds.
    pub shadow: bool,
    pub rejections: u32,
    pub cooldown_until: u64,
    pub secondary_until: u64,
    pub score_milli: u32,
    pub borderline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The owner's first transaction here.
    First,
    Requested,
    /// A quorum agreed on a score.
    Scored {
        score: u32,
        /// No hard gate failed, so a score just below the cutoff is a near miss.
        gates_passed: bool,
    },
    TimedOut,
    SecondaryPassed,
    SecondaryFailed,
    AppealApproved,
    /// Scopes ended or were revoked; `usable` when the rest still allows a tier.
    ScopesLost {
        usable: bool,
    },
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::First => "be made",
            Self::Requested => "ask for verification",
            Self::Scored { .. } => "take a score",
            Self::TimedOut => "time out",
            Self::SecondaryPassed | Self::SecondaryFailed => "end a second chance",
            Self::AppealApproved => "take an appeal",
            Self::ScopesLost { .. } => "lose scopes",
        }
    }
}

impl Standing {
    pub fn of(wallet: &Wallet) -> Self {
        Self {
            state: wallet.state(),
            previous: wallet.previous_state(),
            shadow: wallet.shadow,
            rejections: wallet.rejections,
            cooldown_until: wallet.cooldown_until,
            secondary_until: wallet.secondary_until,
            score_milli: wallet.score_milli,
            borderline: wallet.borderline,
        }
    }

    pub fn store(self, wallet: &mut Wallet) {
        wallet.set_state(self.state);
        wallet.set_previous_state(self.previous);
        wallet.shadow = self.shadow;
        wallet.rejections = self.rejections;
        wallet.cooldown_until = self.cooldown_until;
        wallet.secondary_until = self.secondary_until;
        wallet.score_milli = self.score_milli;
        wallet.borderline = self.borderline;
    }

    fn runs(&self) -> bool {
        self.state == State::Pending || (self.state == State::Verified && self.shadow)
    }
}

/// The standing after `event` at block time `now`; refuses every pair that the specification does not list.
pub fn step(standing: &Standing, event: Event, now: u64, params: &Params) -> Result<Standing, Error> {
    let mut next = standing.clone();
    match (standing.state, event) {
        (State::Created, Event::First) => next.state = State::Unverified,
        (State::Unverified | State::Expired | State::Rejected | State::Verified, Event::Requested)
            if standing.cooldown_until > now =>
        {
            return Err(Error::Cooldown(standing.cooldown_until));
        }
        (State::Unverified | State::Expired | State::Rejected, Event::Requested)
        | (State::Rejected, Event::AppealApproved) => {
            next.previous = standing.state;
            next.state = State::Pending;
        }
        (State::Verified, Event::Requested) if !standing.shadow => next.shadow = true,
        (_, Event::Scored { score, gates_passed }) if standing.runs() => {
            scored(&mut next, score, gates_passed, now, params);
        }
        (State::Verified, Event::TimedOut) if standing.shadow => next.shadow = false,
        (State::Pending, Event::TimedOut) => {
            next.state = standing.previous;
            next.previous = State::Unspecified;
        }
        (State::Secondary, Event::SecondaryPassed) => {
            verified(&mut next, params.basic_score, params);
            next.borderline = true;
        }
        (State::Secondary, Event::SecondaryFailed) => rejected(&mut next, now, params),
        (State::Verified, Event::ScopesLost { usable: false }) => {
            next.state = State::Expired;
            next.shadow = false;
        }
        (State::Verified, Event::ScopesLost { usable: true }) => {}
        (state, event) => return Err(Error::Transition(state.as_str_name(), event.name())),
    }
    Ok(next)
}

/// The new result takes the place of the old one, even if it is lower.
fn scored(next: &mut Standing, score: u32, gates_passed: bool, now: u64, params: &Params) {
    next.shadow = false;
    next.previous = State::Unspecified;
    next.score_milli = score.min(100).saturating_mul(1_000);
    next.borderline = tier::in_band(score, params);
    if score >= params.basic_score {
        verified(next, score, params);
    } else if score >= params.secondary_score && gates_passed {
        next.state = State::Secondary;
        next.secondary_until = now.saturating_add(params.secondary_seconds);
    } else {
        rejected(next, now, params);
    }
}

fn verified(next: &mut Standing, score: u32, params: &Params) {
    next.state = State::Verified;
    next.score_milli = score.min(100).saturating_mul(1_000);
    next.borderline = tier::in_band(score, params);
    next.rejections = 0;
    next.cooldown_until = 0;
    next.secondary_until = 0;
}

fn rejected(next: &mut Standing, now: u64, params: &Params) {
    next.state = State::Rejected;
    next.secondary_until = 0;
    next.rejections = next.rejections.saturating_add(1);
    next.cooldown_until = now.saturating_add(cooldown(next.rejections, params));
}

/// Seconds after the k-th consecutive rejection: min(24 h · 2^(k−1), 30 d).
pub fn cooldown(rejections: u32, params: &Params) -> u64 {
    let doubled = 1u64.checked_shl(rejections.saturating_sub(1)).unwrap_or(u64::MAX);
    params.cooldown_seconds.saturating_mul(doubled).min(params.max_cooldown_seconds)
}

/// Whether a scope may go from one status to the other.
pub fn scope_may(from: ScopeStatus, to: ScopeStatus) -> bool {
    use ScopeStatus::{Expired, InProgress, Pending, Rejected, Revoked, Unspecified, Verified};
    match (from, to) {
        (Revoked | Unspecified, _) | (_, Unspecified) => false,
        (_, Revoked) | (Pending, InProgress) | (InProgress, Verified | Rejected) | (Verified, Expired) => true,
        _ => false,
    }
}
