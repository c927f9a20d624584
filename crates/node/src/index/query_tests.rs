use ve_proto::tendermint::abci::{Event, EventAttribute};

use super::query::{MAX_QUERY_BYTES, Query};

fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
    let attributes =
        attributes.iter().map(|(k, v)| EventAttribute { key: (*k).into(), value: (*v).into(), index: true }).collect();
    Event { r#type: kind.into(), attributes }
}

fn matches(query: &str, events: &[Event]) -> bool {
    query.parse::<Query>().unwrap_or_else(|e| panic!("{query}: {e}")).matches(events)
}

#[test]
fn spaces_around_operators_are_optional() {
    let events = [event("tm", &[("event", "NewBlock")])];
    assert!(matches("tm.event='NewBlock'", &events));
    assert!(matches("  tm.event =  'NewBlock' ", &events));
    assert!(!matches("tm.event='Tx'", &events));
}

#[test]
fn a_conjunction_holds_within_one_event() {
    let split = [
        event("transfer", &[("sender", "a"), ("recipient", "x")]),
        event("transfer", &[("sender", "y"), ("recipient", "b")]),
    ];
    assert!(!matches("transfer.sender='a' AND transfer.recipient='b'", &split));
    assert!(matches("transfer.sender='a' AND transfer.recipient='x'", &split));
}

#[test]
fn conditions_on_different_events_combine() {
    let events = [event("tm", &[("event", "Tx")]), event("message", &[("module", "ibc_client")])];
    assert!(matches("tm.event='Tx' AND message.module='ibc_client'", &events));
    assert!(!matches("tm.event='Tx' AND message.module='ibc_channel'", &events));
}

#[test]
fn numbers_are_compared_without_rounding_and_ignore_the_denom() {
    let events = [event("transfer", &[("amount", "340282366920938463463374607431768211457uve")])];
    assert!(matches("transfer.amount > 340282366920938463463374607431768211456", &events));
    assert!(!matches("transfer.amount > 340282366920938463463374607431768211457", &events));
    assert!(matches("transfer.amount >= 340282366920938463463374607431768211457", &events));
    assert!(matches("rate.value < 0.5", &[event("rate", &[("value", "0.499")])]));
    assert!(!matches("transfer.amount > 1", &[event("transfer", &[("amount", "uve")])]));
}

#[test]
fn times_and_dates_are_ordered() {
    let events = [event("lease", &[("end", "2026-05-03T14:45:00Z")])];
    assert!(matches("lease.end >= TIME 2026-05-03T14:45:00Z", &events));
    assert!(matches("lease.end > DATE 2026-05-03", &events));
    assert!(!matches("lease.end < DATE 2026-05-03", &events));
}

#[test]
fn contains_and_exists_look_at_values_and_presence() {
    let events = [event("message", &[("action", "/cosmos.bank.v1beta1.MsgSend")])];
    assert!(matches("message.action CONTAINS 'bank'", &events));
    assert!(matches("message.action EXISTS", &events));
    assert!(!matches("message.sender EXISTS", &events));
}

#[test]
fn the_height_condition_combines_with_an_applications_own_tx_events() {
    let events = [event("tx", &[("hash", "AB"), ("height", "5")]), event("tx", &[("acc_seq", "ve1a/7")])];
    assert!(matches("tx.height = 5 AND tx.acc_seq = 've1a/7'", &events));
    assert!(!matches("tx.height = 6 AND tx.acc_seq = 've1a/7'", &events));
}

#[test]
fn event_types_may_contain_dots() {
    let events = [event("ve.market.v1.OrderCreated", &[("id", "1")])];
    assert!(matches("ve.market.v1.OrderCreated.id = '1'", &events));
}

#[test]
fn malformed_queries_are_refused_with_their_position() {
    for bad in [
        "",
        "tm.event",
        "tm.event=",
        "tm.event='Tx",
        "tm.event=Tx",
        "tm.event='Tx' OR a.b='c'",
        "a.b='c' AND",
        "a.b < 'text'",
        "a.b = 1.2.3",
        "a.b > TIME yesterday",
        "='x'",
        "a.b = 12x",
    ] {
        let error = bad.parse::<Query>().expect_err(bad);
        assert!(error.to_string().contains(" at byte "), "{bad}: {error}");
    }
}

#[test]
fn a_query_longer_than_the_limit_is_refused() {
    let long = format!("a.b = '{}'", "x".repeat(MAX_QUERY_BYTES));
    assert!(long.parse::<Query>().is_err());
}
