//! From nothing to a workload and back, as the README promises.

use std::time::{Duration, Instant};

use crate::support::{Localnet, can_isolate, directory, example, free_base, get};

#[test]
fn a_deployment_answers_in_half_a_minute_and_settles_to_the_unit() {
    if !can_isolate() {
        return;
    }
    let (home, base, file) = (directory(), free_base(), example());
    let started = Instant::now();
    let network = Localnet::start(home.path(), base, &["--deploy", &file]);
    let running = network.step("workload_running");
    let url = running["urls"][0].as_str().expect("a URL").to_owned();
    let page = get(&url).expect("the workload answers");
    println!("from start to first answer: {:.1} s", started.elapsed().as_secs_f64());
    assert!(page.contains("Hello from VirtEngine"), "{page}");
    network.step("ready");
    let descriptor = network.descriptor();
    for name in ["faucet", "validator", "provider", "customer"] {
        let found = descriptor["accounts"].as_array().expect("accounts").iter().any(|account| account["name"] == name);
        assert!(found, "localnet.json names {name}");
    }
    assert_eq!(descriptor["leases"][0]["urls"][0], url.as_str());
    std::thread::sleep(Duration::from_secs(2));
    assert!(network.stop(), "the network ends without an error");
    assert!(get(&url).is_none(), "nothing listens for the workload any more");

    // The same home continues the same chain.
    let again = Localnet::start(home.path(), base, &[]);
    let home_step = again.step("chain_home");
    assert_eq!(home_step["fresh"], false);
    let running = again.step("chain_running");
    assert!(running["height"].as_u64().expect("a height") > 5, "{running}");
    assert_eq!(again.descriptor()["leases"][0]["state"], "closed");
    assert!(again.stop());
}

#[test]
fn the_last_step_shows_that_no_unit_is_lost_and_the_supply_is_unchanged() {
    if !can_isolate() {
        return;
    }
    let (home, base, file) = (directory(), free_base(), example());
    let network = Localnet::start(home.path(), base, &["--deploy", &file, "--for", "25s"]);
    let settled = network.step("settled");
    assert_eq!(settled["exact"], true, "{settled}");
    assert_eq!(settled["supply_before"], settled["supply_after"]);
    network.step("stopped");
}
