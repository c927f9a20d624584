//! A network that falls into two halves: neither decides anything, and both go on as one when they meet again.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Plan};
use crate::hosts::Hosts;

const APART: Duration = Duration::from_secs(30);
/// From the moment at which packets pass again to the next block.
const RESUMED: Duration = Duration::from_secs(5);

#[test]
fn two_halves_of_a_network_decide_nothing_for_thirty_seconds_and_go_on_within_five_of_meeting() {
    let Some(hosts) = Hosts::new(4) else { return };
    let mut cluster = Cluster::new(Plan { hosts: Some(hosts), ..Plan::new(4) }, |_| ());
    cluster.start_all();
    cluster.reach(0..4, 4);
    cluster.hosts().part(&[2, 3]);
    // What was decided when the bridge fell apart may still be executed.
    std::thread::sleep(Duration::from_secs(2));
    let halted = cluster.top();
    std::thread::sleep(APART - Duration::from_secs(2));
    assert_eq!(cluster.top(), halted, "half of the power decides nothing");
    cluster.hosts().heal(&[2, 3]);
    let healed = Instant::now();
    cluster.until("blocks come again", || cluster.top() > halted);
    let waited = healed.elapsed();
    println!("the first block came {} ms after the halves met", waited.as_millis());
    cluster.reach(0..4, halted + 5);
    cluster.agree(&[0, 1, 2, 3], halted + 5);
    assert!(waited <= RESUMED, "the first block came after {waited:?}");
}
