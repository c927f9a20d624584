use ve_proto::ve::roles::v1::AccountState;

use super::table::{Class, TABLE, class, is_allowed};

#[test]
fn the_table_is_sorted_and_names_each_message_once() {
    assert!(TABLE.is_sorted_by(|left, right| left.0 < right.0), "the look-up is a binary search");
    for (name, expected) in TABLE {
        assert_eq!(class(name), Some(*expected));
    }
}

#[test]
fn a_message_without_a_row_is_refused_to_all_but_active_accounts() {
    assert!(is_allowed("/ve.unknown.v1.MsgNew", AccountState::Active));
    for state in [AccountState::Flagged, AccountState::Suspended, AccountState::Terminated] {
        assert!(!is_allowed("/ve.unknown.v1.MsgNew", state), "{state:?}");
    }
}

#[test]
fn each_cell_of_classes_and_states_is_as_the_specification_says() {
    use AccountState::{Active, Flagged, Suspended, Terminated};
    let cells = [
        (Class::Sensitive, [true, false, false, false]),
        (Class::Order, [true, false, false, false]),
        (Class::Transfer, [true, true, false, false]),
        (Class::Ordinary, [true, true, false, false]),
        (Class::Leave, [true, true, true, false]),
        (Class::Claim, [true, true, false, true]),
    ];
    for (class, allowed) in cells {
        for (state, allowed) in [Active, Flagged, Suspended, Terminated].into_iter().zip(allowed) {
            assert_eq!(class.allowed(state), allowed, "{class:?} {state:?}");
        }
        assert!(!class.allowed(AccountState::Unspecified));
    }
}
