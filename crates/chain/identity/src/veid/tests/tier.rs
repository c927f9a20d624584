use ve_proto::ve::veid::v1::{CountedScope, ScopeType, VerificationState, Wallet, WalletStatus};

use crate::veid::params::{self, DAY};
use crate::veid::tier::{decayed, effective, in_band, next_decay, scope_tier, score_tier};

fn scopes(of: &[(ScopeType, bool)]) -> Vec<CountedScope> {
    let scope = |(index, (kind, high_assurance)): (usize, &(ScopeType, bool))| CountedScope {
        scope_id: format!("scope-{index}"),
        r#type: (*kind).into(),
        expires_at: 1_000,
        high_assurance: *high_assurance,
    };
    of.iter().enumerate().map(scope).collect()
}

fn wallet(score: u32) -> Wallet {
    Wallet {
        status: WalletStatus::Active.into(),
        state: VerificationState::Verified.into(),
        score_milli: score * 1_000,
        ..Wallet::default()
    }
}

#[test]
fn a_score_gives_its_tier_at_the_cutoffs() {
    let params = params::default();
    let tiers = [(0, 0), (49, 0), (50, 1), (69, 1), (70, 2), (84, 2), (85, 3), (100, 3)];
    for (score, tier) in tiers {
        assert_eq!(score_tier(score, &params), tier, "{score}");
    }
}

#[test]
fn scopes_allow_a_tier_when_all_that_it_asks_for_are_there() {
    use ScopeType::{AddressProof, Email, FaceVideo, GovData, IdDocument, Selfie, VcPresentation, VideoInterview};
    let basic = [(IdDocument, false), (Selfie, false)];
    let standard = [&basic[..], &[(AddressProof, false), (Email, false)]].concat();
    let video = [&standard[..], &[(FaceVideo, false)]].concat();
    assert_eq!(scope_tier(&scopes(&basic[..1]), 0), 0);
    assert_eq!(scope_tier(&scopes(&basic), 0), 1);
    assert_eq!(scope_tier(&scopes(&[&basic[..], &[(AddressProof, false)]].concat()), 0), 1, "without e-mail");
    assert_eq!(scope_tier(&scopes(&standard), 0), 2);
    assert_eq!(scope_tier(&scopes(&video), 0), 2, "a film alone is no strong proof");
    for strong in [(GovData, false), (VideoInterview, false), (VcPresentation, true), (IdDocument, true)] {
        assert_eq!(scope_tier(&scopes(&[&video[..], &[strong]].concat()), 0), 3, "{strong:?}");
        assert_eq!(scope_tier(&scopes(&[&standard[..], &[strong]].concat()), 0), 2, "{strong:?} without a film");
    }
    assert_eq!(scope_tier(&scopes(&[&video[..], &[(VcPresentation, false)]].concat()), 0), 2);
}

#[test]
fn a_scope_counts_until_the_second_before_its_end() {
    let scopes = scopes(&[(ScopeType::IdDocument, false), (ScopeType::Selfie, false)]);
    assert_eq!(scope_tier(&scopes, 999), 1);
    assert_eq!(scope_tier(&scopes, 1_000), 0);
}

#[test]
fn the_lower_of_both_tiers_is_in_force() {
    let params = params::default();
    let mut verified = wallet(91);
    verified.scopes = scopes(&[(ScopeType::IdDocument, false), (ScopeType::Selfie, false), (ScopeType::Email, false)]);
    let now = effective(&verified, 500, &params);
    assert_eq!((now.score, now.score_tier, now.scope_tier, now.tier), (91, 3, 1, 1));
}

#[test]
fn only_an_active_verified_wallet_has_a_tier() {
    let params = params::default();
    let mut verified = wallet(91);
    verified.scopes = scopes(&[(ScopeType::IdDocument, false), (ScopeType::Selfie, false)]);
    assert_eq!(effective(&verified, 0, &params).tier, 1);
    let mut revoked = verified.clone();
    revoked.set_status(WalletStatus::Revoked);
    assert_eq!(effective(&revoked, 0, &params).tier, 0);
    use VerificationState::{Created, Expired, Pending, Rejected, Secondary, Unverified};
    for state in [Created, Unverified, Pending, Secondary, Rejected, Expired] {
        let mut other = verified.clone();
        other.set_state(state);
        assert_eq!(effective(&other, 0, &params), Default::default(), "{state:?}");
    }
}

#[test]
fn eighty_points_idle_for_210_days_are_73() {
    let params = params::default();
    let idle = |days: u64| decayed(&wallet(80), days * DAY, &params).0;
    assert_eq!(idle(90), 80_000);
    assert_eq!(idle(119), 80_000, "a full period has to pass");
    assert_eq!(idle(120), 78_400);
    assert_eq!(idle(210), 73_789);
    assert_eq!(effective(&wallet(80), 210 * DAY, &params).score, 73);
}

#[test]
fn decay_stops_at_its_floor_and_lifts_nobody() {
    let params = params::default();
    assert_eq!(decayed(&wallet(80), 100 * 365 * DAY, &params).0, 20_000);
    assert_eq!(decayed(&wallet(12), 100 * 365 * DAY, &params).0, 12_000);
    assert_eq!(next_decay(&wallet(20), &params), None);
}

#[test]
fn steps_that_were_taken_are_not_taken_again() {
    let params = params::default();
    let mut taken = wallet(80);
    for days in [120, 150, 180, 210] {
        assert_eq!(next_decay(&taken, &params), Some(days * DAY));
        (taken.score_milli, taken.decay_steps) = decayed(&taken, days * DAY, &params);
    }
    assert_eq!((taken.score_milli, taken.decay_steps), (73_789, 4));
    assert_eq!(decayed(&taken, 210 * DAY, &params), (73_789, 4));
}

#[test]
fn bands_lie_around_the_cutoffs() {
    let params = params::default();
    let inside: Vec<u32> = (0..=100).filter(|score| in_band(*score, &params)).collect();
    let expected: Vec<u32> = (45..=54).chain(65..=74).chain(80..=89).collect();
    assert_eq!(inside, expected);
}
