//! Sends transfers: at a steady pace for latency, or as fast as they are committed for throughput.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::follow::{Follower, Seen, height};
use crate::http::{Connection, post};
use crate::node::{Node, Usage};
use crate::plan::{Doing, Failure, Plan};

/// Requests of one JSON-RPC batch; a node takes no more.
const BATCH: usize = 20;

/// Submission to finality at moderate load, in milliseconds.
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    /// Mean time from block to block while it was measured.
    pub interval: f64,
}

pub struct Flood {
    pub per_second: f64,
    pub blocks: Vec<Seen>,
    /// From the first submission to the last block.
    pub seconds: f64,
    /// Processor seconds of all nodes, and of this program.
    pub node_cpu: f64,
    pub own_cpu: f64,
    /// Resident memory of the largest node at the end.
    pub loaded_kib: u64,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Checked>,
    error: Option<Refused>,
}

#[derive(Deserialize)]
struct Checked {
    code: u32,
    log: String,
}

#[derive(Deserialize)]
struct Refused {
    data: String,
}

fn request(transfers: &[String]) -> Vec<u8> {
    let one = |(id, tx): (usize, &String)| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"broadcast_tx_sync\",\"params\":{{\"tx\":\"{tx}\"}}}}")
    };
    let all: Vec<String> = transfers.iter().enumerate().map(one).collect();
    post(&format!("[{}]", all.join(",")))
}

/// Sends one batch; every transfer of it must be taken.
fn submit(connection: &mut Connection, request: &[u8]) -> Result<(), Failure> {
    let body = connection.exchange(request).doing(|| "send transfers".into())?;
    let answers: Vec<Answer> =
        serde_json::from_slice(&body).doing(|| format!("answer {}", String::from_utf8_lossy(&body)))?;
    for answer in answers {
        match (answer.result, answer.error) {
            (Some(checked), _) if checked.code == 0 => {}
            (Some(checked), _) => return Err(Failure(format!("a node refused a transfer: {}", checked.log))),
            (None, Some(refused)) => return Err(Failure(format!("a node refused a transfer: {}", refused.data))),
            (None, None) => return Err(Failure("a node answered a transfer with nothing".into())),
        }
    }
    Ok(())
}

fn current_height(node: &Node) -> Result<u64, Failure> {
    height(&mut Connection::open(node.rpc()).doing(|| format!("connect to {}", node.rpc()))?)
}

/// Runs the senders `send(number, …)` beside a follower of the first node.
fn beside<T: Send>(
    follower: &Follower<'_>,
    senders: usize,
    send: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<(Vec<Seen>, Vec<Instant>), Failure> {
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| follower.run());
        let send = &send;
        let running: Vec<_> = (0..senders).map(|number| scope.spawn(move || send(number))).collect();
        for sender in running {
            sender.join().map_err(|_| Failure("a sender panicked".into()))??;
        }
        follower.join().map_err(|_| Failure("the follower panicked".into()))?
    })
}

/// Sends `rate` transfers a second, whatever becomes of them, spread over all nodes. A transfer's time starts when it
/// was due, so that a slow node cannot hide behind late submissions.
pub fn paced(plan: &Plan, nodes: &[Node], transfers: &[String]) -> Result<Latency, Failure> {
    let requests: Vec<Vec<u8>> = transfers.chunks(1).map(request).collect();
    let after = current_height(&nodes[0])?;
    let committed = AtomicUsize::new(0);
    let pause = Duration::from_millis(2);
    let follower = Follower { rpc: nodes[0].rpc(), after, transfers, pause, committed: &committed };
    let start = Instant::now() + Duration::from_millis(200);
    let due = |index: usize| start + Duration::from_secs_f64(index as f64 / plan.rate as f64);
    let (blocks, seen) = beside(&follower, plan.connections, |number| {
        let node = &nodes[number % nodes.len()];
        let mut connection = Connection::open(node.rpc()).doing(|| format!("connect to {}", node.rpc()))?;
        for index in (number..requests.len()).step_by(plan.connections) {
            std::thread::sleep(due(index).saturating_duration_since(Instant::now()));
            submit(&mut connection, &requests[index])?;
        }
        Ok(())
    })?;
    let mut times: Vec<f64> =
        seen.iter().enumerate().map(|(index, at)| (*at - due(index)).as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    let part = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    let interval = match (blocks.first(), blocks.last()) {
        (Some(first), Some(last)) if last.height > first.height => {
            (last.at - first.at).as_secs_f64() * 1_000.0 / (last.height - first.height) as f64
        }
        _ => 0.0,
    };
    Ok(Latency { p50: part(0.5), p99: part(0.99), interval })
}

/// Sends everything, with at most `in_flight` transfers sent and not yet in a block.
pub fn flood(plan: &Plan, nodes: &[Node], transfers: &[String]) -> Result<Flood, Failure> {
    let requests: Vec<Vec<u8>> = transfers.chunks(BATCH).map(request).collect();
    let after = current_height(&nodes[0])?;
    let (committed, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let pause = Duration::from_millis(10);
    let follower = Follower { rpc: nodes[0].rpc(), after, transfers, pause, committed: &committed };
    let (before, own_before) = (Usage::of_all(nodes), Usage::of(std::process::id()));
    let start = Instant::now();
    let (blocks, _) = beside(&follower, plan.connections, |number| {
        let node = &nodes[number % nodes.len()];
        let mut connection = Connection::open(node.rpc()).doing(|| format!("connect to {}", node.rpc()))?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(index) else { return Ok(()) };
            while index * BATCH >= committed.load(Ordering::Relaxed) + plan.in_flight {
                std::thread::sleep(Duration::from_millis(1));
            }
            submit(&mut connection, request)?;
        }
    })?;
    let (after, own_after) = (Usage::of_all(nodes), Usage::of(std::process::id()));
    let seconds = blocks.last().map_or(0.0, |last| (last.at - start).as_secs_f64());
    Ok(Flood {
        per_second: steady_rate(&blocks).unwrap_or(transfers.len() as f64 / seconds),
        blocks,
        seconds,
        node_cpu: after.cpu - before.cpu,
        own_cpu: own_after.cpu - own_before.cpu,
        loaded_kib: after.resident_kib,
    })
}

/// Transfers per second between the block that completes the first fifth and the last block before the final
/// twentieth: without the rise and the emptying at the end. `None` when there are too few blocks.
fn steady_rate(blocks: &[Seen]) -> Option<f64> {
    let total: usize = blocks.iter().map(|block| block.txs).sum();
    let mut sum = 0;
    let sums: Vec<(usize, Instant)> = blocks
        .iter()
        .map(|block| {
            sum += block.txs;
            (sum, block.at)
        })
        .collect();
    let first = sums.iter().find(|(sum, _)| *sum * 5 >= total)?;
    let last = sums.iter().rfind(|(sum, _)| *sum * 20 <= total * 19)?;
    (last.0 > first.0).then(|| (last.0 - first.0) as f64 / (last.1 - first.1).as_secs_f64())
}
