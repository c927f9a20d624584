//! What holds for every row of the table of modules.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};

use ve_sdk::Registry;
use ve_sdk::application::{Application, Query};
use ve_sdk::simulation::Draw;
use ve_testkit::chain::{TestChain, checked_options};
use ve_testkit::simulation::Draws;

/// Declared methods without a handler. The list may only shrink.
const UNHANDLED: &[&str] = &[];

/// Methods of the services named `Msg` and `Query` in packages of which the application handles anything.
fn declared() -> BTreeSet<(String, String, bool)> {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let packages: BTreeSet<String> = handled(&registry).iter().filter_map(|name| package(name)).collect();
    let mut methods = BTreeSet::new();
    for service in ve_proto::descriptors().services().filter(|service| packages.contains(service.package_name())) {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            match service.name() {
                "Msg" => methods.insert((format!("/{}", method.input().full_name()), path, true)),
                "Query" => methods.insert((path.clone(), path, false)),
                _ => false,
            };
        }
    }
    methods
}

/// Type URLs of messages and paths of queries.
fn handled(registry: &Registry) -> Vec<String> {
    let messages = registry.message_types().map(str::to_owned);
    messages.chain(registry.query_paths().map(str::to_owned)).collect()
}

/// `cosmos.bank.v1beta1` of a type URL or a query path.
fn package(name: &str) -> Option<String> {
    let full_name = name.trim_start_matches('/').split('/').next()?;
    Some(full_name.rsplit_once('.')?.0.to_owned())
}

#[test]
fn every_declared_method_has_a_handler() {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let queries: BTreeSet<&str> = registry.query_paths().collect();
    let missing: Vec<String> = declared()
        .into_iter()
        .filter(|(name, _, is_message)| match is_message {
            true => registry.message(name).is_none(),
            false => !queries.contains(name.as_str()),
        })
        .map(|(_, path, _)| path)
        .collect();
    assert_eq!(missing, UNHANDLED);
}

#[test]
fn nothing_is_handled_that_is_not_declared() {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let declared: BTreeSet<String> = declared().into_iter().map(|(name, _, _)| name).collect();
    let undeclared: Vec<String> = handled(&registry).into_iter().filter(|name| !declared.contains(name)).collect();
    assert_eq!(undeclared, Vec::<String>::new());
}

#[test]
fn a_new_network_exports_what_it_was_made_from() {
    let chain = TestChain::new(3);
    let exported = chain.app.export().expect("the state exports");
    let accounts = (0..3).map(ve_testkit::chain::Account::number).collect();
    let copy = TestChain::from_state(accounts, exported.clone(), checked_options(), 0, chain.time);
    assert_eq!(copy.app.export().expect("the state exports"), exported);
    for module in ve_app::modules() {
        assert!(exported.get(module.name()).is_some(), "{} is not in the export", module.name());
    }
}

#[test]
fn every_query_answers_empty_and_random_requests() {
    let mut chain = TestChain::new(2);
    chain.run(Vec::new());
    let registry = ve_app::registry().expect("the modules register without a clash");
    let mut draws = Draws::new(7);
    for path in registry.query_paths() {
        for length in [0, 1, 8, 64] {
            let data: Vec<u8> = (0..length).map(|_| draws.next_u64().to_le_bytes()[0]).collect();
            let query = Query { path: path.into(), data: data.into(), height: 0, prove: false };
            let result = chain.app.query(&query);
            assert!(result.code == 0 || !result.log.is_empty(), "{path}: an error without a text");
        }
    }
}

#[test]
fn every_message_takes_or_refuses_random_bytes_without_a_panic() {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let mut draws = Draws::new(8);
    for name in registry.message_types() {
        let entry = registry.message(name).expect("listed messages are found");
        for length in 0..64 {
            let bytes: Vec<u8> = (0..length).map(|_| draws.next_u64().to_le_bytes()[0]).collect();
            if let Err(error) = entry.check(&bytes) {
                assert!(error.code != 0 && !error.log.is_empty(), "{name}: an error without code or text");
            }
        }
    }
}

/// The schema of a message type.
fn schema(type_url: &str) -> MessageDescriptor {
    let found = ve_proto::descriptors().get_message_by_name(type_url.trim_start_matches('/'));
    found.unwrap_or_else(|| panic!("{type_url} has no descriptor"))
}

/// The parameters in force, from the query `Params` beside a `MsgUpdateParams`.
fn params_in_force(chain: &TestChain, type_url: &str) -> Value {
    let package = schema(type_url).package_name().to_owned();
    let service = ve_proto::descriptors().get_service_by_name(&format!("{package}.Query"));
    let service = service.unwrap_or_else(|| panic!("{package} has parameters and no queries"));
    let output = service.methods().find(|method| method.name() == "Params").expect("a query Params").output();
    let path = format!("/{package}.Query/Params");
    let result = chain.app.query(&Query { path, data: Default::default(), height: 0, prove: false });
    assert_eq!(result.log, "", "{package}");
    let response = DynamicMessage::decode(output, result.value).expect("it answers its type");
    response.get_field_by_name("params").expect("it has params").into_owned()
}

/// An update of the parameters to what they are, in the name of `authority`.
fn update(chain: &TestChain, type_url: &str, authority: &str) -> prost_types::Any {
    let mut message = DynamicMessage::new(schema(type_url));
    message.set_field_by_name("authority", Value::String(authority.to_owned()));
    let params = params_in_force(chain, type_url);
    match (message.descriptor().get_field_by_name("params"), &params) {
        (Some(field), _) => message.set_field(&field, params),
        // Parameters of consensus stand in the message itself.
        (None, Value::Message(parts)) => {
            for field in message.descriptor().fields().filter(|field| field.name() != "authority") {
                let part = parts.get_field_by_name(field.name()).expect("the same parts");
                message.set_field(&field, part.into_owned());
            }
        }
        (None, _) => panic!("{type_url} has no parameters"),
    }
    prost_types::Any { type_url: type_url.to_owned(), value: prost::Message::encode_to_vec(&message) }
}

fn updates() -> Vec<String> {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let found: Vec<String> =
        registry.message_types().filter(|name| name.ends_with(".MsgUpdateParams")).map(str::to_owned).collect();
    assert!(found.len() >= 8, "auth, bank, staking, gov, escrow, take, provider and market at least");
    found
}

#[test]
fn no_parameters_change_but_by_governance_and_never_to_nothing() {
    let mut chain = TestChain::new(1);
    chain.run(Vec::new());
    let (stranger, governance) = (chain.accounts[0].address.to_string(), ve_base::module_address("gov").to_string());
    for name in updates() {
        let sequence = chain.account(&chain.accounts[0].address).sequence;
        let message = update(&chain, &name, &stranger);
        let tx = chain.tx_with(0, sequence, vec![message]);
        let result = chain.run(vec![tx]).tx_results.remove(0);
        assert_eq!((result.codespace.as_str(), result.code), ("sdk", 4), "{name}: {}", result.log);
        // In the name of governance nobody has the key.
        let message = update(&chain, &name, &governance);
        let sequence = chain.account(&chain.accounts[0].address).sequence;
        let tx = chain.tx_with(0, sequence, vec![message]);
        assert_ne!(chain.run(vec![tx]).tx_results[0].code, 0, "{name}");
        let registry = ve_app::registry().expect("the modules register without a clash");
        let entry = registry.message(&name).expect("listed messages are found");
        let mut empty = DynamicMessage::new(schema(&name));
        empty.set_field_by_name("authority", Value::String(governance.clone()));
        let refused = entry.check(&prost::Message::encode_to_vec(&empty));
        assert!(refused.is_err(), "{name} without params is refused when it is proposed");
    }
}

/// A value for each field, two for lists; members of a oneof by `variant`.
fn filled(message: &MessageDescriptor, variant: usize, depth: usize) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    if message.full_name() == "google.protobuf.Any" {
        let inner = prost_types::Any {
            type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
            value: prost::Message::encode_to_vec(&filled_by_name("cosmos.bank.v1beta1.MsgSend", variant)),
        };
        return DynamicMessage::decode(message.clone(), prost::Message::encode_to_vec(&inner).as_slice())
            .expect("an Any is one");
    }
    for field in message.fields() {
        let chosen = field.containing_oneof().is_none_or(|oneof| {
            oneof.is_synthetic() || oneof.fields().nth(variant % oneof.fields().len()).as_ref() == Some(&field)
        });
        if !chosen || depth > 4 {
            continue;
        }
        let value = value(&field, variant, depth);
        filled.set_field(&field, if field.is_list() { Value::List(vec![value.clone(), value]) } else { value });
    }
    filled
}

fn filled_by_name(name: &str, variant: usize) -> DynamicMessage {
    filled(&schema(name), variant, 0)
}

fn value(field: &FieldDescriptor, variant: usize, depth: usize) -> Value {
    let number = field.number();
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(number.to_string()),
        Kind::Bytes => Value::Bytes(vec![number.to_be_bytes()[3]; 32].into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(1),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number.into()),
        Kind::Float | Kind::Double => panic!("{} is a float", field.full_name()),
        Kind::Enum(kind) => Value::EnumNumber(kind.values().last().expect("an enum has values").number()),
        Kind::Message(inner) => Value::Message(filled(&inner, variant, depth + 1)),
    }
}

#[test]
fn every_message_has_an_amino_form_that_hardware_wallets_sign_with_all_its_fields() {
    use ve_base::tx::{SignDoc, Tx};
    use ve_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody};
    let registry = ve_app::registry().expect("the modules register without a clash");
    for name in registry.message_types() {
        for variant in 0..2 {
            let message = filled_by_name(name.trim_start_matches('/'), variant);
            let any = prost_types::Any { type_url: name.into(), value: prost::Message::encode_to_vec(&message) };
            let body = TxBody { messages: vec![any], ..TxBody::default() };
            let tx = Tx {
                body_bytes: prost::Message::encode_to_vec(&body),
                body,
                auth_info: AuthInfo::default(),
                signatures: Vec::new(),
                auth_info_bytes: Vec::new(),
                hash: [0; 32],
            };
            let doc = SignDoc { tx: &tx, chain_id: "ve-test-1", account_number: 1, sequence: 2 };
            let bytes = doc.amino_bytes().unwrap_or_else(|error| panic!("{name}: {error}"));
            let text: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            let shown = text["msgs"][0]["value"].as_object().unwrap_or_else(|| panic!("{name} is no object"));
            let descriptor = message.descriptor();
            let oneofs = descriptor.oneofs().filter(|oneof| !oneof.is_synthetic());
            let hidden: usize = oneofs.map(|oneof| oneof.fields().len() - 1).sum();
            assert_eq!(shown.len(), descriptor.fields().len() - hidden, "{name}: {shown:?}");
            assert!(text["msgs"][0]["type"].as_str().is_some_and(|kind| kind.len() <= 39), "{name}");
        }
    }
}
