//! Which crate may know which: ARCHITECTURE.md's layers, checked on what cargo resolves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;

/// Every crate with its rank. A crate may depend only on crates of lower rank.
const RANKS: &[(&str, u32)] = &[
    ("ve-proto", 0),
    ("ve-base", 1),
    ("ve-store", 10),
    ("ve-inference", 10),
    ("ve-service", 10),
    ("ve-sdk", 20),
    ("ve-chain-core", 30),
    ("ve-chain-identity", 31),
    ("ve-chain-finance", 32),
    ("ve-chain-market", 33),
    ("ve-chain-compute", 34),
    ("ve-chain-support", 35),
    ("ve-chain-ibc", 36),
    ("ve-app", 40),
    ("ve-client", 40),
    ("ve-node", 50),
    ("ve-provider", 50),
    ("ve-agent", 50),
    ("ve-verifier", 50),
    ("ve-bridges", 50),
    ("virtengine", 60),
    // Programs that run as somebody's workload: nothing of the product is in them.
    ("hello-web", 0),
    ("ve-testkit", 45),
    ("xtask", 70),
];

/// Narrower than the rank: the only own crates that a crate may name.
const ONLY: &[(&str, &[&str])] = &[
    ("ve-chain-ibc", &["ve-chain-core", "ve-sdk", "ve-store", "ve-base", "ve-proto"]),
    // What talks to the chain over its interfaces must build without the state machine.
    ("ve-client", &["ve-service", "ve-base", "ve-proto"]),
    ("ve-provider", &["ve-client", "ve-service", "ve-base", "ve-proto"]),
    ("ve-agent", &["ve-client", "ve-service", "ve-base", "ve-proto"]),
    ("ve-verifier", &["ve-client", "ve-service", "ve-inference", "ve-base", "ve-proto"]),
    ("ve-bridges", &["ve-client", "ve-service", "ve-base", "ve-proto"]),
    // Consensus drives any application: it knows the boundary in sdk, never a module.
    ("ve-node", &["ve-sdk", "ve-service", "ve-store", "ve-base", "ve-proto"]),
    ("hello-web", &[]),
    ("xtask", &[]),
];

/// Outside crates that one own crate alone may name. A trailing `*` matches the rest.
const RESERVED: &[(&str, &[&str])] = &[
    ("arc-malachitebft-*", &["ve-node"]),
    ("libp2p", &["ve-node"]),
    ("libcontainer", &["ve-provider"]),
    ("kube", &["ve-provider"]),
];

/// Never anywhere below a chain crate: build time, and nothing in them belongs into a deterministic state machine.
const HEAVY: &[&str] = &[
    "arc-malachitebft-*",
    "axum",
    "clap",
    "hyper",
    "k8s-openapi",
    "kube",
    "libcontainer",
    "libp2p",
    "mio",
    "oci-client",
    "openssl",
    "reqwest",
    "rocksdb",
    "tokio",
    "tonic",
];

/// What cargo resolved, by name: each package with the packages that it links or builds with, tests left out.
#[derive(Default)]
struct Graph {
    own: BTreeSet<String>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

/// Checks the workspace and prints what is wrong.
pub fn run() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(crate::workspace::root()?)
        .exec()
        .context("ask cargo for the dependencies")?;
    let problems = check(&Graph::from_metadata(&metadata)?);
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() { Ok(()) } else { bail!("{} dependencies point the wrong way", problems.len()) }
}

impl Graph {
    fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let names: BTreeMap<&PackageId, String> =
            metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
        let name = |id: &PackageId| names.get(id).cloned().context("cargo names every package that it resolves");
        let mut graph = Self::default();
        for id in &metadata.workspace_members {
            graph.own.insert(name(id)?);
        }
        for node in &metadata.resolve.as_ref().context("cargo resolves the workspace")?.nodes {
            // Packages of one name and several versions are one here: a ban covers them all.
            let edges = graph.edges.entry(name(&node.id)?).or_default();
            for dependency in &node.deps {
                if dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development) {
                    edges.insert(name(&dependency.pkg)?);
                }
            }
        }
        Ok(graph)
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &String> {
        self.edges.get(name).into_iter().flatten()
    }

    /// Shortest chain of dependencies from `start` to a package that matches.
    fn path_to(&self, start: &str, matches: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        let mut paths = std::collections::VecDeque::from([vec![start.to_owned()]]);
        let mut seen = BTreeSet::from([start.to_owned()]);
        while let Some(path) = paths.pop_front() {
            let last = path.last()?;
            if matches(last) {
                return Some(path);
            }
            for next in self.direct(last).filter(|next| seen.insert((*next).clone())) {
                paths.push_back([path.as_slice(), std::slice::from_ref(next)].concat());
            }
        }
        None
    }
}

fn check(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for name in &graph.own {
        let Some(rank) = rank(name) else {
            problems.push(format!("{name} has no layer; give it one in xtask/src/layers.rs and ARCHITECTURE.md"));
            continue;
        };
        for dependency in graph.direct(name) {
            problems.extend(check_edge(graph, name, rank, dependency));
        }
        if is_chain(name) {
            for heavy in HEAVY {
                if let Some(path) = graph.path_to(name, |package| matches(heavy, package)) {
                    problems.push(format!("{heavy} is in the tree of a chain crate: {}", path.join(" → ")));
                }
            }
        }
    }
    problems
}

fn check_edge(graph: &Graph, name: &str, own_rank: u32, dependency: &str) -> Option<String> {
    if graph.own.contains(dependency) {
        if rank(dependency).is_some_and(|rank| rank >= own_rank) {
            return Some(format!("{name} → {dependency}: only lower layers; call upward through a hook"));
        }
        let only = ONLY.iter().find(|(crate_name, _)| *crate_name == name);
        let refused = only.is_some_and(|(_, allowed)| !allowed.contains(&dependency));
        return refused.then(|| format!("{name} → {dependency}: {name} may not know it"));
    }
    let (_, owners) = RESERVED.iter().find(|(pattern, _)| matches(pattern, dependency))?;
    let refused = !owners.contains(&name);
    refused.then(|| format!("{name} → {dependency}: only {} may name it", owners.join(", ")))
}

fn rank(name: &str) -> Option<u32> {
    RANKS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, rank)| *rank)
}

/// State machine and what it is made of: everything up to `ve-app` except the daemons' kit.
fn is_chain(name: &str) -> bool {
    name == "ve-app" || (name != "ve-service" && rank(name).is_some_and(|rank| rank < 40))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}
