//! Every state machine of the order book as tables without side effects (marketplace spec sections 4 and 5). `None`
//! means that the event is illegal in that state.

use ve_proto::ve::market::v1::{Action, BidState, GroupState, LeaseState, OrderState, ResourceState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    Pause,
    Start,
    Exhaust,
    Close,
}

pub fn group(state: GroupState, event: GroupEvent) -> Option<GroupState> {
    match (state, event) {
        (GroupState::Open, GroupEvent::Pause) => Some(GroupState::Paused),
        (GroupState::Paused, GroupEvent::Start) => Some(GroupState::Open),
        (GroupState::Open | GroupState::Paused, GroupEvent::Exhaust) => Some(GroupState::InsufficientFunds),
        (GroupState::Open | GroupState::Paused, GroupEvent::Close) => Some(GroupState::Closed),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    Match,
    Close,
}

pub fn order(state: OrderState, event: OrderEvent) -> Option<OrderState> {
    match (state, event) {
        (OrderState::Open, OrderEvent::Match) => Some(OrderState::Matched),
        (OrderState::Open | OrderState::Matched, OrderEvent::Close) => Some(OrderState::Closed),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BidEvent {
    Accept,
    Lose,
    Close,
}

pub fn bid(state: BidState, event: BidEvent) -> Option<BidState> {
    match (state, event) {
        (BidState::Open, BidEvent::Accept) => Some(BidState::Active),
        (BidState::Open, BidEvent::Lose) => Some(BidState::Lost),
        (BidState::Open | BidState::Active, BidEvent::Close) => Some(BidState::Closed),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEvent {
    Overdraw,
    Restore,
    Reclaim,
    Close,
}

pub fn lease(state: LeaseState, event: LeaseEvent) -> Option<LeaseState> {
    match (state, event) {
        (LeaseState::Active, LeaseEvent::Overdraw) => Some(LeaseState::Grace),
        (LeaseState::Grace, LeaseEvent::Restore) => Some(LeaseState::Active),
        (LeaseState::Active, LeaseEvent::Reclaim) => Some(LeaseState::Reclaiming),
        // The notice runs on whether or not the customer can pay.
        (LeaseState::Reclaiming, LeaseEvent::Overdraw | LeaseEvent::Restore) => Some(LeaseState::Reclaiming),
        (LeaseState::Active | LeaseState::Grace | LeaseState::Reclaiming, LeaseEvent::Close) => {
            Some(LeaseState::Closed)
        }
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceEvent {
    /// The provider reports this state.
    Observed(ResourceState),
    /// The provider reports that the running operation failed.
    OperationFailed,
    Suspend,
    Resume,
    /// The customer asks for this.
    Asked(Action),
    /// The time of the running operation is over.
    Overdue,
    Terminate,
    /// No proof of the end came in time.
    Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceEffect {
    None,
    /// The provider is asked to do this.
    Request(Action),
    /// First time active: what has accrued is earned.
    Delivered,
    /// The running operation ended as asked.
    Done,
    /// Provisioning failed: the lease ends.
    Failed,
}

/// The state that an operation began in, to which it rolls back.
fn before(action: Action) -> Option<ResourceState> {
    match action {
        Action::Suspend | Action::Stop | Action::Restart => Some(ResourceState::Active),
        Action::Resume => Some(ResourceState::Suspended),
        Action::Start => Some(ResourceState::Stopped),
        Action::Unspecified | Action::Provision | Action::Terminate => None,
    }
}

/// `running` is the running operation, `desired` what the chain wants.
pub fn resource(
    state: ResourceState,
    running: Option<Action>,
    desired: ResourceState,
    event: ResourceEvent,
) -> Option<(ResourceState, ResourceEffect)> {
    use ResourceEffect as Effect;
    use ResourceEvent::{Asked, Force, Observed, OperationFailed, Overdue, Resume, Suspend, Terminate};
    use ResourceState::{Active, Failed, Pending, Provisioning, Stopped, Suspended, Terminated, Terminating, Updating};
    match (state, event) {
        (Pending, Observed(Provisioning)) => Some((Provisioning, Effect::None)),
        (Provisioning, Observed(Active)) => Some((Active, Effect::Delivered)),
        (Pending | Provisioning, Observed(Failed)) => Some((Failed, Effect::Failed)),
        (Pending | Provisioning, OperationFailed) => Some((Failed, Effect::Failed)),
        (Active, Suspend) => Some((Updating, Effect::Request(Action::Suspend))),
        // Nothing runs yet: it comes up suspended or is resumed before.
        (Pending | Provisioning, Suspend | Resume) => Some((state, Effect::None)),
        (Updating, Observed(Suspended)) if running == Some(Action::Suspend) => Some((Suspended, Effect::Done)),
        (Updating, Observed(Active)) if running == Some(Action::Resume) => Some((Active, Effect::Done)),
        (Updating, Suspend) => Some((Updating, Effect::Request(Action::Suspend))),
        (Updating | Suspended, Resume) => Some((Updating, Effect::Request(Action::Resume))),
        (Active, Resume) => Some((Active, Effect::None)),
        (Suspended, Suspend) => Some((Suspended, Effect::None)),
        // Nothing runs in a stopped one.
        (Stopped, Suspend | Resume) => Some((Stopped, Effect::None)),
        (Active, Asked(Action::Stop | Action::Restart)) | (Stopped, Asked(Action::Start)) => {
            let Asked(action) = event else { return None };
            Some((Updating, Effect::Request(action)))
        }
        (Updating, Observed(Stopped)) if running == Some(Action::Stop) => Some((Stopped, Effect::Done)),
        (Updating, Observed(Active)) if matches!(running, Some(Action::Start | Action::Restart)) => {
            Some((Active, Effect::Done))
        }
        (Updating, OperationFailed | Overdue) => Some((before(running?)?, Effect::None)),
        // Nothing is billed any more: what is late is only told.
        (Terminating, Overdue) => Some((Terminating, Effect::None)),
        // A second attempt after a failed operation.
        (Active, Observed(Suspended)) if desired == Suspended => Some((Suspended, Effect::None)),
        (Suspended, Observed(Active)) if desired == Active => Some((Active, Effect::None)),
        (Provisioning | Active | Suspended | Stopped, Observed(same)) if same == state => Some((state, Effect::None)),
        (Pending | Provisioning | Active | Updating | Suspended | Stopped, Terminate) => {
            Some((Terminating, Effect::Request(Action::Terminate)))
        }
        (Terminating, Observed(Terminated)) => Some((Terminated, Effect::Done)),
        (Terminating, Force) => Some((Terminated, Effect::None)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
