//! What peers send each other, and what this node thinks of it.

use bytes::Bytes;
use prost::Message as _;
use ve_proto::tendermint::types::{Evidence, EvidenceList};

use crate::core::Core;
use crate::mempool::Mempool;
use crate::rpc::backend::SubmitError;

/// Transactions of one message.
pub const BATCH: usize = 50;
/// Pieces of evidence of one message.
const EVIDENCE_BATCH: usize = 16;

/// The topics of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Txs,
    Evidence,
}

/// The wire format of transactions: `repeated bytes txs = 1`.
#[derive(Clone, PartialEq, prost::Message)]
struct Batch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    txs: Vec<Bytes>,
}

/// Verdict over a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Something in it was new and good, or everything was known.
    Good,
    /// Nothing in it can be used here, though an honest node may have sent it.
    Useless,
    /// No honest node sends this.
    Rubbish,
}

/// Checks what came on a topic and keeps what is good. Blocks.
pub fn receive(core: &Core, topic: Topic, data: &[u8]) -> Checked {
    match topic {
        Topic::Txs => receive_txs(&core.mempool, data),
        Topic::Evidence => receive_evidence(core, data),
    }
}

fn receive_txs(pool: &Mempool, data: &[u8]) -> Checked {
    let Ok(batch) = Batch::decode(data) else { return Checked::Rubbish };
    if batch.txs.is_empty() || batch.txs.len() > BATCH || batch.encoded_len() != data.len() {
        return Checked::Rubbish;
    }
    let mut verdict = Checked::Useless;
    for tx in batch.txs {
        match pool.submit(tx) {
            Ok(checked) if checked.result.code == 0 => verdict = Checked::Good,
            // sdk 2: bytes that are no transaction. Everything else may be a difference in timing.
            Ok(checked) if checked.result.codespace == "sdk" && checked.result.code == 2 => return Checked::Rubbish,
            Err(SubmitError::AlreadyKnown) => verdict = Checked::Good,
            Err(SubmitError::TooLarge { .. }) => return Checked::Rubbish,
            Ok(_) | Err(_) => {}
        }
    }
    verdict
}

fn receive_evidence(core: &Core, data: &[u8]) -> Checked {
    let Ok(list) = EvidenceList::decode(data) else { return Checked::Rubbish };
    if list.evidence.is_empty() || list.evidence.len() > EVIDENCE_BATCH || list.encoded_len() != data.len() {
        return Checked::Rubbish;
    }
    let state = core.state();
    let mut verdict = Checked::Useless;
    for evidence in &list.evidence {
        match core.evidence.add(&state, evidence) {
            Ok(_) => verdict = Checked::Good,
            Err(error) if error.is_forgery() => return Checked::Rubbish,
            // A node further ahead or behind may have sent it.
            Err(error) => tracing::debug!(%error, "evidence of a peer is not taken"),
        }
    }
    verdict
}

pub fn encode_txs(txs: Vec<Bytes>) -> Vec<u8> {
    Batch { txs }.encode_to_vec()
}

/// Messages with all of the evidence.
pub fn encode_evidence(evidence: &[Evidence]) -> impl Iterator<Item = Vec<u8>> {
    evidence.chunks(EVIDENCE_BATCH).map(|chunk| EvidenceList { evidence: chunk.to_vec() }.encode_to_vec())
}
