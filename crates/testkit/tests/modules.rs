//! What holds for every row of the table of modules.

use std::collections::BTreeSet;

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
