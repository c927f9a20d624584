use super::{Graph, check};

/// A graph from `crate: dependency dependency` lines; the left side are the own crates, unless it is in brackets.
fn graph(lines: &[&str]) -> Graph {
    let mut graph = Graph::default();
    for line in lines {
        let (name, dependencies) = line.split_once(':').expect("a line has a colon");
        let outside = name.trim_matches(['(', ')']);
        if outside == name {
            graph.own.insert(name.to_owned());
        }
        graph.edges.insert(outside.to_owned(), dependencies.split_whitespace().map(str::to_owned).collect());
    }
    graph
}

fn assert_refused(lines: &[&str], part: &str) {
    let problems = check(&graph(lines));
    assert!(problems.iter().any(|problem| problem.contains(part)), "{part} is not among {problems:?}");
}

#[test]
fn the_designed_directions_pass() {
    let problems = check(&graph(&[
        "ve-proto: prost",
        "ve-base: ve-proto",
        "ve-store: ve-base fjall",
        "ve-sdk: ve-store ve-base ve-proto",
        "ve-chain-core: ve-sdk ve-store",
        "ve-chain-finance: ve-chain-core ve-sdk",
        "ve-chain-market: ve-chain-finance ve-chain-core",
        "ve-app: ve-chain-market ve-sdk",
        "ve-client: ve-base tokio",
        "ve-node: ve-sdk arc-malachitebft-engine tokio",
        "ve-provider: ve-client libcontainer",
        "virtengine: ve-app ve-node ve-provider clap",
    ]));
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn upward_and_sideways_dependencies_are_refused() {
    assert_refused(&["ve-base: ve-store", "ve-store:"], "ve-base → ve-store");
    assert_refused(&["ve-chain-core: ve-chain-finance", "ve-chain-finance:"], "ve-chain-core → ve-chain-finance");
    assert_refused(&["ve-chain-finance: ve-chain-market", "ve-chain-market:"], "call upward through a hook");
    assert_refused(&["ve-provider: ve-node", "ve-node:"], "ve-provider → ve-node");
    assert_refused(&["ve-sdk: ve-testkit", "ve-testkit:"], "ve-sdk → ve-testkit");
}

#[test]
fn ibc_knows_core_only() {
    assert_refused(&["ve-chain-ibc: ve-chain-finance", "ve-chain-finance:"], "ve-chain-ibc may not know it");
}

#[test]
fn daemons_see_the_chain_through_the_client_only() {
    for dependency in ["ve-app", "ve-sdk", "ve-store", "ve-chain-core"] {
        let own = format!("{dependency}:");
        assert_refused(&[&format!("ve-provider: {dependency}"), &own], "ve-provider may not know it");
        assert_refused(&[&format!("ve-agent: {dependency}"), &own], "ve-agent may not know it");
    }
}

#[test]
fn consensus_knows_no_module() {
    assert_refused(&["ve-node: ve-app", "ve-app:"], "ve-node may not know it");
    assert_refused(&["ve-node: ve-chain-core", "ve-chain-core:"], "ve-node may not know it");
}

#[test]
fn only_the_node_names_the_consensus_engine() {
    assert_refused(&["virtengine: arc-malachitebft-app-channel"], "only ve-node may name it");
    assert_refused(&["ve-provider: libp2p"], "only ve-node may name it");
}

#[test]
fn heavy_crates_stay_out_of_the_chain_however_deep() {
    assert_refused(&["ve-sdk: tokio"], "tokio is in the tree of a chain crate: ve-sdk → tokio");
    assert_refused(&["ve-chain-core: helper", "(helper): axum"], "ve-chain-core → helper → axum");
    assert_refused(&["ve-app: helper", "(helper): arc-malachitebft-types"], "ve-app → helper → arc-malachitebft-types");
}

#[test]
fn a_crate_without_a_layer_is_refused() {
    assert_refused(&["ve-surprise:"], "ve-surprise has no layer");
}
