use serde_json::json;
use ve_proto::ve::market::v1::{Operation, OperationState};

use super::operate::failure;
use super::{event_line, parse_id, printable};

const A: &str = "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa";
const B: &str = "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg";

#[test]
fn a_lease_is_named_by_six_parts() {
    let id = parse_id(&format!("{A}/7/1/2/{B}/3")).unwrap();
    assert_eq!((id.owner.as_str(), id.provider.as_str()), (A, B));
    assert_eq!((id.dseq, id.gseq, id.oseq, id.bseq), (7, 1, 2, 3));
    let others = [
        format!("{A}/7/1/2/{B}"),
        format!("{A}/x/1/2/{B}/3"),
        format!("ve1abc/7/1/2/{B}/3"),
        format!("{A}/7/1/2/{B}/3/4"),
    ];
    for wrong in others {
        assert!(parse_id(&wrong).is_none(), "{wrong}");
    }
}

#[test]
fn events_are_one_line_each_and_cannot_control_the_terminal() {
    let event = json!({"at": 1_767_225_600, "kind": "started", "message": "web-0\u{1b}[2J\n", "lease": "x"});
    assert_eq!(printable(&event_line(&event)), "2026-01-01T00:00:00Z  started: web-0[2J");
    assert_eq!(event_line(&json!({})), "1970-01-01T00:00:00Z  : ");
}

#[test]
fn an_operation_that_failed_says_what_became_of_it_why_and_what_to_do() {
    let ended = |state: OperationState, result_code| {
        failure("start", &Operation { state: state.into(), result_code, ..Operation::default() })
    };
    assert_eq!(
        ended(OperationState::RolledBack, 2),
        "the start rolled back: the provider's machine is full; try again later"
    );
    assert!(ended(OperationState::Failed, 99).contains("code 99"), "a newer provider's reason is not invented");
    assert!(ended(OperationState::Expired, 0).contains("as before"));
    assert!(ended(OperationState::Cancelled, 0).contains("overtaken"));
}
