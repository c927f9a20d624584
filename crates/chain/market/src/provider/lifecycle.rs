//! States of a provider, pure (marketplace spec section 1, finance spec section 5).

use ve_proto::ve::provider::v1::ProviderState as State;

/// What a provider needs to be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    pub bonded: bool,
    pub has_key: bool,
    pub has_domain: bool,
}

impl Guards {
    fn hold(self) -> bool {
        self.bonded && self.has_key && self.has_domain
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bond or keys changed, or it is time to look at them.
    Checked(Guards),
    GiveNotice,
    /// It left customers without notice, or was silent for too long.
    Penalise,
    /// The penalty is paid and the last lease closed.
    Settled,
    /// The notice is over and no lease is left.
    Leave,
}

/// The next state, `None` when the event is illegal in this one.
pub fn step(state: State, event: Event) -> Option<State> {
    match (state, event) {
        (State::Pending, Event::Checked(guards)) => Some(if guards.hold() { State::Active } else { State::Pending }),
        (State::Active | State::Restricted, Event::Checked(guards)) => {
            Some(if guards.hold() { State::Active } else { State::Restricted })
        }
        (State::Exiting | State::Penalised, Event::Checked(_)) => Some(state),
        (State::Pending | State::Active | State::Restricted, Event::GiveNotice) => Some(State::Exiting),
        (State::Active | State::Restricted | State::Exiting, Event::Penalise) => Some(State::Penalised),
        (State::Penalised, Event::Settled) => Some(State::Exiting),
        (State::Exiting, Event::Leave) => Some(State::Exited),
        _ => None,
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
