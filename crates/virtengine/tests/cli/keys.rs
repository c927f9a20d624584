//! Keys that move between machines, and accounts of several keys.

use super::support::{Home, error, json};

const ZOO: &str = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong";

fn text(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", error(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_exported_key_is_imported_on_another_machine() {
    let (here, there) = (Home::new(), Home::new());
    here.recover("alice");
    let exported = text(&here.run(&["keys", "export", "alice"]));
    assert!(exported.starts_with("-----BEGIN VIRTENGINE SEALED KEY-----\n"), "{exported}");
    let imported = json(&there.tell(&exported, &["keys", "import", "mine", "-", "--output", "json"]));
    assert_eq!(imported["address"], "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    let again = there.run(&["keys", "import", "mine", &there.write("key.txt", exported.as_bytes())]);
    assert_eq!(again.status.code(), Some(1));
    assert!(error(&again).contains("exists already"), "{}", error(&again));
    std::fs::write(there.0.path().join("passphrase"), "wrong horse\n").unwrap();
    let refused = there.tell(&exported, &["keys", "import", "other", "-"]);
    assert!(error(&refused).contains("wrong passphrase"), "{}", error(&refused));
    let nonsense = there.tell("hello", &["keys", "import", "other", "-"]);
    assert!(error(&nonsense).contains("keys export"), "{}", error(&nonsense));
}

#[test]
fn addresses_are_shown_for_every_role() {
    let home = Home::new();
    home.recover("alice");
    let address = |bech: &str| text(&home.run(&["keys", "show", "alice", "--address", "--bech", bech]));
    assert_eq!(address("acc").trim(), "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    assert!(address("val").starts_with("vevaloper19rl4cm2hmr8afy4kldpxz3fka4jguq0a"));
    assert!(address("cons").starts_with("vevalcons19rl4cm2hmr8afy4kldpxz3fka4jguq0a"));
    assert_eq!(home.run(&["keys", "show", "alice", "--bech", "x"]).status.code(), Some(2));
}

#[test]
fn a_multisig_has_the_address_of_the_specification() {
    let home = Home::new();
    home.recover("alice");
    home.tell(ZOO, &["keys", "recover", "bob"]);
    let alice =
        json(&home.run(&["keys", "show", "alice", "--output", "json"]))["public_key"].as_str().unwrap().to_owned();
    let make = |name: &str, members: &str, more: &[&str]| {
        let arguments = ["keys", "multisig", name, "--threshold", "2", "--members", members, "--output", "json"];
        home.run(&[&arguments[..], more].concat())
    };
    // The specification lists A, B.
    let kept = json(&make("kept", &format!("{alice},bob"), &["--keep-order"]));
    assert_eq!(kept["address"], "ve1dtvtk8vzh7yv3t2sq3aynp49rsemxwu3fj2tpd");
    let sorted = json(&make("sorted", "bob,alice", &[]));
    assert_eq!(sorted["address"], json(&make("same", &format!("{alice},bob"), &[]))["address"]);
    assert_eq!(sorted["members"].as_array().unwrap().len(), 2);
    for (members, told) in [("alice,alice", "twice"), ("alice,nobody", "no key `nobody`"), ("alice", "threshold")] {
        let refused = make("bad", members, &[]);
        assert!(!refused.status.success());
        assert!(error(&refused).contains(told), "{}", error(&refused));
    }
    let refused = home.run(&[
        "tx",
        "bank",
        "send",
        "--from",
        "kept",
        "--to-address",
        "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg",
        "--amount",
        "1uve",
    ]);
    assert!(error(&refused).contains("virtengine tx sign"), "{}", error(&refused));
}

#[test]
fn the_test_keyring_needs_no_passphrase_and_is_refused_where_money_is_real() {
    let home = Home::new();
    let words = super::support::WORDS;
    let recovered = home.tell(words, &["keys", "recover", "alice", "--keyring", "test", "--output", "json"]);
    assert_eq!(json(&recovered)["name"], "alice");
    assert_eq!(home.run(&["keys", "show", "alice"]).status.code(), Some(1), "the keyrings are apart");
    let list = |chain: &str| home.run(&["keys", "list", "--keyring", "test", "--chain-id", chain]);
    assert!(list("ve-local-1").status.success());
    let refused = list("ve-1");
    assert_eq!(refused.status.code(), Some(2));
    assert!(error(&refused).contains("--keyring file"), "{}", error(&refused));
}
