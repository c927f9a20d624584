//! Networks of real processes under faults that a seed chooses: no fork, no process ends by itself, and every node gets
//! to the last height with the same headers.

mod manifest;

use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use self::manifest::{Event, Kind, Manifest};
use crate::cluster::{Cluster, Plan, Program};
use crate::hosts::Hosts;
use crate::next_release;

/// How many fixed seeds are run; few unless somebody has time.
const SEEDS: &str = "CHAOS_SEEDS";
/// Runs this seed alone instead of a fresh one.
const SEED: &str = "CHAOS_SEED";
const FEW: u64 = 2;
const LIMIT: Duration = Duration::from_secs(300);

struct Run {
    manifest: Manifest,
    cluster: Cluster,
    /// What is wrong with each node now, and until when.
    faults: Vec<Option<(Kind, Instant)>>,
    waiting: Vec<Event>,
}

impl Run {
    fn new(manifest: Manifest) -> Self {
        let hosts = if manifest.disconnects() { Hosts::new(manifest.validators + manifest.followers) } else { None };
        let plan = Plan {
            followers: manifest.followers,
            program: Program::Supervised,
            hosts,
            ..Plan::new(manifest.validators)
        };
        let planned = manifest.upgrade.clone();
        let cluster = Cluster::new(plan, |state| {
            if let Some((height, _)) = planned {
                state["upgrade"]["plan"] = json!({"name": "v2", "height": height.to_string(), "info": ""});
            }
        });
        for node in 0..cluster.count() {
            cluster.put_releases(node);
            if let Some((_, steps)) = &manifest.upgrade {
                let home = cluster.home(node).0;
                next_release::script(&home.join("cosmovisor/upgrades/v2/bin/virtengine"));
                next_release::dies_before(&home, Some(steps[node]));
            }
        }
        let (faults, waiting) = (vec![None; cluster.count()], manifest.events.clone());
        Self { manifest, cluster, faults, waiting }
    }

    fn go(mut self) {
        println!("{}", self.manifest);
        let begun = Instant::now();
        let late = self.manifest.late;
        for node in (0..self.cluster.count()).filter(|node| late.is_none_or(|(late, _)| late != *node)) {
            self.cluster.start(node);
        }
        let nodes: Vec<usize> = (0..self.cluster.count()).collect();
        let last = self.manifest.last;
        while !self.is_over() {
            assert!(begun.elapsed() < LIMIT, "{}: not over\n{}", self.manifest, self.cluster.last_words());
            self.step();
            std::thread::sleep(Duration::from_millis(40));
        }
        self.cluster.agree(&nodes, last);
        for node in nodes {
            assert!(!self.cluster.log(node).contains("panicked"), "{}: node {node}", self.manifest);
        }
        println!("chaos seed {}: {} ms", self.manifest.seed, begun.elapsed().as_millis());
    }

    fn is_over(&self) -> bool {
        let calm = self.waiting.is_empty() && self.faults.iter().all(Option::is_none);
        calm && (0..self.cluster.count())
            .all(|node| self.cluster.runs(node) && self.cluster.height(node) >= self.manifest.last)
    }

    fn step(&mut self) {
        for node in 0..self.cluster.count() {
            if self.faults[node].is_some_and(|(_, until)| until <= Instant::now()) {
                self.recover(node);
            }
            if self.cluster.has_ended(node) {
                self.revive(node);
            }
        }
        let top = self.top();
        if let Some((node, height)) = self.manifest.late
            && top >= height
            && !self.cluster.runs(node)
            && self.faults[node].is_none()
        {
            self.cluster.start(node);
        }
        let (due, later): (Vec<Event>, Vec<Event>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|event| event.height <= top);
        self.waiting = later;
        due.into_iter().for_each(|event| self.strike(&event));
    }

    /// The furthest height that is known; paused nodes are not asked, they would not answer.
    fn top(&self) -> u64 {
        let answering =
            |node: &usize| self.cluster.runs(*node) && !matches!(self.faults[*node], Some((Kind::Pause, _)));
        (0..self.cluster.count()).filter(answering).map(|node| self.cluster.height(node)).max().unwrap_or(0)
    }

    /// A node that has not joined yet, or suffers already, is left alone.
    fn strike(&mut self, event: &Event) {
        let node = event.node;
        if !self.cluster.runs(node) || self.faults[node].is_some() {
            return;
        }
        let connected = self.cluster.has_hosts();
        let kind = match event.kind {
            // Where there are no namespaces.
            Kind::Disconnect if !connected => Kind::Pause,
            kind => kind,
        };
        self.cluster.note(&format!("{kind:?} of node {node}"));
        match kind {
            Kind::Kill => self.cluster.kill(node),
            Kind::Restart => {
                // In the middle of an upgrade it may have ended by itself already.
                self.cluster.stop(node);
            }
            Kind::Pause => self.cluster.signal(node, "-STOP"),
            Kind::Disconnect => self.cluster.hosts().part(&[node]),
        }
        self.faults[node] = Some((kind, Instant::now() + event.lasts));
    }

    fn recover(&mut self, node: usize) {
        match self.faults[node].take() {
            Some((Kind::Kill | Kind::Restart, _)) => self.cluster.start(node),
            Some((Kind::Pause, _)) => self.cluster.signal(node, "-CONT"),
            Some((Kind::Disconnect, _)) => self.cluster.hosts().heal(&[node]),
            None => {}
        }
    }

    /// Only the steps of an upgrade end a node by themselves, and each node once.
    fn revive(&mut self, node: usize) {
        self.cluster.ended(node);
        let log = self.cluster.log(node);
        let home = self.cluster.home(node).0;
        assert!(
            log.contains("dies before the step") && next_release::is_deadly(&home),
            "{}: node {node} ended\n{}",
            self.manifest,
            self.cluster.last_words()
        );
        next_release::dies_before(&home, None);
        self.cluster.start(node);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn networks_survive_the_faults_of_fixed_seeds() {
    (1..=number(SEEDS).unwrap_or(FEW)).for_each(|seed| Run::new(Manifest::of(seed)).go());
}

#[test]
fn a_network_survives_the_faults_of_a_fresh_seed() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let seed = number(SEED).unwrap_or(now.as_millis() as u64 % 1_000_000_007);
    println!("a fresh seed; {SEED}={seed} repeats it");
    Run::new(Manifest::of(seed)).go();
}
