//! kill -9 at random moments of the deploy flow: it completes, runs once, and the money adds up.

use std::time::Duration;

use crate::support::{Localnet, can_isolate, directory, example, free_base, get, signal};

/// xorshift64*: the moments must be repeatable from the printed seed.
pub struct Moments(pub u64);

impl Moments {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

/// Most milliseconds from the registration of the provider to the kill: the flow takes about that long.
const FLOW_MS: u64 = 5_000;

fn one(moments: &mut Moments) {
    let (home, base, file) = (directory(), free_base(), example());
    let network = Localnet::start(home.path(), base, &["--deploy", &file]);
    network.step("provider_started");
    let (delay, node) = (moments.below(FLOW_MS), moments.below(2) == 0);
    std::thread::sleep(Duration::from_millis(delay));
    println!("kill -9 of the {} after {delay} ms", if node { "node" } else { "provider" });
    signal(if node { network.node_pid(0) } else { network.provider_pid() }, "-KILL");
    let running = network.step("workload_running");
    let url = running["urls"][0].as_str().expect("a URL").to_owned();
    network.step("ready");
    let mut page = None;
    for _ in 0..100 {
        page = get(&url).filter(|page| page.contains("Hello"));
        if page.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(page.is_some(), "the workload answers after the crash");
    let workloads =
        std::fs::read_dir(home.path().join("provider/containers/workloads")).expect("the backend's records");
    assert_eq!(workloads.count(), 1, "the workload runs once");
    assert!(network.stop(), "the settlement is exact");
}

#[test]
fn the_flow_survives_a_crash_at_a_random_moment() {
    if !can_isolate() {
        return;
    }
    let seed = 20_261_121;
    println!("seed {seed}");
    one(&mut Moments(seed));
}

#[test]
#[ignore = "slow: twenty networks, one after the other"]
fn the_flow_survives_crashes_at_twenty_random_moments() {
    if !can_isolate() {
        return;
    }
    let seed = 42;
    println!("seed {seed}");
    let mut moments = Moments(seed);
    for _ in 0..20 {
        one(&mut moments);
    }
}
