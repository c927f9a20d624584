//! What a message handler or a block hook works with: metered state, events, the block, hooks, the registry.

use std::cell::RefCell;
use std::sync::Arc;

use ve_base::{BlockTime, CodedError, errors};
use ve_store::{KvError, KvIter, Overlay, Read, Write};

use crate::application::{ConsensusParams, Event, LastCommit, Misbehavior};
use crate::gas::{GasMeter, KV_COSTS};
use crate::hooks::Hooks;
use crate::registry::Registry;

/// Committed state at one version, shared between threads.
pub type Committed = Arc<dyn Read + Send + Sync>;

/// Committed state with the writes of the block (or of the mempool) on top.
pub type State = Overlay<Committed>;

/// The block in whose name code runs. In mempool checks, the block after the last committed one.
#[derive(Clone, Debug, Default)]
pub struct BlockInfo {
    pub chain_id: String,
    pub height: u64,
    pub time: BlockTime,
    pub hash: Vec<u8>,
    pub proposer_address: [u8; 20],
    pub next_validators_hash: Vec<u8>,
    /// As in [`crate::application::BlockInput`].
    pub proposer_order: [u8; 32],
    pub app_hash: Vec<u8>,
    pub last_commit: LastCommit,
    pub misbehavior: Vec<Misbehavior>,
    pub consensus_params: ConsensusParams,
    /// What the block's transactions used; known when it ends.
    pub gas_used: u64,
}

/// Why the code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Genesis,
    Check,
    Recheck,
    Simulate,
    Deliver,
}

pub struct Context<'a> {
    state: &'a mut State,
    block: &'a BlockInfo,
    registry: &'a Registry,
    gas: GasMeter,
    mode: Mode,
    events: Vec<Event>,
    fatal: RefCell<Option<KvError>>,
    /// How many messages deep the running one is: 0 for those of the transaction itself.
    depth: usize,
}

impl<'a> Context<'a> {
    pub fn new(state: &'a mut State, block: &'a BlockInfo, registry: &'a Registry, gas: GasMeter, mode: Mode) -> Self {
        Self { state, block, registry, gas, mode, events: Vec::new(), fatal: RefCell::new(None), depth: 0 }
    }

    pub fn block(&self) -> &'a BlockInfo {
        self.block
    }

    pub fn height(&self) -> u64 {
        self.block.height
    }

    pub fn time(&self) -> BlockTime {
        self.block.time
    }

    pub fn chain_id(&self) -> &'a str {
        &self.block.chain_id
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn registry(&self) -> &'a Registry {
        self.registry
    }

    pub fn hooks(&self) -> &'a Hooks {
        self.registry.hooks()
    }

    pub fn gas(&self) -> &GasMeter {
        &self.gas
    }

    /// Starts a new meter and returns the old one: the admission steps learn the limit from the transaction itself.
    pub fn replace_gas(&mut self, meter: GasMeter) -> GasMeter {
        std::mem::replace(&mut self.gas, meter)
    }

    /// Checks keep no events: nobody hears of a transaction before it is in a block.
    pub fn emit(&mut self, event: Event) {
        if self.keeps_events() {
            self.events.push(event);
        }
    }

    /// [`Self::emit`] of events whose texts are worth not making in vain.
    pub fn emit_all<const N: usize>(&mut self, events: impl FnOnce() -> [Event; N]) {
        if self.keeps_events() {
            self.events.extend(events());
        }
    }

    fn keeps_events(&self) -> bool {
        !matches!(self.mode, Mode::Check | Mode::Recheck)
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Runs `body`; on error its writes and events vanish as if it had never run (gas stays charged).
    pub fn atomic<T, E>(&mut self, body: impl FnOnce(&mut Context<'_>) -> Result<T, E>) -> Result<T, E> {
        let checkpoint = self.state.checkpoint();
        let events = self.events.len();
        match body(self) {
            Ok(value) => {
                self.state.release(checkpoint);
                Ok(value)
            }
            Err(error) => {
                self.state.rollback_to(checkpoint);
                self.events.truncate(events);
                Err(error)
            }
        }
    }

    /// Does work that its caller does not pay for, such as reading parameters on the way to a refusal.
    pub fn unmetered<T>(&mut self, body: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let outer = self.replace_gas(GasMeter::unlimited());
        let value = body(self);
        self.gas = outer;
        value
    }

    /// Runs `body` for a message that the running one carries; `None` when messages are nested too deeply already.
    pub(crate) fn deeper<T>(&mut self, body: impl FnOnce(&mut Context<'_>) -> T) -> Option<T> {
        if self.depth >= crate::admission::MAX_NESTING {
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        let value = body(self);
        self.depth = self.depth.saturating_sub(1);
        Some(value)
    }

    /// The first storage failure met, if any. The executor asks after each transaction: a node whose disk fails must
    /// stop, not record a failed transaction that other nodes record as successful.
    pub fn take_fatal(&self) -> Option<KvError> {
        self.fatal.borrow_mut().take()
    }

    fn noted<T>(&self, result: Result<T, KvError>) -> Result<T, KvError> {
        if let Err(error) = &result
            && !matches!(error, KvError::OutOfGas(_))
        {
            self.fatal.borrow_mut().get_or_insert_with(|| error.clone());
        }
        result
    }
}

impl Read for Context<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.gas.consume(KV_COSTS.read_flat, "read")?;
        let value = self.noted(self.state.get(key))?;
        let len = value.as_ref().map_or(0, Vec::len).saturating_add(key.len());
        self.gas.consume(KV_COSTS.read_byte.saturating_mul(len as u64), "read")?;
        Ok(value)
    }

    fn has(&self, key: &[u8]) -> Result<bool, KvError> {
        self.gas.consume(KV_COSTS.has, "has")?;
        self.noted(self.state.has(key))
    }

    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
        Box::new(self.state.range(start, end, reverse).map(move |entry| {
            let (key, value) = self.noted(entry)?;
            let len = key.len().saturating_add(value.len());
            self.gas.consume(
                KV_COSTS.iterate_flat.saturating_add(KV_COSTS.read_byte.saturating_mul(len as u64)),
                "iterate",
            )?;
            Ok((key, value))
        }))
    }
}

impl Write for Context<'_> {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError> {
        let len = key.len().saturating_add(value.len());
        self.gas
            .consume(KV_COSTS.write_flat.saturating_add(KV_COSTS.write_byte.saturating_mul(len as u64)), "write")?;
        let result = self.state.set(key, value);
        self.noted(result)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), KvError> {
        self.gas.consume(KV_COSTS.delete, "delete")?;
        let result = self.state.delete(key);
        self.noted(result)
    }
}

/// Read-only access for queries, invariants and exports: one version, the block that produced it, no gas.
pub struct QueryContext<'a> {
    state: &'a (dyn Read + 'a),
    block: &'a BlockInfo,
    registry: &'a Registry,
}

impl<'a> QueryContext<'a> {
    pub fn new(state: &'a (dyn Read + 'a), block: &'a BlockInfo, registry: &'a Registry) -> Self {
        Self { state, block, registry }
    }

    pub fn height(&self) -> u64 {
        self.block.height
    }

    /// Time of the block whose state is read; what "now" means in a query.
    pub fn time(&self) -> BlockTime {
        self.block.time
    }

    pub fn block(&self) -> &'a BlockInfo {
        self.block
    }

    pub fn chain_id(&self) -> &'a str {
        &self.block.chain_id
    }

    pub fn registry(&self) -> &'a Registry {
        self.registry
    }
}

impl Read for QueryContext<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.state.get(key)
    }

    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
        self.state.range(start, end, reverse)
    }
}

/// Refuses unless `authority` is the governance module's address: how every `MsgUpdateParams` begins.
pub fn require_authority(authority: &str) -> Result<(), CodedError> {
    let expected = ve_base::module_address(GOV_MODULE).to_string();
    if authority == expected {
        return Ok(());
    }
    Err(errors::sdk::Error::Unauthorized(format!(
        "{authority} may not change parameters; only the governance authority {expected} may, through a proposal"
    ))
    .into())
}

/// Name of the module account whose address is the authority over parameters.
pub const GOV_MODULE: &str = "gov";
