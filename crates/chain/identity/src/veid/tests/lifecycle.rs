use ve_proto::ve::veid::v1::{ScopeStatus, VerificationState as State};

use crate::veid::lifecycle::{Event, Standing, cooldown, scope_may, step};
use crate::veid::params::{self, DAY};

const NOW: u64 = 1_000_000;

const STATES: [State; 7] = [
    State::Created,
    State::Unverified,
    State::Pending,
    State::Verified,
    State::Secondary,
    State::Rejected,
    State::Expired,
];

fn at(state: State) -> Standing {
    Standing {
        state,
        previous: State::Unspecified,
        shadow: false,
        rejections: 0,
        cooldown_until: 0,
        secondary_until: 0,
        score_milli: 0,
        borderline: false,
    }
}

fn after(standing: &Standing, event: Event) -> Result<Standing, u32> {
    step(standing, event, NOW, &params::default()).map_err(|error| ve_base::Coded::code(&error))
}

fn scored(score: u32, gates_passed: bool) -> Event {
    Event::Scored { score, gates_passed }
}

#[test]
fn exactly_the_listed_transitions_exist() {
    let events = [
        Event::First,
        Event::Requested,
        scored(60, true),
        scored(47, true),
        scored(47, false),
        scored(30, true),
        Event::TimedOut,
        Event::SecondaryPassed,
        Event::SecondaryFailed,
        Event::AppealApproved,
        Event::ScopesLost { usable: true },
        Event::ScopesLost { usable: false },
    ];
    let mut found = Vec::new();
    for state in STATES {
        let mut standing = at(state);
        standing.previous = State::Unverified;
        for event in events {
            if let Ok(next) = after(&standing, event) {
                found.push((state, event, next.state));
            }
        }
    }
    let expected = vec![
        (State::Created, Event::First, State::Unverified),
        (State::Unverified, Event::Requested, State::Pending),
        (State::Pending, scored(60, true), State::Verified),
        (State::Pending, scored(47, true), State::Secondary),
        (State::Pending, scored(47, false), State::Rejected),
        (State::Pending, scored(30, true), State::Rejected),
        (State::Pending, Event::TimedOut, State::Unverified),
        (State::Verified, Event::Requested, State::Verified),
        (State::Verified, Event::ScopesLost { usable: true }, State::Verified),
        (State::Verified, Event::ScopesLost { usable: false }, State::Expired),
        (State::Secondary, Event::SecondaryPassed, State::Verified),
        (State::Secondary, Event::SecondaryFailed, State::Rejected),
        (State::Rejected, Event::Requested, State::Pending),
        (State::Rejected, Event::AppealApproved, State::Pending),
        (State::Expired, Event::Requested, State::Pending),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_verified_wallet_keeps_its_result_while_a_new_one_is_computed() {
    let mut verified = at(State::Verified);
    verified.score_milli = 80_000;
    let running = after(&verified, Event::Requested).expect("it is asked for");
    assert!(running.shadow && running.score_milli == 80_000);
    assert_eq!(after(&running, Event::Requested), Err(16), "one at a time");
    let lower = after(&running, scored(60, true)).expect("the new result replaces the old one");
    assert_eq!((lower.state, lower.score_milli, lower.shadow), (State::Verified, 60_000, false));
    let lost = after(&running, scored(20, true)).expect("even if it is a rejection");
    assert_eq!((lost.state, lost.rejections), (State::Rejected, 1));
    let same = after(&running, Event::TimedOut).expect("nobody answered");
    assert_eq!((same.state, same.score_milli, same.shadow), (State::Verified, 80_000, false));
}

#[test]
fn a_score_of_47_gets_a_second_chance_that_ends_at_50_and_borderline() {
    let near = after(&at(State::Pending), scored(47, true)).expect("a near miss");
    assert_eq!((near.state, near.secondary_until), (State::Secondary, NOW + 250));
    let passed = after(&near, Event::SecondaryPassed).expect("extra factors");
    assert_eq!((passed.state, passed.score_milli, passed.borderline), (State::Verified, 50_000, true));
    let failed = after(&near, Event::SecondaryFailed).expect("none came");
    assert_eq!((failed.state, failed.cooldown_until), (State::Rejected, NOW + DAY));
}

#[test]
fn the_third_rejection_in_a_row_waits_96_hours_and_a_success_forgets_them() {
    let params = params::default();
    assert_eq!([1, 2, 3, 4].map(|count| cooldown(count, &params) / 3_600), [24, 48, 96, 192]);
    assert_eq!(cooldown(6, &params), 30 * DAY, "30 days at most");
    assert_eq!(cooldown(u32::MAX, &params), 30 * DAY);
    let mut standing = at(State::Pending);
    standing.rejections = 2;
    let third = after(&standing, scored(10, true)).expect("rejected");
    assert_eq!((third.rejections, third.cooldown_until), (3, NOW + 4 * DAY));
    assert_eq!(after(&third, Event::Requested), Err(8), "the cooldown runs");
    let passed = after(&standing, scored(75, true)).expect("verified");
    assert_eq!((passed.rejections, passed.cooldown_until), (0, 0));
}

#[test]
fn a_timeout_leads_back_to_where_the_request_came_from_without_a_cooldown() {
    for state in [State::Unverified, State::Expired, State::Rejected] {
        let pending = after(&at(state), Event::Requested).expect("it may ask");
        let back = after(&pending, Event::TimedOut).expect("nobody answered");
        assert_eq!((back.state, back.cooldown_until, back.rejections), (state, 0, 0));
    }
}

#[test]
fn holders_inside_a_band_carry_borderline_until_they_are_verified_outside() {
    for (score, borderline) in [(50, true), (54, true), (55, false), (70, true), (79, false), (89, true), (90, false)] {
        let mut before = at(State::Pending);
        before.borderline = !borderline;
        assert_eq!(after(&before, scored(score, true)).expect("verified").borderline, borderline, "{score}");
    }
}

#[test]
fn scopes_move_along_and_a_revoked_one_never_again() {
    use ScopeStatus::{Expired, InProgress, Pending, Rejected, Revoked, Unspecified, Verified};
    let all = [Unspecified, Pending, InProgress, Verified, Rejected, Expired, Revoked];
    let allowed: Vec<_> = all
        .iter()
        .flat_map(|from| all.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| scope_may(*from, *to))
        .collect();
    let expected = [
        (Pending, InProgress),
        (Pending, Revoked),
        (InProgress, Verified),
        (InProgress, Rejected),
        (InProgress, Revoked),
        (Verified, Expired),
        (Verified, Revoked),
        (Rejected, Revoked),
        (Expired, Revoked),
    ];
    assert_eq!(allowed, expected);
}
