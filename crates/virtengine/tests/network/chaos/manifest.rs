//! A network and what happens to it, made from a seed.

use std::fmt;
use std::time::Duration;

use crate::crash::Moments;
use crate::next_release::STEPS;

/// Faults end after this at the latest.
const MAX_FAULT_MS: u64 = 2_500;
const MIN_FAULT_MS: u64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kill -9, and a start afterwards.
    Kill,
    /// An orderly stop, and a start afterwards.
    Restart,
    /// Alive for the machine, dead for its peers.
    Pause,
    /// No packet reaches its peers.
    Disconnect,
}

const KINDS: [Kind; 4] = [Kind::Kill, Kind::Restart, Kind::Pause, Kind::Disconnect];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When some node has reached this height.
    pub height: u64,
    pub node: usize,
    pub kind: Kind,
    pub lasts: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub seed: u64,
    pub validators: usize,
    pub followers: usize,
    /// The node that joins late, and when. Others never wait for it: it is a follower, or one of four validators or more.
    pub late: Option<(usize, u64)>,
    /// Height at which the network changes to the next release, and the step before which each node dies once.
    pub upgrade: Option<(u64, Vec<u32>)>,
    /// In the order of their heights.
    pub events: Vec<Event>,
    /// The height that every node must reach.
    pub last: u64,
}

impl Manifest {
    pub fn of(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and zero is no state of the generator.
        let mut draw = Moments(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..4).for_each(|_| {
            draw.below(2);
        });
        let validators = [1, 2, 3, 4, 4, 4, 4, 5][draw.below(8) as usize];
        let followers = draw.below(2) as usize;
        let nodes = validators + followers;
        let last = 14 + draw.below(8);
        let late = match draw.below(3) {
            0 if followers > 0 => Some((nodes - 1, 3 + draw.below(last - 6))),
            1 if validators >= 4 => Some((draw.below(validators as u64) as usize, 3 + draw.below(last - 6))),
            _ => None,
        };
        let upgrade = (draw.below(3) == 0).then(|| {
            let height = 4 + draw.below(last - 8);
            (height, (0..nodes).map(|_| 1 + draw.below(STEPS.into()) as u32).collect())
        });
        let count = 2 + draw.below(4);
        let mut events: Vec<Event> = (0..count)
            .map(|_| Event {
                height: 2 + draw.below(last - 3),
                node: draw.below(nodes as u64) as usize,
                kind: KINDS[draw.below(4) as usize],
                lasts: Duration::from_millis(MIN_FAULT_MS + draw.below(MAX_FAULT_MS - MIN_FAULT_MS)),
            })
            .collect();
        events.sort_by_key(|event| event.height);
        Self { seed, validators, followers, late, upgrade, events, last }
    }

    pub fn disconnects(&self) -> bool {
        self.events.iter().any(|event| event.kind == Kind::Disconnect)
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chaos seed {}: {} validators, {} followers", self.seed, self.validators, self.followers)?;
        if let Some((node, height)) = self.late {
            write!(f, ", node {node} joins at {height}")?;
        }
        if let Some((height, steps)) = &self.upgrade {
            write!(f, ", upgrade at {height} with deaths before {steps:?}")?;
        }
        for Event { height, node, kind, lasts } in &self.events {
            write!(f, ", {kind:?} of {node} at {height} for {} ms", lasts.as_millis())?;
        }
        write!(f, "; to height {}", self.last)
    }
}

#[test]
fn a_seed_always_gives_the_same_manifest_and_fifty_give_every_fault_on_every_kind_of_network() {
    let manifests: Vec<Manifest> = (1..=50).map(Manifest::of).collect();
    for manifest in &manifests {
        assert_eq!(Manifest::of(manifest.seed), *manifest);
        let nodes = manifest.validators + manifest.followers;
        assert!(manifest.events.iter().all(|event| event.node < nodes && event.height < manifest.last), "{manifest}");
        assert!(manifest.late.is_none_or(|(node, height)| node < nodes && height < manifest.last), "{manifest}");
    }
    let kinds: std::collections::BTreeSet<Kind> =
        manifests.iter().flat_map(|manifest| &manifest.events).map(|event| event.kind).collect();
    assert_eq!(kinds.len(), KINDS.len());
    let sizes: std::collections::BTreeSet<usize> = manifests.iter().map(|manifest| manifest.validators).collect();
    assert_eq!(sizes.len(), 5);
    for has in [|manifest: &Manifest| manifest.late.is_some(), |manifest: &Manifest| manifest.upgrade.is_some()] {
        assert!((10..=40).contains(&manifests.iter().filter(|manifest| has(manifest)).count()));
    }
    assert_ne!(manifests[0].events, manifests[1].events);
}
