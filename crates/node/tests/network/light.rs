//! An unmodified light client goes from one trusted header to the head of a chain whose validators were all replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tendermint_light_client::builder::LightClientBuilder;
use tendermint_light_client::components::clock::SystemClock;
use tendermint_light_client::components::io::{AtHeight, IoError};
use tendermint_light_client::components::scheduler::basic_bisecting_schedule;
use tendermint_light_client::instance::Instance;
use tendermint_light_client::predicates::ProdPredicates;
use tendermint_light_client::store::memory::MemoryStore;
use tendermint_light_client::types::{LightBlock, PeerId, TrustThreshold, Validator, ValidatorSet};
use tendermint_light_client::verifier::ProdVerifier;
use tendermint_light_client::verifier::options::Options;

use super::net::{Net, Role};

/// What a full node tells of a height; `change` falsifies the answer to `commit`.
fn light_block(net: &Net, height: u64, change: &dyn Fn(&mut Value)) -> LightBlock {
    let set = |height: u64| {
        let asked = json!({"height": height.to_string(), "per_page": "100"});
        let answer = net.rpc(0, "validators", asked).expect("the set is there");
        let validators: Vec<Validator> = serde_json::from_value(answer["validators"].clone()).expect("validators");
        ValidatorSet::without_proposer(validators)
    };
    let mut commit = net.rpc(0, "commit", json!({"height": height.to_string()})).expect("the commit is there");
    change(&mut commit["signed_header"]);
    let signed_header =
        serde_json::from_value(commit["signed_header"].clone()).expect("as the published types read it");
    LightBlock::new(signed_header, set(height), set(height + 1), PeerId::new([0; 20]))
}

/// A client that trusts the header of `trusted` and asks for the last one but one.
fn client(
    net: &Arc<Net>,
    trusted: u64,
    head: u64,
    asked: &Arc<Mutex<Vec<u64>>>,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> Instance {
    let hash = light_block(net, trusted, &|_| {}).signed_header.header.hash();
    let (from, seen) = (net.clone(), asked.clone());
    let io = move |height: AtHeight| -> Result<LightBlock, IoError> {
        let height = match height {
            AtHeight::At(height) => height.value(),
            AtHeight::Highest => head,
        };
        seen.lock().expect("no panic holds it").push(height);
        let honest: &dyn Fn(&mut Value) = &|_| {};
        Ok(light_block(&from, height, if height == trusted { honest } else { &change }))
    };
    let options = Options {
        trust_threshold: TrustThreshold::ONE_THIRD,
        trusting_period: Duration::from_secs(3_600),
        clock_drift: Duration::from_secs(5),
    };
    LightClientBuilder::custom(
        PeerId::new([0; 20]),
        options,
        Box::new(MemoryStore::new()),
        Box::new(io),
        Box::new(SystemClock),
        Box::new(ProdVerifier::default()),
        Box::new(basic_bisecting_schedule),
        Box::new(ProdPredicates),
    )
    .trust_primary_at(u32::try_from(trusted).expect("low").into(), hash)
    .expect("the trusted header is served")
    .build()
}

/// Gives the power from one validator to another and waits until the new one decides alone.
fn hand_over(net: &Net, from: usize, to: usize) -> u64 {
    for tx in [format!("power:{}:10", net.key(to)), format!("power:{}:0", net.key(from))] {
        assert_eq!(net.send(0, &tx)["code"], 0);
        let height = net.height(0);
        net.reach(0, height + 3);
    }
    net.until("the new validator decides alone", || {
        let set = net.rpc(0, "validators", json!({"height": net.height(0).to_string()})).unwrap_or_default();
        set["total"] == "1" && set["validators"][0]["address"].as_str().map(str::to_lowercase) == Some(net.address(to))
    });
    net.height(0)
}

#[test]
fn a_light_client_reaches_the_head_past_replaced_validators_and_refuses_every_forgery() {
    let mut net = Net::new("light", &[Role::Validator, Role::Full, Role::Full], 0);
    (0..3).for_each(|node| net.start(node));
    net.reach(2, 3);
    hand_over(&net, 0, 1);
    let second = hand_over(&net, 1, 2);
    let head = net.height(0) + 4;
    net.reach(0, head + 1);
    let net = Arc::new(net);

    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut honest = client(&net, 1, head, &asked, |_| {});
    let reached = honest.light_client.verify_to_highest(&mut honest.state).expect("the head follows from header 1");
    assert_eq!(reached.height().value(), head);
    let asked = asked.lock().expect("no panic holds it").clone();
    let between = asked.iter().filter(|height| **height != 1 && **height != head).count();
    assert!(between > 0, "nobody of the trusted set signs the head: {asked:?}");
    assert!(asked.len() < head as usize, "most headers are skipped: {asked:?}");
    // From a header of the last set one step is enough, and back down it goes by hashes.
    let steps = Arc::new(Mutex::new(Vec::new()));
    let mut near = client(&net, second + 1, head, &steps, |_| {});
    near.light_client.verify_to_highest(&mut near.state).expect("the head follows");
    assert_eq!(steps.lock().expect("no panic holds it").iter().filter(|height| **height > second + 1).count(), 2);

    type Forgery = (&'static str, fn(&mut Value));
    let forgeries: [Forgery; 6] = [
        ("another state", |signed| signed["header"]["app_hash"] = "00".repeat(32).into()),
        ("another time", |signed| signed["header"]["time"] = "2030-01-01T00:00:00Z".into()),
        ("another chain", |signed| signed["header"]["chain_id"] = "ve-other-1".into()),
        ("a commit of another block", |signed| signed["commit"]["block_id"]["hash"] = "11".repeat(32).into()),
        ("a signature of nobody", |signed| {
            let text = signed["commit"]["signatures"][0]["signature"].as_str().expect("signed").to_owned();
            let other = if text.starts_with('A') { "B" } else { "A" };
            signed["commit"]["signatures"][0]["signature"] = format!("{other}{}", &text[1..]).into();
        }),
        ("no signature", |signed| {
            signed["commit"]["signatures"][0] = json!({
                "block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null,
            });
        }),
    ];
    for (what, change) in forgeries {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut misled = client(&net, 1, head, &asked, change);
        assert!(misled.light_client.verify_to_highest(&mut misled.state).is_err(), "{what}");
    }
}
