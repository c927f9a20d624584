use ve_proto::ve::veid::v1::{Capability, CapabilityRow, Cell};

use crate::veid::matrix::{bit, default, enforced, validate};

fn refused(change: fn(&mut Vec<CapabilityRow>)) -> bool {
    let mut rows = default();
    change(&mut rows);
    validate(&rows).is_err()
}

#[test]
fn the_default_matrix_is_the_specifications() {
    validate(&default()).expect("it is valid");
    let allowed: Vec<String> = default()
        .iter()
        .map(|row| row.cells.iter().map(|cell| if cell.allowed { 'y' } else { '-' }).collect())
        .collect();
    assert_eq!(
        allowed,
        ["yyyy", "-yyy", "--yy", "--yy", "-yyy", "---y", "-yyy", "--yy", "-yyy", "-yyy", "-yyy", "--yy"]
    );
}

#[test]
fn what_existing_flows_need_is_enforced_by_governance_only() {
    let bits = enforced(&default());
    for capability in [Capability::Basic, Capability::Account, Capability::PrivateOfferings] {
        assert_ne!(bits & bit(capability), 0, "{capability:?}");
    }
    for capability in [Capability::Transfer, Capability::Order, Capability::Sell, Capability::Stake, Capability::Vote] {
        assert_eq!(bits & bit(capability), 0, "{capability:?}");
    }
}

#[test]
fn a_matrix_with_gaps_or_steps_downward_is_refused() {
    assert!(refused(|rows| rows.truncate(11)), "every capability has its row");
    assert!(refused(|rows| rows.swap(1, 2)));
    assert!(refused(|rows| rows[1].cells.truncate(3)));
    assert!(refused(|rows| rows[1].cells[3] = Cell::default()), "a higher tier never loses");
    assert!(refused(|rows| rows[0].cells[0] = Cell::default()), "what is basic is free");
    assert!(refused(|rows| rows[1].cells[1].conditions = vec![9]));
}
