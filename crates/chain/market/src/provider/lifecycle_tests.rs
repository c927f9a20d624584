use super::{Event, Guards, State, step};

const HELD: Event = Event::Checked(Guards { bonded: true, has_key: true, has_domain: true });
const KEYLESS: Event = Event::Checked(Guards { bonded: true, has_key: false, has_domain: true });

#[test]
fn bond_and_key_together_make_a_provider_active() {
    assert_eq!(step(State::Pending, KEYLESS), Some(State::Pending));
    assert_eq!(step(State::Pending, HELD), Some(State::Active));
}

#[test]
fn losing_the_last_key_restricts_and_a_new_one_lifts_it() {
    assert_eq!(step(State::Active, KEYLESS), Some(State::Restricted));
    assert_eq!(step(State::Restricted, HELD), Some(State::Active));
}

#[test]
fn a_leaving_provider_never_comes_back() {
    assert_eq!(step(State::Active, Event::GiveNotice), Some(State::Exiting));
    assert_eq!(step(State::Exiting, HELD), Some(State::Exiting));
    assert_eq!(step(State::Exiting, Event::GiveNotice), None);
    assert_eq!(step(State::Exiting, Event::Leave), Some(State::Exited));
    for event in [HELD, Event::GiveNotice, Event::Leave] {
        assert_eq!(step(State::Exited, event), None);
    }
    assert_eq!(step(State::Active, Event::Leave), None);
}

#[test]
fn one_who_leaves_customers_is_penalised_and_then_leaves() {
    for state in [State::Active, State::Restricted, State::Exiting] {
        assert_eq!(step(state, Event::Penalise), Some(State::Penalised));
    }
    for state in [State::Pending, State::Exited, State::Penalised] {
        assert_eq!(step(state, Event::Penalise), None);
    }
    assert_eq!(step(State::Penalised, HELD), Some(State::Penalised));
    assert_eq!(step(State::Penalised, Event::GiveNotice), None);
    assert_eq!(step(State::Penalised, Event::Leave), None);
    assert_eq!(step(State::Penalised, Event::Settled), Some(State::Exiting));
}
