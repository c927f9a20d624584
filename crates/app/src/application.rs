//! The state machine behind the `Application` boundary: locks, snapshots, and the mempool's view. Execution of a block
//! is in `block.rs`, queries in `query.rs`.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use ve_base::CodedError;
use ve_sdk::admission::{Candidate, Step, VerifiedSignatures};
use ve_sdk::application::{
    AppInfo, Application, BlockInput, CheckKind, CheckTxResult, ChunkVerdict, Fatal, FinalizeBlockResponse, InitChain,
    InitChainResponse, OfferVerdict, Query, QueryResult, StateSnapshot, TxResult, UpgradeNeeded, Verdict,
};
use ve_sdk::context::{BlockInfo, Committed, Mode, QueryContext, State};
use ve_sdk::executor::Executor;
use ve_sdk::{Module, Registry};
use ve_store::Store;

use crate::block::Pending;
use crate::snapshots::{SnapshotOptions, Snapshots};
use crate::upgrades::{Release, Upgrade};
use crate::{admission, base_state, block, query};

/// How a node runs the application. Nothing here changes the result of a block.
#[derive(Clone, Debug)]
pub struct Options {
    pub store: ve_store::Options,
    /// Checks every module's invariants after each block and stops the chain on a violation: for tests and small
    /// networks, since it reads the whole state.
    pub check_invariants: bool,
    /// Lowest fee per gas in `uve` that this node's mempool takes, as a decimal.
    pub min_gas_price: ve_base::Dec,
    /// Signatures remembered between mempool and block.
    pub verified_signatures: usize,
    /// Snapshots for other nodes; `None` makes none.
    pub snapshots: Option<SnapshotOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: ve_store::Options::default(),
            check_invariants: false,
            min_gas_price: ve_base::Dec::zero(),
            verified_signatures: 50_000,
            snapshots: None,
        }
    }
}

/// Largest transaction, in bytes.
pub const MAX_TX_BYTES: usize = 1_048_576;

pub struct App {
    pub(crate) registry: Registry,
    pub(crate) modules: Vec<Box<dyn Module>>,
    pub(crate) upgrades: Vec<Upgrade>,
    /// The upgrade at which this release stopped.
    pub(crate) halted: Mutex<Option<UpgradeNeeded>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) verified: VerifiedSignatures,
    pub(crate) store: Store,
    pub(crate) options: Options,
    /// Last committed state; replaced after each commit.
    committed: RwLock<View>,
    /// Committed state plus the transactions waiting in the mempool.
    check: Mutex<Option<Check>>,
    /// Keys that were committed since the checks last advanced.
    written: Mutex<Vec<Vec<u8>>>,
    pub(crate) pending: Mutex<Option<Pending>>,
    pub(crate) snapshots: Snapshots,
}

/// A committed version and its block.
#[derive(Clone)]
pub(crate) struct View {
    pub state: Committed,
    /// `None` before genesis.
    pub block: Option<BlockInfo>,
    pub app_hash: Vec<u8>,
}

struct Check {
    state: State,
    block: BlockInfo,
}

impl App {
    /// Opens the state in `directory`, empty or of a chain that ran before.
    pub fn open(directory: &Path, options: Options) -> Result<Self, Fatal> {
        Self::open_release(directory, options, Release::current())
    }

    /// As [`App::open`] with the parts of another release: for rehearsing upgrades.
    pub fn open_release(directory: &Path, options: Options, release: Release) -> Result<Self, Fatal> {
        let store = Store::open(directory, options.store.clone()).map_err(fatal)?;
        let registry = Registry::build(&release.modules, release.hooks).map_err(Fatal)?;
        let app = Self {
            registry,
            modules: release.modules,
            upgrades: release.upgrades,
            halted: Mutex::new(None),
            steps: admission::steps(),
            verified: VerifiedSignatures::new(options.verified_signatures),
            committed: RwLock::new(load_view(&store)?),
            snapshots: Snapshots::open(options.snapshots.as_ref())?,
            store,
            options,
            check: Mutex::new(None),
            written: Mutex::default(),
            pending: Mutex::new(None),
        };
        app.reset_check();
        Ok(app)
    }

    /// Lets `reader` look at the last committed state; `None` before genesis. For tools and tests that sit beside the
    /// application rather than behind its queries.
    pub fn read<T>(&self, reader: impl FnOnce(&QueryContext<'_>) -> T) -> Option<T> {
        let view = self.view();
        let block = view.block?;
        Some(reader(&QueryContext::new(view.state.as_ref(), &block, &self.registry)))
    }

    pub(crate) fn view(&self) -> View {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After a commit: publishes the new version to queries. The mempool's view follows when its time comes.
    pub(crate) fn publish(&self, written: Vec<Vec<u8>>) -> Result<(), Fatal> {
        let view = load_view(&self.store)?;
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = view;
        lock(&self.written).extend(written);
        Ok(())
    }

    pub(crate) fn reset_check(&self) {
        let view = self.view();
        *lock(&self.check) = view.block.map(|last| Check { state: State::new(view.state), block: after(last) });
    }

    pub(crate) fn executor<'a>(&'a self, block: &'a BlockInfo) -> Executor<'a> {
        Executor {
            registry: &self.registry,
            steps: &self.steps,
            verified: &self.verified,
            block,
            max_tx_bytes: MAX_TX_BYTES,
        }
    }

    /// Verifies signatures before the check lock is taken, so that several threads can admit transactions at once.
    fn verify_ahead(&self, candidate: &Candidate<'_>) {
        let view = self.view();
        if let Some(block) = &view.block {
            ve_chain_core::auth::admission::verify_ahead(view.state.as_ref(), candidate, &block.chain_id);
        }
    }

    fn check(&self, raw: &Bytes, kind: CheckKind) -> Result<CheckTxResult, CodedError> {
        if raw.len() > MAX_TX_BYTES {
            return Err(ve_base::errors::sdk::Error::TxTooLarge(format!(
                "the transaction has {} bytes, at most {MAX_TX_BYTES}",
                raw.len()
            ))
            .into());
        }
        let tx = ve_base::tx::decode_tx(raw)?;
        let candidate = Candidate::new(&tx, raw.len(), &self.registry, &self.verified)?;
        if kind == CheckKind::New {
            self.verify_ahead(&candidate);
        }
        let priority = ve_chain_core::auth::admission::priority(&candidate);
        // Without a sequence there is no order to keep, so the transaction stands for itself.
        let first = candidate.signers.first().filter(|_| !tx.body.unordered);
        let sender = first.map(|signer| signer.as_bytes().to_vec()).unwrap_or_default();
        let sequence = tx.auth_info.signer_infos.first().map_or(0, |info| info.sequence);
        let mut guard = lock(&self.check);
        let check = guard.as_mut().ok_or_else(base_state::not_ready)?;
        if kind == CheckKind::New {
            ve_chain_core::auth::admission::enough_for_mempool(&candidate, &self.options.min_gas_price)?;
        }
        let mode = if kind == CheckKind::New { Mode::Check } else { Mode::Recheck };
        let result = self
            .executor(&check.block)
            .run_candidate(&mut check.state, &candidate, mode)
            .map_err(|error| ve_base::errors::sdk::Error::InvalidRequest(error.to_string()))?;
        Ok(CheckTxResult { result, sender, sequence, priority })
    }
}

impl Application for App {
    fn info(&self) -> AppInfo {
        let view = self.view();
        let block = view.block.unwrap_or_default();
        AppInfo {
            name: "virtengine".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            app_version: block.consensus_params.app_version,
            last_height: block.height,
            last_app_hash: view.app_hash,
            consensus_params: block.consensus_params,
            proposer_order: block.proposer_order,
        }
    }

    fn upgrade_needed(&self) -> Option<UpgradeNeeded> {
        lock(&self.halted).clone()
    }

    fn init_chain(&self, request: InitChain) -> Result<InitChainResponse, Fatal> {
        block::init_chain(self, request)
    }

    fn check_tx(&self, tx: &Bytes, kind: CheckKind) -> CheckTxResult {
        self.check(tx, kind)
            .unwrap_or_else(|error| CheckTxResult { result: refused(error), ..CheckTxResult::default() })
    }

    fn keeps_checks(&self) -> bool {
        true
    }

    fn sender(&self, tx: &Bytes) -> Option<Vec<u8>> {
        let decoded = ve_base::tx::decode_tx(tx).ok()?;
        let candidate = Candidate::new(&decoded, tx.len(), &self.registry, &self.verified).ok()?;
        candidate.signers.first().map(|signer| signer.as_bytes().to_vec())
    }

    /// What waiting transactions did to keys that the block did not write stays, so that they need not be checked again.
    fn advance_checks(&self) {
        let view = self.view();
        let written = std::mem::take(&mut *lock(&self.written));
        let mut guard = lock(&self.check);
        match (guard.as_mut(), view.block) {
            (Some(check), Some(last)) => {
                check.state.rebase(view.state, written.iter().map(Vec::as_slice));
                check.block = after(last);
            }
            (_, block) => *guard = block.map(|last| Check { state: State::new(view.state), block: after(last) }),
        }
    }

    fn restart_checks(&self) {
        self.reset_check();
    }

    fn simulate(&self, tx: &Bytes) -> TxResult {
        let view = self.view();
        let Some(last) = view.block else { return refused(base_state::not_ready()) };
        let block = after(last);
        let mut state = State::new(view.state);
        match self.executor(&block).run(&mut state, tx, Mode::Simulate) {
            Ok(result) => result,
            Err(error) => refused(ve_base::errors::sdk::Error::InvalidRequest(error.to_string()).into()),
        }
    }

    fn prepare_proposal(&self, block: &BlockInput, max_bytes: u64) -> Vec<Bytes> {
        block::choose(self, block, max_bytes)
    }

    fn process_proposal(&self, block: &BlockInput) -> Verdict {
        block::judge(self, block)
    }

    fn extend_vote(&self, _height: u64, _block_hash: &[u8]) -> Bytes {
        Bytes::new()
    }

    fn verify_vote_extension(&self, _height: u64, _address: &[u8; 20], extension: &[u8]) -> Verdict {
        if extension.is_empty() {
            Verdict::Accept
        } else {
            Verdict::Reject(format!("this chain defines no vote extension, got {} bytes", extension.len()))
        }
    }

    fn finalize_block(&self, block: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        block::finalize(self, block)
    }

    fn commit(&self) -> Result<u64, Fatal> {
        block::commit(self)
    }

    fn query(&self, query: &Query) -> QueryResult {
        query::answer(self, query)
    }

    fn list_snapshots(&self) -> Result<Vec<StateSnapshot>, Fatal> {
        self.snapshots.list()
    }

    fn load_snapshot_chunk(&self, height: u64, format: u32, chunk: u32) -> Result<Option<Bytes>, Fatal> {
        self.snapshots.chunk(height, format, chunk)
    }

    fn offer_snapshot(&self, snapshot: &StateSnapshot, app_hash: &[u8]) -> Result<OfferVerdict, Fatal> {
        self.snapshots.offer(self, snapshot, app_hash)
    }

    fn apply_snapshot_chunk(&self, index: u32, chunk: &Bytes) -> Result<ChunkVerdict, Fatal> {
        self.snapshots.apply(self, index, chunk)
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        query::export(self)
    }
}

/// The block in whose name the mempool checks.
fn after(last: BlockInfo) -> BlockInfo {
    BlockInfo { height: last.height.saturating_add(1), ..last }
}

fn load_view(store: &Store) -> Result<View, Fatal> {
    let snapshot = store.snapshot(None).map_err(fatal)?;
    let block = base_state::load(&snapshot).map_err(fatal)?;
    let app_hash = if block.is_some() { store.root().map_err(fatal)?.to_vec() } else { Vec::new() };
    Ok(View { state: Arc::new(snapshot), block, app_hash })
}

pub(crate) fn refused(error: CodedError) -> TxResult {
    TxResult { code: error.code, codespace: error.codespace.to_owned(), log: error.log, ..TxResult::default() }
}

pub(crate) fn fatal(error: impl std::fmt::Display) -> Fatal {
    Fatal(error.to_string())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
