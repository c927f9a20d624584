use serde_json::{Value, json};

use super::{
    envelope::{MAX_BATCH, RpcError, parse_body},
    params::Params,
};

fn named(params: Value) -> Params {
    Params::from_json(params, &["height", "prove"]).expect("params")
}

fn url(name: &str, text: &str) -> Params {
    Params::from_url([(name.to_string(), text.to_string())])
}

#[test]
fn integers_come_as_numbers_strings_or_quoted_in_a_url() {
    for params in [named(json!({"height": 5})), named(json!({"height": "5"})), named(json!([5])), named(json!(["5"]))] {
        assert_eq!(params.int("height"), Ok(Some(5)));
    }
    assert_eq!(url("height", "5").int("height"), Ok(Some(5)));
    assert_eq!(url("height", "\"5\"").int("height"), Ok(Some(5)));
    assert_eq!(named(json!({"height": null})).int("height"), Ok(None));
    assert!(named(json!({"height": "five"})).int("height").is_err());
    assert!(named(json!({"height": true})).int("height").is_err());
}

#[test]
fn unknown_names_are_ignored_and_surplus_positions_are_refused() {
    assert_eq!(named(json!({"height": 1, "stray": 2})).int("height"), Ok(Some(1)));
    let refused = Params::from_json(json!([1, true, 3]), &["height", "prove"]);
    assert!(matches!(refused, Err(RpcError::InvalidParams(text)) if text.contains("height, prove")));
}

#[test]
fn bytes_are_base64_in_json_and_hex_or_text_in_a_url() {
    assert_eq!(named(json!({"tx": "aGk="})).base64("tx"), Ok(b"hi".to_vec()));
    assert_eq!(url("tx", "0x6869").base64("tx"), Ok(b"hi".to_vec()));
    assert_eq!(url("tx", "\"hi\"").base64("tx"), Ok(b"hi".to_vec()));
    assert!(named(json!({"tx": "not base64!"})).base64("tx").is_err());
    assert!(url("tx", "0xzz").base64("tx").is_err());
    assert_eq!(named(json!({"data": "6869"})).hex("data"), Ok(b"hi".to_vec()));
    assert_eq!(url("data", "0x6869").hex("data"), Ok(b"hi".to_vec()));
}

#[test]
fn a_hash_is_accepted_in_hex_and_in_base64_but_not_at_another_length() {
    let hash = [0xab_u8; 32];
    let base64 = super::json::base64(&hash);
    for text in [hex::encode(hash), hex::encode_upper(hash), format!("0x{}", hex::encode(hash)), base64] {
        assert_eq!(named(json!({"hash": text})).hash("hash"), Ok(hash.to_vec()), "{text}");
    }
    assert!(named(json!({"hash": "abcd"})).hash("hash").is_err());
    assert!(named(json!({})).hash("hash").is_err());
}

#[test]
fn malformed_requests_get_the_codes_of_the_specification() {
    let code = |body: &str| match parse_body(body.as_bytes()) {
        Err(error) => error.code(),
        Ok((requests, _)) => requests[0].as_ref().expect_err("refused").1.code(),
    };
    assert_eq!(code("{"), -32700);
    assert_eq!(code("[]"), -32600);
    assert_eq!(code("5"), -32600);
    assert_eq!(code(r#"{"id":1}"#), -32600);
    assert_eq!(code(r#"{"id":{},"method":"health"}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"1.0","id":1,"method":"health"}"#), -32600);
    assert_eq!(code(r#"{"id":1,"method":"health","params":5}"#), -32602);
}

#[test]
fn a_batch_of_twenty_passes_and_one_more_is_refused() {
    let batch = |n: usize| serde_json::to_vec(&vec![json!({"id": 1, "method": "health"}); n]).expect("json");
    assert_eq!(parse_body(&batch(MAX_BATCH)).expect("fits").0.len(), 20);
    assert!(matches!(parse_body(&batch(MAX_BATCH + 1)), Err(RpcError::InvalidRequest(_))));
}
