//! Properties of the schema that signing, routing and amino JSON rely on.

use prost_reflect::{Kind, MessageDescriptor, Value};
use ve_proto::{any, cosmos::bank::v1beta1::MsgSend, descriptors};

fn option(message: &MessageDescriptor, name: &str) -> Option<Value> {
    let extension = descriptors().get_extension_by_name(name).expect("the option is declared");
    let options = message.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

/// Requests of every service that is marked as a transaction service.
fn transaction_messages() -> Vec<MessageDescriptor> {
    let marker = descriptors().get_extension_by_name("cosmos.msg.v1.service").expect("the option is declared");
    let services: Vec<_> = descriptors().services().filter(|s| s.options().has_extension(&marker)).collect();
    assert!(services.len() >= 3, "auth, bank and staking at least");
    services.iter().flat_map(|s| s.methods().map(|m| m.input())).collect()
}

#[test]
fn every_msg_service_is_marked_as_a_transaction_service() {
    let marker = descriptors().get_extension_by_name("cosmos.msg.v1.service").expect("the option is declared");
    for service in descriptors().services().filter(|s| s.name() == "Msg") {
        assert!(service.options().has_extension(&marker), "{} lacks cosmos.msg.v1.service", service.full_name());
    }
}

#[test]
fn every_transaction_message_names_a_signer_field_that_exists() {
    for message in transaction_messages() {
        let signers = option(&message, "cosmos.msg.v1.signer")
            .unwrap_or_else(|| panic!("{} has no signer option", message.full_name()));
        let signers = signers.as_list().expect("signer is repeated").to_vec();
        assert!(!signers.is_empty());
        for signer in signers {
            let field = message.get_field_by_name(signer.as_str().expect("a name"));
            let field = field.unwrap_or_else(|| panic!("{}: signer field is missing", message.full_name()));
            assert!(matches!(field.kind(), Kind::String | Kind::Message(_)), "{}", field.full_name());
        }
    }
}

#[test]
fn every_transaction_message_has_a_unique_amino_name_that_hardware_signers_accept() {
    let mut seen = std::collections::BTreeSet::new();
    for message in transaction_messages() {
        let name =
            option(&message, "amino.name").unwrap_or_else(|| panic!("{} has no amino name", message.full_name()));
        let name = name.as_str().expect("a name").to_string();
        assert!(name.len() <= 39, "{name} is longer than 39 bytes");
        if message.full_name().starts_with("ve.") {
            assert!(name.starts_with("ve/"), "{name} of {}", message.full_name());
        }
        assert!(seen.insert(name.clone()), "{name} is used twice");
    }
}

#[test]
fn every_query_has_a_route_and_no_two_share_one() {
    let http = descriptors().get_extension_by_name("google.api.http").expect("the option is declared");
    let mut seen = std::collections::BTreeSet::new();
    for service in descriptors().services().filter(|s| s.name() == "Query" || s.name() == "Service") {
        for method in service.methods() {
            let options = method.options();
            assert!(options.has_extension(&http), "{} has no google.api.http", method.full_name());
            let rule = options.get_extension(&http);
            let rule = rule.as_message().expect("HttpRule").clone();
            let route = ["get", "post", "put", "delete"]
                .iter()
                .filter(|verb| rule.has_field_by_name(verb))
                .map(|verb| format!("{verb} {}", rule.get_field_by_name(verb).expect("set").as_str().expect("path")))
                .next()
                .unwrap_or_else(|| panic!("{} has no verb", method.full_name()));
            assert!(seen.insert(route.clone()), "{route} is used twice");
        }
    }
    assert!(seen.contains("get /cosmos/bank/v1beta1/balances/{address}"));
}

#[test]
fn an_any_refuses_to_unpack_as_another_type() {
    let message = MsgSend { from_address: "a".into(), ..Default::default() };
    let packed = any::pack(&message);
    assert_eq!(packed.type_url, "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(any::unpack::<MsgSend>(&packed).expect("same type"), message);
    assert!(any::unpack::<ve_proto::cosmos::base::v1beta1::Coin>(&packed).is_err());
    let broken = prost_types::Any { value: vec![0xff], ..packed };
    assert!(any::unpack::<MsgSend>(&broken).is_err());
}
