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
