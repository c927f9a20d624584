//! The genesis ceremony as its participants type it, ending in chains that run.

mod book;
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Participant, Running, free_ports, height, stop};

const CHAIN: &str = "ve-local-7";
const TIME: &str = "2026-01-31T12:00:00Z";
const LIMIT: Duration = Duration::from_secs(90);

/// Two participants with a key each, and the genesis file that both begin with.
fn participants() -> (tempfile::TempDir, [Participant; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let pair = ["one", "two"].map(|name| Participant::new(directory.path(), name));
    (directory, pair)
}

/// Begins a genesis file in the home of `who` and gives everybody coins, in the order of `everybody`.
fn begin(who: &Participant, everybody: &[&Participant]) -> String {
    let parameters =
        who.write("parameters.json", &json!({"app_state": {"gov": {"params": {"voting_period": "172800s"}}}}));
    who.json(&["genesis", "init", "--chain-id", CHAIN, "--time", TIME, "--parameters", &parameters]);
    let mut sha256 = String::new();
    for one in everybody {
        let added = who.json(&["genesis", "add-account", &one.address(), "2000000000uve"]);
        sha256 = added["sha256"].as_str().unwrap().to_owned();
    }
    sha256
}

fn gentx(who: &Participant, folder: &std::path::Path, file: &str) -> Value {
    let target = folder.join(file);
    who.json(&[
        "genesis",
        "gentx",
        "--from",
        "operator",
        "--amount",
        "1000000000uve",
        "--moniker",
        &who.name,
        "--commission-rate",
        "0.07",
        "--peer",
        "/ip4/203.0.113.7/tcp/26656",
        "--output-document",
        target.to_str().unwrap(),
    ])
}

/// All of it up to a finished genesis file in both homes.
fn ceremony(directory: &std::path::Path, pair: &[Participant; 2]) -> String {
    let [one, two] = pair;
    begin(one, &[one, two]);
    two.take_genesis(one);
    let folder = directory.join("gentx");
    std::fs::create_dir(&folder).unwrap();
    gentx(one, &folder, "b.json");
    gentx(two, &folder, "a.json");
    let collected = one.json(&["genesis", "collect-gentxs", "--gentx-dir", folder.to_str().unwrap()]);
    assert_eq!(collected["validators"].as_array().unwrap().len(), 2);
    assert_eq!(collected["validators"][0]["peer"], "/ip4/203.0.113.7/tcp/26656");
    two.take_genesis(one);
    collected["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_inputs_give_the_same_file_whoever_types_them_in_whatever_order() {
    let (directory, pair) = participants();
    let [one, two] = &pair;
    assert_eq!(begin(one, &[one, two]), begin(two, &[two, one]));
    let folders = ["x", "y"].map(|name| directory.path().join(name));
    for (folder, names) in folders.iter().zip([["a.json", "b.json"], ["2.json", "1.json"]]) {
        std::fs::create_dir(folder).unwrap();
        gentx(one, folder, names[0]);
        gentx(two, folder, names[1]);
    }
    let collect = |who: &Participant, folder: &std::path::Path| {
        who.json(&["genesis", "collect-gentxs", "--gentx-dir", folder.to_str().unwrap()])["sha256"].clone()
    };
    let sha256 = collect(one, &folders[0]);
    assert_eq!(sha256, collect(two, &folders[1]));
    let valid = two.json(&["genesis", "validate"]);
    assert_eq!((&valid["sha256"], &valid["validators"], &valid["power"]), (&sha256, &json!(2), &json!("2000")));
    assert_eq!((&valid["chain_id"], &valid["supply"]), (&json!(CHAIN), &json!("4000000000uve")));
}

#[test]
fn slips_and_forgeries_are_refused_where_they_are_made() {
    let (directory, pair) = participants();
    let [one, two] = &pair;
    assert!(one.refused(&["genesis", "init"]).contains("--chain-id"));
    assert!(one.refused(&["genesis", "init", "--chain-id", "nameless"]).contains("no chain id"));
    let typo = one.write("typo.json", &json!({"app_state": {"gov": {"params": {"voting_perod": "60s"}}}}));
    let refused = one.refused(&["genesis", "init", "--chain-id", CHAIN, "--parameters", &typo]);
    assert!(refused.contains("voting_perod"), "{refused}");
    begin(one, &[one]);
    assert!(one.refused(&["genesis", "init", "--chain-id", CHAIN]).contains("already"));
    let again = ["genesis", "add-account", &one.address(), "1uve"];
    assert!(one.refused(&again).contains("already"));
    assert!(one.refused(&["genesis", "add-account", &two.address(), "0uve"]).contains("error"));
    let locked = ["genesis", "add-account", &two.address(), "5uve", "--vesting", "6uve", "--vesting-end", "1900000000"];
    assert!(one.refused(&locked).contains("locked"));
    assert!(one.refused(&["genesis", "validate"]).contains("collect-gentxs"), "nobody validates");

    two.take_genesis(one);
    let folder = directory.path().join("gentx");
    std::fs::create_dir(&folder).unwrap();
    let poor = ["genesis", "gentx", "--amount", "1000000000uve", "--moniker", "two"];
    assert!(two.refused(&poor).contains("no genesis balance"), "it has no coins");
    let mean = ["genesis", "gentx", "--amount", "999999999uve", "--moniker", "one"];
    assert!(one.refused(&mean).contains("1000000000"));
    gentx(one, &folder, "one.json");
    let path = folder.join("one.json");
    let honest = std::fs::read_to_string(&path).unwrap();
    let collect = ["genesis", "collect-gentxs", "--gentx-dir", folder.to_str().unwrap()];
    // Somebody raises the commission of a validator that is not theirs.
    std::fs::write(&path, honest.replace("70000000000000000", "200000000000000000")).unwrap();
    assert!(one.refused(&collect).contains("signature"));
    std::fs::write(&path, "{}").unwrap();
    assert!(one.refused(&collect).contains("one.json"));
    std::fs::write(&path, &honest).unwrap();
    std::fs::write(folder.join("copy.json"), &honest).unwrap();
    assert!(one.refused(&collect).contains("there already"));
    std::fs::remove_file(folder.join("copy.json")).unwrap();
    one.json(&collect);
    one.json(&["genesis", "validate"]);
    // A file that was changed by hand.
    let mut genesis: Value = serde_json::from_slice(&std::fs::read(one.genesis()).unwrap()).unwrap();
    genesis["app_state"]["staking"]["validators"][0]["tokens"] = "2000000000".into();
    std::fs::write(one.genesis(), genesis.to_string()).unwrap();
    assert!(one.refused(&["genesis", "validate"]).contains("not valid"));
}

#[test]
fn coins_that_are_locked_at_the_beginning_become_free_with_time() {
    let (_directory, pair) = participants();
    let [one, two] = &pair;
    one.json(&["genesis", "init", "--chain-id", CHAIN, "--time", TIME]);
    one.json(&[
        "genesis",
        "add-account",
        &two.address(),
        "3000000000uve",
        "--vesting",
        "1000000000uve",
        "--vesting-start",
        "1769860800",
        "--vesting-end",
        "1801396800",
    ]);
    one.json(&["genesis", "add-account", "operator", "2000000000uve"]);
    one.json(&["genesis", "gentx", "--amount", "1000000000uve", "--moniker", "one"]);
    one.json(&["genesis", "collect-gentxs"]);
    assert_eq!(one.json(&["genesis", "validate"])["accounts"], 2);
    let genesis: Value = serde_json::from_slice(&std::fs::read(one.genesis()).unwrap()).unwrap();
    let accounts = genesis["app_state"]["auth"]["accounts"].as_array().unwrap();
    assert!(accounts.iter().any(|account| account["@type"] == "/cosmos.vesting.v1beta1.ContinuousVestingAccount"));
}

/// Starts the nodes of both participants, with each other as peers.
fn start(pair: &[Participant; 2], ports: [u16; 2]) -> [Running; 2] {
    for (index, who) in pair.iter().enumerate() {
        let other = ports[1 - index];
        let (own, p2p) = (ports[index].to_string(), format!("/ip4/127.0.0.1/tcp/{}", other + support::P2P));
        let gossip = format!("/ip4/127.0.0.1/tcp/{}", other + support::GOSSIP);
        who.text(&["node", "init", "--moniker", &who.name, "--base-port", &own, "--peer", &p2p, "--tx-peer", &gossip]);
    }
    [pair[0].start(), pair[1].start()]
}

fn both_reach(ports: [u16; 2], wanted: u64) {
    for port in ports {
        assert!(support::reach(port, wanted, LIMIT), "node at {port} is at {:?}", height(port));
    }
}

/// One of two stopped nodes takes its last block back; the chain goes on with both.
fn a_block_is_taken_back(pair: &[Participant; 2], ports: [u16; 2]) {
    let said = pair[0].text(&["node", "rollback"]);
    let height = said.split(|other: char| !other.is_ascii_digit()).find_map(|word| word.parse::<u64>().ok());
    let height = height.unwrap_or_else(|| panic!("{said}"));
    assert!(height >= 2 && said.contains(&format!("executes block {} again", height + 1)), "{said}");
    let running = [pair[0].start(), pair[1].start()];
    both_reach(ports, height + 3);
    assert!(pair[0].refused(&["node", "rollback"]).contains("in use"), "not while it runs");
    running.into_iter().for_each(stop);
}

#[test]
fn a_ceremony_ends_in_a_chain_whose_state_becomes_the_beginning_of_another_one() {
    let (directory, pair) = participants();
    ceremony(directory.path(), &pair);
    let ports = free_ports();
    let running = start(&pair, ports);
    both_reach(ports, 3);
    running.into_iter().for_each(stop);
    a_block_is_taken_back(&pair, ports);

    let [one, two] = &pair;
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (next, first, moved) = (path("next.json"), path("first.json"), path("moved.json"));
    let exported = one.json(&["genesis", "export", "--output-document", &next]);
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(number(&exported["initial_height"]), number(&exported["exported_height"]) + 1);
    assert!(one.refused(&["genesis", "export", "--output-document", &next]).contains("already"));
    let zero = ["genesis", "export", "--for-zero-height", "--chain-id", "ve-local-8", "--output-document", &first];
    assert_eq!(one.json(&zero)["initial_height"], "1");
    one.json(&["genesis", "validate", &next]);

    // Of another release: it has a module that this one lacks and lacks one that this one has.
    let mut other: Value = serde_json::from_slice(&std::fs::read(&first).unwrap()).unwrap();
    let state = other["app_state"].as_object_mut().unwrap();
    let cert = state.remove("cert").unwrap();
    state.insert("gone".into(), json!({}));
    let earlier = one.write("earlier.json", &other);
    let migrated = one.json(&["genesis", "migrate", &earlier, "--output-document", &moved]);
    assert_eq!((&migrated["added"], &migrated["removed"]), (&json!(["cert"]), &json!(["gone"])));
    let migrated: Value = serde_json::from_slice(&std::fs::read(&moved).unwrap()).unwrap();
    assert_eq!(migrated["app_state"]["cert"], cert);

    // The same validators begin anew.
    let anew = [one, two].map(|old| old.anew(directory.path(), &moved));
    let ports = free_ports();
    let running = start(&anew, ports);
    both_reach(ports, 2);
    let status = support::rpc(ports[0], "status").unwrap();
    assert_eq!(status["node_info"]["network"], "ve-local-8");
    running.into_iter().for_each(stop);
}
