use prost::Message;
use prost_reflect::DynamicMessage;
use prost_types::{Any, Duration, Timestamp};
use serde_json::{Value, json};
use ve_proto::{
    Name,
    any::pack,
    cosmos::{
        auth::v1beta1::{BaseAccount, QueryAccountResponse},
        base::query::v1beta1::{PageRequest, PageResponse},
        crypto::secp256k1::PubKey,
        staking::v1beta1::{CommissionRates, Params, UnbondingDelegationEntry, Validator},
        tx::v1beta1::{ModeInfo, mode_info},
    },
    descriptors,
};

use super::{decode, encode::Encoder};

fn json_of<M: Message + Name>(message: &M) -> Value {
    let desc = descriptors().get_message_by_name(&M::full_name()).expect("in the schema");
    let dynamic = DynamicMessage::decode(desc, message.encode_to_vec().as_slice()).expect("decodes");
    Encoder::new(descriptors()).message(&dynamic)
}

#[test]
fn names_stay_snake_case_and_64_bit_integers_are_strings() {
    let page = PageResponse { next_key: vec![1, 2], total: u64::MAX };
    assert_eq!(json_of(&page), json!({"next_key": "AQI=", "total": "18446744073709551615"}));
    let request = json_of(&PageRequest::default());
    assert_eq!(
        request,
        json!({"key": "", "offset": "0", "limit": "0", "count_total": false, "reverse": false}),
        "defaults are written"
    );
}

#[test]
fn decimals_are_shown_as_decimal_text() {
    let rates =
        CommissionRates { rate: "100000000000000000".into(), max_rate: "-1".into(), max_change_rate: "".into() };
    let expected = json!({"rate": "0.100000000000000000", "max_rate": "-0.000000000000000001", "max_change_rate": ""});
    assert_eq!(json_of(&rates), expected);
    let validator = json_of(&Validator { delegator_shares: "12500000000000000000".into(), ..Default::default() });
    assert_eq!(validator["delegator_shares"], "12.500000000000000000");
}

#[test]
fn enums_times_and_durations_follow_protobuf_json() {
    let validator = json_of(&Validator { status: 3, ..Default::default() });
    assert_eq!(validator["status"], "BOND_STATUS_BONDED");
    assert_eq!(json_of(&Validator { status: 99, ..Default::default() })["status"], 99);
    assert_eq!(validator["commission"], Value::Null);
    let params = Params { unbonding_time: Some(Duration { seconds: 1_814_400, nanos: 0 }), ..Default::default() };
    assert_eq!(json_of(&params)["unbonding_time"], "1814400s");
    let time = Timestamp { seconds: 1_767_225_600, nanos: 500_000_000 };
    let entry = UnbondingDelegationEntry { completion_time: Some(time), ..Default::default() };
    assert_eq!(json_of(&entry)["completion_time"], "2026-01-01T00:00:00.5Z");
}

#[test]
fn an_any_is_opened_by_its_type_and_an_unknown_type_keeps_its_bytes() {
    let key = PubKey { key: vec![2; 33] };
    let account = BaseAccount { address: "ve1a".into(), pub_key: Some(pack(&key)), account_number: 1, sequence: 2 };
    let shown = json_of(&QueryAccountResponse { account: Some(pack(&account)) });
    assert_eq!(shown["account"]["@type"], "/cosmos.auth.v1beta1.BaseAccount");
    assert_eq!(shown["account"]["sequence"], "2");
    assert_eq!(shown["account"]["pub_key"]["@type"], "/cosmos.crypto.secp256k1.PubKey");
    let unknown = Any { type_url: "/no.such.Type".into(), value: vec![1] };
    let shown = json_of(&QueryAccountResponse { account: Some(unknown) });
    assert_eq!(shown["account"], json!({"@type": "/no.such.Type", "value": "AQ=="}));
}

#[test]
fn of_a_oneof_only_the_chosen_member_is_written() {
    let single = mode_info::Single { mode: 1 };
    let mode = ModeInfo { sum: Some(mode_info::Sum::Single(single)) };
    assert_eq!(json_of(&mode), json!({"single": {"mode": "SIGN_MODE_DIRECT"}}));
}

#[test]
fn parameters_set_nested_fields_ignore_unknown_names_and_refuse_wrong_values() {
    let desc = descriptors().get_message_by_name("cosmos.tx.v1beta1.GetTxsEventRequest").expect("in the schema");
    let mut request = DynamicMessage::new(desc);
    for (name, text) in [
        ("events", "a.b='c'"),
        ("events", "d.e='f'"),
        ("pagination.limit", "5"),
        ("pagination.count_total", "true"),
        ("pagination.key", "-_8="),
        ("order_by", "ORDER_BY_DESC"),
    ] {
        assert_eq!(decode::set(&mut request, name, text), Ok(true), "{name}");
    }
    assert_eq!(decode::set(&mut request, "stray", "x"), Ok(false));
    assert_eq!(decode::set(&mut request, "pagination.stray", "x"), Ok(false));
    for (name, text) in [("page", "-1"), ("pagination.reverse", "yes"), ("order_by", "UP"), ("pagination", "x")] {
        assert!(decode::set(&mut request, name, text).is_err(), "{name}");
    }
    let request = ve_proto::cosmos::tx::v1beta1::GetTxsEventRequest::decode(request.encode_to_vec().as_slice());
    let request = request.expect("decodes");
    assert_eq!((request.page, request.order_by), (0, 2));
    #[allow(deprecated)]
    let page = request.pagination.expect("pagination");
    assert_eq!((page.limit, page.count_total, page.key), (5, true, vec![0xfb, 0xff]));
}

#[test]
fn a_body_with_an_unknown_field_or_trailing_text_is_refused() {
    let desc = descriptors().get_message_by_name("cosmos.tx.v1beta1.BroadcastTxRequest").expect("in the schema");
    let parse = |text: &str| decode::body(desc.clone(), text.as_bytes());
    assert!(parse(r#"{"tx_bytes":"aGk=","mode":"BROADCAST_MODE_SYNC"}"#).is_ok());
    assert!(parse(r#"{"txBytes":"aGk=","mode":2}"#).is_ok());
    assert!(parse(r#"{"tx_byte":"aGk="}"#).is_err());
    assert!(parse(r#"{} {}"#).is_err());
    assert!(parse("").is_err());
}
