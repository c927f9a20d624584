//! Transactions that are built, signed and put together without a node.

use serde_json::Value;

use super::support::{Home, WORDS, error, json};

const BOB: &str = "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg";
const OFFLINE: [&str; 7] = ["--offline", "--chain-id", "ve-local-1", "--account-number", "1", "--sequence", "0"];

fn generate(home: &Home, from: &str) -> String {
    let made = home.run(&[
        "tx",
        "bank",
        "send",
        "--from",
        from,
        "--to-address",
        BOB,
        "--amount",
        "1000000uve",
        "--gas",
        "200000",
        "--fees",
        "2000uve",
        "--generate-only",
    ]);
    assert!(made.status.success(), "{}", error(&made));
    home.write("unsigned.json", &made.stdout)
}

fn sign(home: &Home, arguments: &[&str]) -> std::process::Output {
    home.run(&[&["tx", "sign"], arguments, &OFFLINE[..]].concat())
}

#[test]
fn a_transfer_is_generated_and_signed_without_a_node() {
    let home = Home::new();
    home.recover("alice");
    let file = generate(&home, "alice");
    let unsigned: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(unsigned["body"]["messages"][0]["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(unsigned["body"]["messages"][0]["from_address"], "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    let signed = json(&sign(&home, &[&file]));
    // The signature of the specification's vector.
    let vector = "ff7b9d609f8d6c2912032e143dd572377df72a84247dc044324a408c16668edf5be8655c981b612057f934a8bac247bd04d98839a6c1885e9d238736f3dbd063";
    use base64::Engine as _;
    let expected = base64::engine::general_purpose::STANDARD.encode(hex::decode(vector).unwrap());
    assert_eq!(signed["signatures"][0], expected.as_str());
    let unsent = home.run(&["tx", "broadcast", &file]);
    assert_eq!(unsent.status.code(), Some(2), "it is not signed");
    assert!(error(&unsent).contains("tx sign"), "{}", error(&unsent));
    let unreachable = home.run(&["tx", "broadcast", &home.write("signed.json", signed.to_string().as_bytes())]);
    assert_eq!(unreachable.status.code(), Some(1), "{}", error(&unreachable));
}

#[test]
fn a_multisig_of_two_in_three_signs_and_one_cannot() {
    let home = Home::new();
    for (name, index) in [("a", "0"), ("b", "1"), ("c", "2")] {
        home.tell(WORDS, &["keys", "recover", name, "--index", index]);
    }
    home.run(&["keys", "multisig", "shared", "--threshold", "2", "--members", "a,b,c"]);
    let file = generate(&home, "shared");
    let part = |name: &str| {
        let signed = sign(&home, &[&file, "--from", name, "--multisig", "shared"]);
        assert!(signed.status.success(), "{}", error(&signed));
        home.write(&format!("{name}.sig"), &signed.stdout)
    };
    let (first, third) = (part("a"), part("c"));
    let multisign = |parts: &[&str]| home.run(&[&["tx", "multisign", &file, "shared"], parts, &OFFLINE[..]].concat());
    let alone = multisign(&[&first]);
    assert!(!alone.status.success());
    assert!(error(&alone).contains("1 of 2"), "{}", error(&alone));
    let signed = json(&multisign(&[&third, &first]));
    let info = &signed["auth_info"]["signer_infos"][0];
    assert_eq!(info["public_key"]["@type"], "/cosmos.crypto.multisig.LegacyAminoPubKey");
    assert_eq!(info["mode_info"]["multi"]["mode_infos"].as_array().unwrap().len(), 2);
    assert_eq!(signed["signatures"].as_array().unwrap().len(), 1);
    let stranger = sign(&home, &[&file, "--from", "a"]);
    assert!(error(&stranger).contains("is signed by"), "{}", error(&stranger));
}

#[test]
fn what_cannot_be_signed_says_what_is_missing() {
    let home = Home::new();
    home.recover("alice");
    let file = generate(&home, "alice");
    let run = |arguments: &[&str]| home.run(&[&["tx", "sign"], arguments].concat());
    let nothing = home.write("x.json", b"{}");
    let cases: [(&[&str], u8, &str); 5] = [
        (&[&file, "--offline"], 2, "--account-number"),
        (&[&file, "--offline", "--account-number", "1", "--sequence", "0"], 2, "--chain-id"),
        (&["/nowhere.json"], 1, "/nowhere.json"),
        (&[&nothing], 1, "--generate-only"),
        (&[&file], 1, "no node answers"),
    ];
    for (arguments, code, told) in cases {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(i32::from(code)), "{arguments:?}: {}", error(&refused));
        assert!(error(&refused).contains(told), "{arguments:?}: {}", error(&refused));
    }
}
