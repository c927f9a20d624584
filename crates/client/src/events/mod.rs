//! Events of the chain in order, each exactly once (marketplace spec sections 4 and 13.1).
//!
//! A stream starts after a cursor that its user has made durable together with the effects of that event. New blocks
//! are signalled over the WebSocket; their events are read from block results, which is also how gaps after a dropped
//! socket or a restart are filled. While no socket can be opened, the height is polled.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::ClientError;
use crate::rpc::{AbciEvent, BlockResults, BlockSignals, RpcClient};

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// A socket that signals nothing for this long is checked against the node's height.
const SILENCE: Duration = Duration::from_secs(15);

/// When inside a block an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Begin = 0,
    Transaction = 1,
    End = 2,
}

/// The place of an event in the history of the chain. `Display` and `FromStr` give the durable form
/// `height/phase/tx/event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub height: u64,
    pub phase: Phase,
    pub tx_index: u32,
    pub event_index: u32,
}

impl Cursor {
    /// Before the first event of a block.
    pub const fn before(height: u64) -> Self {
        Self { height: height.saturating_sub(1), phase: Phase::End, tx_index: u32::MAX, event_index: u32::MAX }
    }

    /// After the last event of a block.
    pub const fn after(height: u64) -> Self {
        Self { height, phase: Phase::End, tx_index: u32::MAX, event_index: u32::MAX }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.height, self.phase as u8, self.tx_index, self.event_index)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor; it reads height/phase/tx/event")]
pub struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let malformed = || CursorError(text.chars().take(80).collect());
        let parts: Vec<&str> = text.split('/').collect();
        let [height, phase, tx, event] = parts.as_slice() else { return Err(malformed()) };
        let phase = match *phase {
            "0" => Phase::Begin,
            "1" => Phase::Transaction,
            "2" => Phase::End,
            _ => return Err(malformed()),
        };
        let index = |text: &str| text.parse().map_err(|_| malformed());
        let height = height.parse().map_err(|_| malformed())?;
        Ok(Self { height, phase, tx_index: index(tx)?, event_index: index(event)? })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEvent {
    pub cursor: Cursor,
    pub event: AbciEvent,
}

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Event(ChainEvent),
    /// All events of this block are out. [`Cursor::after`] its height may be stored.
    EndOfBlock {
        height: u64,
    },
}

/// Ordered events from a cursor on.
pub struct EventStream {
    rpc: RpcClient,
    chain_id: String,
    cursor: Cursor,
    next_height: u64,
    tip: u64,
    ready: VecDeque<Item>,
    signals: Option<BlockSignals>,
    backoff: Duration,
}

impl EventStream {
    /// Everything after `cursor`. Nothing is sent before the first [`EventStream::next`].
    pub fn from(rpc: RpcClient, chain_id: &str, cursor: Cursor) -> Self {
        // A cursor inside a block asks for the rest of that block; one after its end is skipped by order.
        let next_height = if cursor == Cursor::after(cursor.height) { cursor.height + 1 } else { cursor.height };
        Self {
            rpc,
            chain_id: chain_id.to_owned(),
            cursor,
            next_height: next_height.max(1),
            tip: 0,
            ready: VecDeque::new(),
            signals: None,
            backoff: BACKOFF_MIN,
        }
    }

    /// The place of the last item that came out.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The highest block known to exist.
    pub fn tip(&self) -> u64 {
        self.tip
    }

    /// Waits for the next item. Errors are those that waiting cannot heal: history that is pruned, a node of another
    /// chain, an answer that cannot be understood. Safe to drop and call again: nothing is lost.
    pub async fn next(&mut self) -> Result<Item, ClientError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                self.cursor = match &item {
                    Item::Event(event) => event.cursor,
                    Item::EndOfBlock { height } => Cursor::after(*height),
                };
                return Ok(item);
            }
            if self.next_height <= self.tip {
                self.read_block().await?;
            } else {
                self.wait_for_block().await?;
            }
        }
    }

    async fn read_block(&mut self) -> Result<(), ClientError> {
        match self.rpc.block_results(self.next_height).await {
            Ok(results) if results.height == self.next_height => {
                self.ready.extend(items(results).into_iter().filter(|item| match item {
                    Item::Event(event) => event.cursor > self.cursor,
                    Item::EndOfBlock { .. } => true,
                }));
                self.next_height += 1;
                self.backoff = BACKOFF_MIN;
                Ok(())
            }
            Ok(_) => Err(ClientError::Malformed { method: "block_results".into(), cause: "another height".into() }),
            Err(error) => {
                self.check_node().await?;
                tracing::debug!(%error, height = self.next_height, "block results not available yet");
                self.rpc.rotate();
                self.pause().await;
                Ok(())
            }
        }
    }

    async fn wait_for_block(&mut self) -> Result<(), ClientError> {
        if self.signals.is_none() {
            match self.rpc.new_blocks().await {
                Ok(signals) => self.signals = Some(signals),
                Err(error) => tracing::warn!(%error, "no event socket; polling until it is back"),
            }
            // A block may have passed before the socket was open.
            let known = self.tip;
            self.check_node().await?;
            if self.tip > known {
                return Ok(());
            }
        }
        match &mut self.signals {
            None => self.pause().await,
            Some(signals) => match tokio::time::timeout(SILENCE, signals.next()).await {
                Ok(Ok(height)) => {
                    self.backoff = BACKOFF_MIN;
                    self.tip = self.tip.max(height);
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the event socket dropped; reconnecting");
                    self.signals = None;
                }
                Err(_) => self.check_node().await?,
            },
        }
        Ok(())
    }

    /// Takes the node's height; refuses a node of another chain or without the history that is due.
    async fn check_node(&mut self) -> Result<(), ClientError> {
        let status = match self.rpc.status().await {
            Ok(status) => status,
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "the node does not answer");
                self.signals = None;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if status.chain_id != self.chain_id {
            let expected = self.chain_id.clone();
            return Err(ClientError::WrongChain { expected, got: status.chain_id });
        }
        if status.earliest_height > self.next_height {
            return Err(ClientError::Pruned { height: self.next_height, earliest: status.earliest_height });
        }
        self.tip = self.tip.max(status.latest_height);
        Ok(())
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.backoff).await;
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
    }
}

/// The events of a block in their order.
fn items(results: BlockResults) -> Vec<Item> {
    let height = results.height;
    let begins = |event: &AbciEvent| event.attribute("mode") == Some("BeginBlock");
    let (begin, end): (Vec<_>, Vec<_>) = results.block_events.into_iter().partition(begins);
    let mut items = Vec::new();
    let mut add = |phase, tx_index, events: Vec<AbciEvent>| {
        items.extend((0..).zip(events).map(|(event_index, event)| {
            Item::Event(ChainEvent { cursor: Cursor { height, phase, tx_index, event_index }, event })
        }));
    };
    add(Phase::Begin, 0, begin);
    for (tx_index, tx) in (0..).zip(results.txs) {
        add(Phase::Transaction, tx_index, tx.events);
    }
    add(Phase::End, 0, end);
    items.push(Item::EndOfBlock { height });
    items
}
