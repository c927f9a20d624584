//! A tiny application for driving real nodes: `key=value` transactions, and `power:<hex key>:<n>` that changes a validator.
//! It keeps under `convicted/…` how often it heard of each misbehaviour, and a proposer puts `extensions/<height>=<n>`
//! into its block: how many of the last votes came with an extension.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ve_sdk::application::{
    AppInfo, Application, BlockInput, CheckKind, CheckTxResult, ChunkVerdict, Fatal, FinalizeBlockResponse, InitChain,
    InitChainResponse, OfferVerdict, Query, QueryResult, StateSnapshot, TxResult, ValidatorUpdate, Verdict,
};

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    height: u64,
    proposer_order: [u8; 32],
    entries: BTreeMap<String, String>,
}

impl State {
    fn hash(&self) -> Vec<u8> {
        Sha256::digest(serde_json::to_vec(self).expect("strings are JSON")).to_vec()
    }
}

/// How an application misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    None,
    /// Says something else with its votes than everybody agreed on.
    Lies,
    /// Serves chunks that are not those of its list.
    Corrupts,
    /// Takes its time for each chunk.
    Slow,
}

/// Blocks between two snapshots.
pub const SNAPSHOT_INTERVAL: u64 = 40;
const CHUNK: usize = 256;

/// A snapshot that is being taken over.
struct Restore {
    hashes: Vec<[u8; 32]>,
    app_hash: Vec<u8>,
    bytes: Vec<u8>,
    next: usize,
}

pub struct KvApp {
    path: PathBuf,
    quirk: Quirk,
    /// States as JSON by height, the newest last.
    snapshots: Mutex<Vec<(u64, Vec<u8>)>>,
    restore: Mutex<Option<Restore>>,
    state: Mutex<State>,
    pending: Mutex<Option<State>>,
}

enum Tx {
    Set(String, String),
    Power([u8; 32], u64),
}

fn parse(tx: &[u8]) -> Option<Tx> {
    let text = std::str::from_utf8(tx).ok()?;
    if let Some(rest) = text.strip_prefix("power:") {
        let (key, power) = rest.split_once(':')?;
        return Some(Tx::Power(hex::decode(key).ok()?.try_into().ok()?, power.parse().ok()?));
    }
    let (key, value) = text.split_once('=')?;
    Some(Tx::Set(key.to_owned(), value.to_owned()))
}

fn code(code: u32) -> TxResult {
    TxResult { code, codespace: if code == 0 { String::new() } else { "kv".into() }, ..TxResult::default() }
}

impl KvApp {
    pub fn open(path: PathBuf, quirk: Quirk) -> Self {
        let state = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self {
            path,
            quirk,
            snapshots: Mutex::default(),
            restore: Mutex::default(),
            state: Mutex::new(state),
            pending: Mutex::default(),
        }
    }

    fn save(&self, state: State) -> Result<(), Fatal> {
        let temporary = self.path.with_extension("new");
        let written = std::fs::write(&temporary, serde_json::to_vec(&state).expect("strings are JSON"))
            .and_then(|()| std::fs::File::open(&temporary)?.sync_all())
            .and_then(|()| std::fs::rename(&temporary, &self.path));
        written.map_err(|error| Fatal(error.to_string()))?;
        *self.state.lock().expect("no panic holds it") = state;
        Ok(())
    }

    fn keep_snapshot(&self, state: &State) {
        let mut kept = self.snapshots.lock().expect("no panic holds it");
        kept.push((state.height, serde_json::to_vec(state).expect("strings are JSON")));
        if kept.len() > 2 {
            kept.remove(0);
        }
    }
}

impl Application for KvApp {
    fn info(&self) -> AppInfo {
        let state = self.state.lock().expect("no panic holds it");
        AppInfo {
            name: "kv".into(),
            version: "1".into(),
            app_version: 1,
            last_height: state.height,
            last_app_hash: if state.height == 0 { Vec::new() } else { state.hash() },
            proposer_order: state.proposer_order,
            ..AppInfo::default()
        }
    }

    fn init_chain(&self, request: InitChain) -> Result<InitChainResponse, Fatal> {
        let app_hash = State::default().hash();
        Ok(InitChainResponse { validators: Vec::new(), consensus_params: request.consensus_params, app_hash })
    }

    fn check_tx(&self, tx: &Bytes, _: CheckKind) -> CheckTxResult {
        CheckTxResult { result: code(u32::from(parse(tx).is_none())), ..CheckTxResult::default() }
    }

    fn simulate(&self, tx: &Bytes) -> TxResult {
        code(u32::from(parse(tx).is_none()))
    }

    fn prepare_proposal(&self, block: &BlockInput, max_bytes: u64) -> Vec<Bytes> {
        let extended = block.last_commit.votes.iter().filter(|vote| !vote.extension.is_empty()).count();
        let count: Option<Bytes> =
            (extended > 0).then(|| format!("extensions/{}={extended}", block.height).into_bytes().into());
        let mut left = max_bytes;
        let fits = |tx: &&Bytes| {
            let cost = tx.len() as u64 + 5;
            let fits = cost <= left;
            left = left.saturating_sub(cost);
            fits
        };
        count.iter().chain(&block.txs).take_while(fits).cloned().collect()
    }

    fn process_proposal(&self, block: &BlockInput) -> Verdict {
        if block.txs.iter().all(|tx| parse(tx).is_some()) {
            Verdict::Accept
        } else {
            Verdict::Reject("a transaction does not parse".into())
        }
    }

    fn extend_vote(&self, height: u64, _: &[u8]) -> Bytes {
        match (self.quirk == Quirk::Lies, height % 2) {
            (false, _) => height.to_be_bytes().to_vec().into(),
            (true, 0) => b"a lie".as_slice().into(),
            (true, _) => vec![7; 1 << 20].into(),
        }
    }

    fn verify_vote_extension(&self, height: u64, _: &[u8; 20], extension: &[u8]) -> Verdict {
        if extension == height.to_be_bytes() { Verdict::Accept } else { Verdict::Reject("another height".into()) }
    }

    fn finalize_block(&self, block: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        let mut state = self.state.lock().expect("no panic holds it").clone();
        let mut response = FinalizeBlockResponse::default();
        for tx in &block.txs {
            match parse(tx) {
                Some(Tx::Set(key, value)) => drop(state.entries.insert(key, value)),
                Some(Tx::Power(pub_key, power)) => response.validator_updates.push(ValidatorUpdate { pub_key, power }),
                None => return Err(Fatal("an unparsable transaction was decided".into())),
            }
            response.tx_results.push(code(0));
        }
        for one in &block.misbehavior {
            let times =
                state.entries.entry(format!("convicted/{}/{}", hex::encode(one.address), one.height)).or_default();
            *times = (times.parse::<u32>().unwrap_or(0) + 1).to_string();
        }
        state.height = block.height;
        state.proposer_order = block.proposer_order;
        response.app_hash = state.hash();
        *self.pending.lock().expect("no panic holds it") = Some(state);
        Ok(response)
    }

    fn commit(&self) -> Result<u64, Fatal> {
        let pending = self.pending.lock().expect("no panic holds it").take();
        let state = pending.ok_or_else(|| Fatal("nothing was executed".into()))?;
        if state.height.is_multiple_of(SNAPSHOT_INTERVAL) {
            self.keep_snapshot(&state);
        }
        self.save(state)?;
        Ok(0)
    }

    fn query(&self, query: &Query) -> QueryResult {
        let state = self.state.lock().expect("no panic holds it");
        let key = String::from_utf8_lossy(&query.data).into_owned();
        let value = state.entries.get(&key).cloned().unwrap_or_default();
        QueryResult { value: value.into_bytes().into(), height: state.height, ..QueryResult::default() }
    }

    fn list_snapshots(&self) -> Result<Vec<StateSnapshot>, Fatal> {
        let kept = self.snapshots.lock().expect("no panic holds it");
        let describe = |(height, bytes): &(u64, Vec<u8>)| {
            let metadata: Vec<u8> = bytes.chunks(CHUNK).flat_map(Sha256::digest).collect();
            StateSnapshot {
                height: *height,
                format: 1,
                chunks: (metadata.len() / 32) as u32,
                hash: Sha256::digest(&metadata).into(),
                metadata: metadata.into(),
            }
        };
        Ok(kept.iter().rev().map(describe).collect())
    }

    fn load_snapshot_chunk(&self, height: u64, _: u32, chunk: u32) -> Result<Option<Bytes>, Fatal> {
        let kept = self.snapshots.lock().expect("no panic holds it");
        let found = kept.iter().find(|(kept, _)| *kept == height);
        let mut bytes = found.and_then(|(_, bytes)| bytes.chunks(CHUNK).nth(chunk as usize)).map(<[u8]>::to_vec);
        if let Some(bytes) = bytes.as_mut().filter(|_| self.quirk == Quirk::Corrupts) {
            bytes[0] ^= 1;
        }
        Ok(bytes.map(Bytes::from))
    }

    fn offer_snapshot(&self, snapshot: &StateSnapshot, app_hash: &[u8]) -> Result<OfferVerdict, Fatal> {
        let hashes = snapshot.metadata.as_chunks::<32>().0.to_vec();
        let restore = Restore { hashes, app_hash: app_hash.to_vec(), bytes: Vec::new(), next: 0 };
        *self.restore.lock().expect("no panic holds it") = Some(restore);
        Ok(OfferVerdict::Accept)
    }

    fn apply_snapshot_chunk(&self, index: u32, chunk: &Bytes) -> Result<ChunkVerdict, Fatal> {
        let mut guard = self.restore.lock().expect("no panic holds it");
        let restore = guard.as_mut().filter(|restore| restore.next == index as usize);
        let restore = restore.ok_or_else(|| Fatal("a chunk out of turn".into()))?;
        if self.quirk == Quirk::Slow {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        if restore.hashes[restore.next] != *Sha256::digest(chunk) {
            return Ok(ChunkVerdict::Refetch);
        }
        restore.bytes.extend_from_slice(chunk);
        restore.next += 1;
        if restore.next == restore.hashes.len() {
            let state: State = serde_json::from_slice(&restore.bytes).map_err(|error| Fatal(error.to_string()))?;
            if state.hash() != restore.app_hash {
                return Ok(ChunkVerdict::RejectSnapshot("another state".into()));
            }
            self.save(state)?;
        }
        Ok(ChunkVerdict::Accept)
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        let state = self.state.lock().expect("no panic holds it");
        serde_json::to_value(&*state).map_err(|error| Fatal(error.to_string()))
    }
}
