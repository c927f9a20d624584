use serde_json::json;

use super::{kebab, matched, message, message_fields, queries, signer, transactions, value};

#[test]
fn every_message_and_query_of_the_schema_is_a_command() {
    transactions().debug_assert();
    queries().debug_assert();
    for service in ve_proto::descriptors().services() {
        let name = service.full_name();
        if !(name.starts_with("ve.") || name.starts_with("cosmos.")) || !["Msg", "Query"].contains(&service.name()) {
            continue;
        }
        let root = if service.name() == "Msg" { transactions() } else { queries() };
        for method in service.methods() {
            let module = root.find_subcommand(super::module(&service)).unwrap();
            assert!(module.find_subcommand(kebab(method.name())).is_some(), "{}", method.full_name());
        }
    }
}

#[test]
fn flags_become_fields_and_show_again() {
    let line = [
        "tx",
        "market",
        "create-bid",
        "--provider",
        "ve1a",
        "--price",
        "1.5uve",
        "--deposit",
        "500000uve",
        "--reclamation-window",
        "3600",
        "--order",
        r#"{"owner":"ve1b","dseq":"7","gseq":1,"oseq":1}"#,
    ];
    let matches = transactions().try_get_matches_from(line).unwrap();
    let (method, arguments) = matched(&matches, &["Msg"]).unwrap();
    let built = message(&method.input(), message_fields(&method.input(), arguments).unwrap()).unwrap();
    let shown = value(&built);
    assert_eq!(shown["price"], json!({"denom": "uve", "amount": "1.500000000000000000"}));
    assert_eq!(shown["deposit"], json!({"denom": "uve", "amount": "500000"}));
    assert_eq!(shown["order"]["dseq"], "7");
    assert_eq!(shown["reclamation_window"], "3600");
}

#[test]
fn states_are_named_as_people_say_them() {
    let matches = queries().try_get_matches_from(["query", "market", "orders", "--state", "open"]).unwrap();
    let (method, arguments) = matched(&matches, &["Query"]).unwrap();
    let fields = message_fields(&method.input(), arguments).unwrap();
    assert_eq!(fields["state"], "ORDER_STATE_OPEN");
    let matches = queries().try_get_matches_from(["query", "market", "orders", "--state", "opened"]).unwrap();
    let (method, arguments) = matched(&matches, &["Query"]).unwrap();
    assert!(message_fields(&method.input(), arguments).unwrap_err().to_string().contains("matched"));
}

#[test]
fn wrong_values_are_usage_errors() {
    for wrong in [
        vec!["tx", "market", "create-bid", "--price", "x"],
        vec!["tx", "market", "create-bid", "--order", "{"],
        vec!["tx", "market", "create-bid", "--deposit", "1.5uve"],
        vec!["tx", "market", "create-bid", "--json", r#"{"unknown":1}"#],
    ] {
        let matches = transactions().try_get_matches_from(wrong.clone()).unwrap();
        let (method, arguments) = matched(&matches, &["Msg"]).unwrap();
        let fields = message_fields(&method.input(), arguments);
        assert!(fields.and_then(|fields| message(&method.input(), fields)).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_signer_is_the_field_that_the_schema_names() {
    let pool = ve_proto::descriptors();
    let name = |message: &str| signer(&pool.get_message_by_name(message).unwrap());
    assert_eq!(name("cosmos.bank.v1beta1.MsgSend").as_deref(), Some("from_address"));
    assert_eq!(name("ve.market.v1.MsgCreateBid").as_deref(), Some("provider"));
}

fn from_file(module: &str, command: &str, content: &str) -> Result<serde_json::Value, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let line = ["tx", module, command, file.path().to_str().unwrap()];
    let matches = transactions().try_get_matches_from(line).map_err(|error| error.to_string())?;
    let (method, arguments) = matched(&matches, &["Msg"]).unwrap();
    let fields = message_fields(&method.input(), arguments).map_err(|error| error.to_string())?;
    message(&method.input(), fields).map(|built| value(&built)).map_err(|error| error.to_string())
}

#[test]
fn nested_messages_come_from_a_file_as_people_write_them() {
    let key =
        r#""pubkey":{"@type":"cosmos.crypto.ed25519.PubKey","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#;
    let content =
        format!(r#"{{"validator_address":"vevaloper1a",{key},"value":"5uve","commission":{{"rate":"0.1"}}}}"#);
    let shown = from_file("staking", "create-validator", &content).unwrap();
    assert_eq!(shown["pubkey"]["@type"], "/cosmos.crypto.ed25519.PubKey");
    assert_eq!(shown["value"], json!({"denom": "uve", "amount": "5"}));
    assert_eq!(shown["commission"]["rate"], "0.100000000000000000");
}

#[test]
fn what_a_file_gets_wrong_is_named() {
    let refused = |content: &str| from_file("staking", "create-validator", content).unwrap_err();
    assert!(refused(r#"{"pubkey":{"@type":"/no.such.Key"}}"#).contains("/no.such.Key"));
    assert!(refused(r#"{"value":"five"}"#).contains("value: "));
    assert!(refused(r#"{"commission":{"rate":"0.x"}}"#).contains("rate"));
    assert!(refused(r#"{"unknown":1}"#).contains("unknown"));
    assert!(refused("[]").contains("braces"));
    assert!(refused("{").contains("JSON"));
    // A message whose fields are all plain takes no file.
    assert!(from_file("bank", "send", "{}").is_err());
}

#[test]
fn the_message_file_of_the_book_is_a_message() {
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/book/src/command-line.md");
    let text = std::fs::read_to_string(book).unwrap();
    let example = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let shown = from_file("staking", "create-validator", example).unwrap();
    assert_eq!(shown["value"], json!({"denom": "uve", "amount": "5000000"}));
    assert_eq!(shown["commission"]["max_change_rate"], "0.010000000000000000");
}
