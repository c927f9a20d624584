//! Reads committed blocks over RPC, as any client would.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::http::Connection;
use crate::node::Node;
use crate::plan::{Doing, Failure};

/// Without a transfer in any block for so long the run has failed.
const STALL: Duration = Duration::from_secs(60);

/// A block and when this client saw it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub height: u64,
    pub txs: usize,
    pub at: Instant,
}

/// Height of the last committed state.
pub fn height(connection: &mut Connection) -> Result<u64, Failure> {
    let body = connection.get("/abci_info").doing(|| "ask for the height".into())?;
    let answer: Value = serde_json::from_slice(&body).doing(|| "abci_info".into())?;
    let text = answer["result"]["response"]["last_block_height"].as_str().unwrap_or("0");
    text.parse().doing(|| format!("height {text:?}"))
}

#[derive(Deserialize)]
struct BlockAnswer<'a> {
    #[serde(borrow)]
    result: Option<BlockResult<'a>>,
}

#[derive(Deserialize)]
struct BlockResult<'a> {
    #[serde(borrow)]
    block: Block<'a>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    txs: Vec<&'a str>,
}

/// Waits for transfers to appear in blocks.
pub struct Follower<'a> {
    pub rpc: SocketAddr,
    /// Last height that cannot hold any of them.
    pub after: u64,
    pub transfers: &'a [String],
    /// Pause between looks.
    pub pause: Duration,
    /// Transfers seen so far, for whoever sends them.
    pub committed: &'a AtomicUsize,
}

impl Follower<'_> {
    /// Returns when every transfer was seen: the blocks that hold some, and when each transfer was seen.
    pub fn run(&self) -> Result<(Vec<Seen>, Vec<Instant>), Failure> {
        let places: HashMap<&str, usize> =
            self.transfers.iter().enumerate().map(|(index, text)| (text.as_str(), index)).collect();
        let mut connection = Connection::open(self.rpc).doing(|| format!("connect to {}", self.rpc))?;
        let mut seen: Vec<Option<Instant>> = vec![None; self.transfers.len()];
        let (mut blocks, mut next, mut left) = (Vec::new(), self.after + 1, self.transfers.len());
        let mut progress = Instant::now();
        while left > 0 {
            if progress.elapsed() > STALL {
                return Err(Failure(format!("{left} transfers are in no block after {} s", STALL.as_secs())));
            }
            if height(&mut connection)? < next {
                std::thread::sleep(self.pause);
                continue;
            }
            let body = connection.get(&format!("/block?height={next}")).doing(|| format!("read block {next}"))?;
            let answer: BlockAnswer<'_> = serde_json::from_slice(&body).doing(|| format!("block {next}"))?;
            // The state is committed a moment before its block is shown.
            let Some(result) = answer.result else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            let at = Instant::now();
            let found = result.block.data.txs.iter().filter_map(|text| places.get(text));
            let fresh = found.filter(|index| seen[**index].replace(at).is_none()).count();
            if fresh != result.block.data.txs.len() {
                return Err(Failure(format!("block {next} holds transfers twice or that nobody sent")));
            }
            if fresh > 0 {
                blocks.push(Seen { height: next, txs: fresh, at });
                progress = at;
                left -= fresh;
                self.committed.fetch_add(fresh, Ordering::Relaxed);
            }
            next += 1;
        }
        Ok((blocks, seen.into_iter().flatten().collect()))
    }
}

/// Mean gas of a transfer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gas {
    pub used: u64,
    pub wanted: u64,
}

#[derive(Deserialize)]
struct ResultsAnswer {
    result: Results,
}

#[derive(Deserialize)]
struct Results {
    txs_results: Option<Vec<TxResult>>,
}

#[derive(Deserialize)]
struct TxResult {
    code: u32,
    log: String,
    gas_wanted: String,
    gas_used: String,
}

/// Every transfer in these blocks must have moved its coin.
pub fn check_results(node: &Node, blocks: &[Seen]) -> Result<Gas, Failure> {
    let mut connection = Connection::open(node.rpc()).doing(|| format!("connect to {}", node.rpc()))?;
    let (mut used, mut wanted, mut count) = (0u64, 0u64, 0u64);
    for block in blocks {
        let height = block.height;
        let body = connection.get(&format!("/block_results?height={height}")).doing(|| "read results".into())?;
        let answer: ResultsAnswer = serde_json::from_slice(&body).doing(|| format!("results of block {height}"))?;
        for result in answer.result.txs_results.unwrap_or_default() {
            if result.code != 0 {
                return Err(Failure(format!("a transfer in block {height} failed: {}", result.log)));
            }
            used += result.gas_used.parse().unwrap_or(0);
            wanted += result.gas_wanted.parse().unwrap_or(0);
            count += 1;
        }
    }
    Ok(Gas { used: used / count.max(1), wanted: wanted / count.max(1) })
}
