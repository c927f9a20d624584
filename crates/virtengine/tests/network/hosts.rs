//! Machines of a network's nodes: network namespaces on a bridge, which can be taken apart into two.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

/// Namespaces `name0`, `name1` and so on. Each has one address for its peers, on a bridge, and one for whoever asks it,
/// which no partition cuts.
pub struct Hosts {
    name: String,
    /// Second byte of the addresses, so that networks beside each other do not meet.
    net: u8,
    count: usize,
}

fn ip(arguments: &str) -> bool {
    let words = arguments.split_whitespace();
    let status = Command::new("ip").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn must(arguments: &str) {
    assert!(ip(arguments), "ip {arguments}");
}

impl Hosts {
    /// `None` where the machine does not allow it, with the reason in the output.
    pub fn new(count: usize) -> Option<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        // Distinct among the networks of this run; another run beside it has another process id.
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ve{:x}{turn:x}", std::process::id() & 0xffff);
        let net = 1 + (std::process::id() % 25 * 10) as u8 + turn % 10;
        let hosts = Self { name, net, count: 0 };
        if !ip(&format!("link add {} type bridge", hosts.bridge(0))) {
            println!("skipped: this machine allows no network namespaces, or has no `ip` command");
            return None;
        }
        let mut hosts = hosts;
        hosts.build(count);
        Some(hosts)
    }

    fn build(&mut self, count: usize) {
        must(&format!("link add {} type bridge", self.bridge(1)));
        (0..2).for_each(|side| must(&format!("link set {} up", self.bridge(side))));
        for node in 0..count {
            let (space, net) = (self.space(node), self.net);
            self.count = node + 1;
            must(&format!("netns add {space}"));
            must(&format!("link add {space}p type veth peer name eth0 netns {space}"));
            must(&format!("link set {space}p master {} up", self.bridge(0)));
            must(&format!("link add {space}c type veth peer name eth1 netns {space}"));
            must(&format!("addr add 10.{net}.{}.1/24 dev {space}c", node + 100));
            must(&format!("link set {space}c up"));
            must(&format!("-n {space} addr add 10.{net}.0.{}/24 dev eth0", node + 1));
            must(&format!("-n {space} addr add 10.{net}.{}.2/24 dev eth1", node + 100));
            ["lo", "eth0", "eth1"].iter().for_each(|device| must(&format!("-n {space} link set {device} up")));
        }
    }

    fn bridge(&self, side: usize) -> String {
        format!("{}b{side}", self.name)
    }

    /// The name of a node's namespace.
    pub fn space(&self, node: usize) -> String {
        format!("{}n{node}", self.name)
    }

    /// Where its peers reach a node.
    pub fn inside(&self, node: usize) -> [u8; 4] {
        [10, self.net, 0, node as u8 + 1]
    }

    /// Where the test reaches a node.
    pub fn outside(&self, node: usize) -> [u8; 4] {
        [10, self.net, node as u8 + 100, 2]
    }

    /// Puts these nodes on a bridge of their own: no packet passes between them and the others.
    pub fn part(&self, nodes: &[usize]) {
        nodes.iter().for_each(|node| must(&format!("link set {}p master {}", self.space(*node), self.bridge(1))));
    }

    /// Ends [`Hosts::part`].
    pub fn heal(&self, nodes: &[usize]) {
        nodes.iter().for_each(|node| must(&format!("link set {}p master {}", self.space(*node), self.bridge(0))));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // The pairs go with their namespaces.
        (0..self.count).for_each(|node| {
            ip(&format!("netns del {}", self.space(node)));
        });
        (0..2).for_each(|side| {
            ip(&format!("link del {}", self.bridge(side)));
        });
    }
}

/// An address as nodes listen on it.
pub fn at(ip: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::from((ip, port))
}
