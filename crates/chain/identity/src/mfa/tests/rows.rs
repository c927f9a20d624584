use super::{ROWS, Rule, find};
use crate::mfa::actions::{Level, TABLE, config, default, level, row_of, validate};
use ve_proto::ve::mfa::v1::Action;
use ve_store::MemoryState;

#[test]
fn rows_are_sorted_so_that_each_is_found() {
    assert!(ROWS.is_sorted_by(|left, right| left.0 < right.0));
    for (name, _) in ROWS {
        assert!(find(name).is_some(), "{name}");
    }
    assert!(find("/ve.unknown.v1.MsgNew").is_none());
}

#[test]
fn every_action_has_a_row_and_every_row_demands_something_known() {
    for number in 1.. {
        let Ok(action) = Action::try_from(number) else { break };
        assert!(row_of(action).is_some(), "{action:?}");
    }
    for (name, rule) in ROWS {
        if let Rule::Is(action) | Rule::Always(action) = rule {
            assert!(row_of(*action).is_some(), "{name}");
        }
    }
}

#[test]
fn levels_follow_from_window_and_score() {
    let of = |action| level(&default(row_of(action).expect("it has a row")));
    assert_eq!(of(Action::KeyRotation), Level::Critical);
    assert_eq!(of(Action::LargeWithdrawal), Level::High);
    assert_eq!(of(Action::WebhookConfiguration), Level::High);
    assert_eq!(of(Action::TransferNewAddress), Level::Medium);
    assert_eq!(of(Action::GovernanceVote), Level::Medium);
    assert_eq!(of(Action::KnownTransfer), Level::Low);
}

#[test]
fn the_table_is_valid_and_governance_cannot_take_its_teeth() {
    for row in TABLE.iter().filter(|row| !matches!(row.action, Action::FactorEnrollment | Action::FactorConfirmation)) {
        let good = default(row);
        validate(&good).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        let mut loose = good.clone();
        loose.single_use = !loose.single_use;
        assert!(validate(&loose).is_err(), "{}", row.name);
        if !row.combinations.is_empty() {
            let mut free = good.clone();
            free.combinations.clear();
            assert!(validate(&free).is_err(), "{}", row.name);
        }
        let mut long = good.clone();
        long.window_seconds = 3601;
        assert!(validate(&long).is_err(), "{}", row.name);
    }
    for action in [Action::AccountRecovery, Action::KeyRotation] {
        let mut soft = default(row_of(action).expect("it has a row"));
        soft.combinations[0].all.remove(0);
        assert!(validate(&soft).is_err(), "{action:?}");
        let mut hard = default(row_of(action).expect("it has a row"));
        hard.combinations[0].all[1].any.truncate(1);
        assert!(validate(&hard).is_ok(), "{action:?}");
    }
    let state = MemoryState::default();
    assert!(config(&state, Action::Unspecified).is_err());
}
