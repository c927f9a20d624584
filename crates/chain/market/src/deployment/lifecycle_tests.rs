use super::*;
use ResourceState::{Active, Failed, Pending, Provisioning, Stopped, Suspended, Terminated, Terminating, Updating};

#[test]
fn a_resource_comes_up_through_provisioning_only() {
    let observed = |state, seen| resource(state, Some(Action::Provision), Active, ResourceEvent::Observed(seen));
    assert_eq!(observed(Pending, Active), None);
    assert_eq!(observed(Pending, Provisioning), Some((Provisioning, ResourceEffect::None)));
    assert_eq!(observed(Provisioning, Active), Some((Active, ResourceEffect::Delivered)));
    assert_eq!(observed(Provisioning, Failed), Some((Failed, ResourceEffect::Failed)));
}

#[test]
fn what_is_terminated_never_lives_again() {
    let events = [Active, Provisioning, Suspended, Terminating].map(ResourceEvent::Observed);
    for event in events.into_iter().chain([ResourceEvent::Suspend, ResourceEvent::Resume, ResourceEvent::Terminate]) {
        assert_eq!(resource(Terminated, None, Terminated, event), None);
        assert_eq!(resource(Failed, None, Active, event), None);
    }
}

#[test]
fn a_suspension_that_fails_leaves_it_running_and_can_be_done_later() {
    let running = Some(Action::Suspend);
    assert_eq!(
        resource(Active, None, Active, ResourceEvent::Suspend),
        Some((Updating, ResourceEffect::Request(Action::Suspend)))
    );
    assert_eq!(
        resource(Updating, running, Suspended, ResourceEvent::OperationFailed),
        Some((Active, ResourceEffect::None))
    );
    assert_eq!(
        resource(Active, None, Suspended, ResourceEvent::Observed(Suspended)),
        Some((Suspended, ResourceEffect::None))
    );
    assert_eq!(resource(Active, None, Active, ResourceEvent::Observed(Suspended)), None);
}

#[test]
fn a_top_up_overtakes_a_running_suspension() {
    let step = resource(Updating, Some(Action::Suspend), Suspended, ResourceEvent::Resume);
    assert_eq!(step, Some((Updating, ResourceEffect::Request(Action::Resume))));
    let late = ResourceEvent::Observed(Suspended);
    assert_eq!(resource(Updating, Some(Action::Resume), Active, late), None);
}

#[test]
fn closed_leases_orders_bids_and_groups_accept_nothing() {
    for event in [LeaseEvent::Overdraw, LeaseEvent::Restore, LeaseEvent::Reclaim, LeaseEvent::Close] {
        assert_eq!(lease(LeaseState::Closed, event), None);
    }
    for event in [OrderEvent::Match, OrderEvent::Close] {
        assert_eq!(order(OrderState::Closed, event), None);
    }
    for (state, event) in
        [(BidState::Lost, BidEvent::Close), (BidState::Closed, BidEvent::Accept), (BidState::Active, BidEvent::Lose)]
    {
        assert_eq!(bid(state, event), None);
    }
    for event in [GroupEvent::Pause, GroupEvent::Start, GroupEvent::Exhaust, GroupEvent::Close] {
        assert_eq!(group(GroupState::Closed, event), None);
        assert_eq!(group(GroupState::InsufficientFunds, event), None);
    }
}

#[test]
fn a_customer_stops_starts_and_restarts_what_was_delivered() {
    let asked = |state, action| resource(state, None, Active, ResourceEvent::Asked(action));
    assert_eq!(asked(Active, Action::Stop), Some((Updating, ResourceEffect::Request(Action::Stop))));
    assert_eq!(asked(Active, Action::Restart), Some((Updating, ResourceEffect::Request(Action::Restart))));
    assert_eq!(asked(Stopped, Action::Start), Some((Updating, ResourceEffect::Request(Action::Start))));
    assert_eq!(asked(Stopped, Action::Stop), None);
    assert_eq!(asked(Active, Action::Start), None);
    assert_eq!(asked(Active, Action::Terminate), None);
    for state in [Pending, Provisioning, Updating, Suspended, Terminating, Terminated, Failed] {
        assert_eq!(asked(state, Action::Restart), None);
    }
}

#[test]
fn an_operation_that_fails_or_is_late_rolls_back_to_where_it_began() {
    let began = [
        (Action::Stop, Active),
        (Action::Restart, Active),
        (Action::Suspend, Active),
        (Action::Start, Stopped),
        (Action::Resume, Suspended),
    ];
    for (action, state) in began {
        for event in [ResourceEvent::OperationFailed, ResourceEvent::Overdue] {
            assert_eq!(resource(Updating, Some(action), Active, event), Some((state, ResourceEffect::None)));
        }
    }
    assert_eq!(resource(Updating, None, Active, ResourceEvent::Overdue), None);
    let late = resource(Terminating, Some(Action::Terminate), Terminated, ResourceEvent::Overdue);
    assert_eq!(late, Some((Terminating, ResourceEffect::None)));
}
