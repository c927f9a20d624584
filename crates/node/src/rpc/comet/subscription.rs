//! What a committed block tells subscribers: one NewBlock, one NewBlockHeader and one Tx message per transaction.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_proto::tendermint::abci::Event;

use super::{
    json::{self, base64, block_id, hex_upper},
    results::{self, event_map, reserved},
};
use crate::{index::Query, rpc::backend::CommittedBlock};

enum About {
    Block,
    Header,
    /// Position in the block.
    Tx(usize),
}

struct Message<'a> {
    about: About,
    block: &'a CommittedBlock,
    /// What clients see, and what queries are matched against.
    events: Vec<Event>,
}

/// The messages of `block` that satisfy `query`, each as the `result` of an answer.
pub fn matching(block: &CommittedBlock, query: &Query) -> Vec<Value> {
    messages(block)
        .into_iter()
        .filter(|message| query.matches(&message.events))
        .map(|message| json!({"query": query.text(), "data": message.data(), "events": event_map(&message.events)}))
        .collect()
}

fn messages(block: &CommittedBlock) -> Vec<Message<'_>> {
    let height = block.height();
    let mut found = Vec::new();
    for (about, name) in [(About::Block, "NewBlock"), (About::Header, "NewBlockHeader")] {
        let mut events = block.results.events.clone();
        events.extend([reserved("tm", "event", name), reserved("block", "height", height)]);
        found.push(Message { about, block, events });
    }
    let txs = block.stored.block.data.as_ref().map_or(&[][..], |d| &d.txs);
    for (index, (tx, result)) in txs.iter().zip(&block.results.tx_results).enumerate() {
        let mut events = result.events.clone();
        events.extend([
            reserved("tm", "event", "Tx"),
            reserved("tx", "hash", hex_upper(&Sha256::digest(tx))),
            reserved("tx", "height", height),
        ]);
        found.push(Message { about: About::Tx(index), block, events });
    }
    found
}

impl Message<'_> {
    fn data(&self) -> Value {
        let stored = &self.block.stored;
        match self.about {
            About::Block => json!({"type": "tendermint/event/NewBlock", "value": {
                "block": json::block(&stored.block),
                "block_id": block_id(Some(&stored.id)),
                "result_finalize_block": results::finalize_block(&self.block.results),
            }}),
            About::Header => json!({"type": "tendermint/event/NewBlockHeader", "value": {
                "header": json::header(stored.block.header.as_ref()),
            }}),
            About::Tx(index) => json!({"type": "tendermint/event/Tx", "value": {"TxResult": self.tx(index)}}),
        }
    }

    fn tx(&self, index: usize) -> Value {
        let tx = self.block.stored.block.data.as_ref().and_then(|d| d.txs.get(index));
        json!({
            "height": self.block.height().to_string(),
            "index": index,
            "tx": tx.map(|tx| base64(tx)),
            "result": self.block.results.tx_results.get(index).map(results::tx_result),
        })
    }
}
