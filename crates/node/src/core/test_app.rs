//! `key=value` transactions on the real versioned store. It counts under `convicted/…` how often it heard of each
//! misbehaviour, and stops at `crash_tests::write_point` around its own writes.

use std::path::Path;
use std::sync::Mutex;

use bytes::Bytes;
use ve_sdk::application::{
    AppInfo, Application, BlockInput, CheckKind, CheckTxResult, Fatal, FinalizeBlockResponse, InitChain,
    InitChainResponse, Query, QueryResult, TxResult, Verdict,
};
use ve_store::{ChangeSet, Options, Prepared, Pruning, Read as _, Store};

use super::crash_tests::write_point;

pub struct StoreApp {
    store: Store,
    pending: Mutex<Option<Prepared>>,
}

fn fatal(error: impl ToString) -> Fatal {
    Fatal(error.to_string())
}

fn parse(tx: &[u8]) -> Option<(String, String)> {
    let (key, value) = std::str::from_utf8(tx).ok()?.split_once('=')?;
    Some((key.to_owned(), value.to_owned()))
}

impl StoreApp {
    pub fn open(path: &Path) -> Self {
        let options = Options {
            pruning: Pruning::Everything,
            prune_interval: 1,
            cache_bytes: 1 << 20,
            recent_bytes: 1 << 16,
            hash_threads: 1,
        };
        Self { store: Store::open(path, options).expect("the application's store opens"), pending: Mutex::default() }
    }

    pub fn get(&self, key: &str) -> Option<String> {
        let value = self.store.snapshot(None).expect("opens").get(key.as_bytes()).expect("reads");
        value.map(|value| String::from_utf8(value).expect("text"))
    }

    fn changes(&self, block: &BlockInput) -> ChangeSet {
        let mut changes = ChangeSet::new();
        changes.insert(b"height".to_vec(), Some(block.height.to_string().into_bytes()));
        for (key, value) in block.txs.iter().filter_map(|tx| parse(tx)) {
            changes.insert(key.into_bytes(), Some(value.into_bytes()));
        }
        for one in &block.misbehavior {
            let key = format!("convicted/{}/{}", hex::encode(one.address), one.height);
            let times = self.get(&key).map_or(0, |times| times.parse().expect("a number")) + 1;
            changes.insert(key.into_bytes(), Some(times.to_string().into_bytes()));
        }
        changes
    }
}

impl Application for StoreApp {
    fn info(&self) -> AppInfo {
        let latest = self.store.latest().expect("reads");
        AppInfo {
            name: "store".into(),
            version: "1".into(),
            app_version: 1,
            last_height: latest.unwrap_or(0),
            last_app_hash: latest.map(|_| self.store.root().expect("a root").to_vec()).unwrap_or_default(),
            ..AppInfo::default()
        }
    }

    fn init_chain(&self, request: InitChain) -> Result<InitChainResponse, Fatal> {
        let root = match self.store.latest().map_err(fatal)? {
            None => {
                let changes = ChangeSet::from([(b"chain".to_vec(), Some(request.chain_id.into_bytes()))]);
                let prepared = self.store.prepare(0, changes).map_err(fatal)?;
                write_point();
                self.store.apply(prepared).map_err(fatal)?
            }
            Some(0) => self.store.root().map_err(fatal)?,
            Some(version) => return Err(Fatal(format!("already at {version}"))),
        };
        write_point();
        let (validators, consensus_params) = (Vec::new(), request.consensus_params);
        Ok(InitChainResponse { validators, consensus_params, app_hash: root.to_vec() })
    }

    fn check_tx(&self, tx: &Bytes, _: CheckKind) -> CheckTxResult {
        let code = u32::from(parse(tx).is_none());
        CheckTxResult { result: TxResult { code, ..TxResult::default() }, ..CheckTxResult::default() }
    }

    fn simulate(&self, _: &Bytes) -> TxResult {
        TxResult::default()
    }

    fn prepare_proposal(&self, block: &BlockInput, _: u64) -> Vec<Bytes> {
        block.txs.clone()
    }

    fn process_proposal(&self, block: &BlockInput) -> Verdict {
        let good = block.txs.iter().all(|tx| parse(tx).is_some());
        if good { Verdict::Accept } else { Verdict::Reject("a transaction does not parse".into()) }
    }

    fn extend_vote(&self, _: u64, _: &[u8]) -> Bytes {
        Bytes::new()
    }

    fn verify_vote_extension(&self, _: u64, _: &[u8; 20], _: &[u8]) -> Verdict {
        Verdict::Accept
    }

    fn finalize_block(&self, block: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        let prepared = self.store.prepare(block.height, self.changes(block)).map_err(fatal)?;
        let app_hash = prepared.root().to_vec();
        *self.pending.lock().expect("no panic holds it") = Some(prepared);
        let tx_results = vec![TxResult::default(); block.txs.len()];
        Ok(FinalizeBlockResponse { tx_results, app_hash, ..FinalizeBlockResponse::default() })
    }

    fn commit(&self) -> Result<u64, Fatal> {
        let prepared =
            self.pending.lock().expect("no panic holds it").take().ok_or_else(|| fatal("nothing to commit"))?;
        let version = prepared.version();
        write_point();
        self.store.apply(prepared).map_err(fatal)?;
        write_point();
        Ok(version)
    }

    fn query(&self, _: &Query) -> QueryResult {
        QueryResult::default()
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        Err(fatal("not part of these tests"))
    }
}
