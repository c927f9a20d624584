//! Blocks cut into parts of 65 536 bytes, each with a proof to the hash in the block id.

use prost::Message;
use ve_proto::tendermint::types::{Block, BlockId, Part, PartSetHeader};

use super::{hash, merkle};

pub const PART_BYTES: usize = 65_536;
/// Largest block in bytes, as in CometBFT.
pub const MAX_BLOCK_BYTES: usize = 104_857_600;
pub const MAX_PARTS: u32 = (MAX_BLOCK_BYTES / PART_BYTES) as u32 + 1;

/// The id of a block whose encoding is `bytes`.
pub fn block_id(block: &Block, bytes: &[u8]) -> Option<BlockId> {
    let header = hash::header(block.header.as_ref()?)?;
    Some(BlockId { hash: header.to_vec(), part_set_header: Some(part_set_header(bytes)) })
}

fn part_set_header(bytes: &[u8]) -> PartSetHeader {
    let chunks: Vec<&[u8]> = bytes.chunks(PART_BYTES).collect();
    PartSetHeader { total: chunks.len() as u32, hash: merkle::root(&chunks).to_vec() }
}

pub fn split(bytes: &[u8]) -> Vec<Part> {
    let chunks: Vec<&[u8]> = bytes.chunks(PART_BYTES).collect();
    let (_, proofs) = merkle::proofs(&chunks);
    chunks
        .into_iter()
        .zip(proofs)
        .enumerate()
        .map(|(index, (chunk, proof))| Part { index: index as u32, bytes: chunk.to_vec(), proof: Some(proof) })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    #[error("part {0} is outside the set of {1}")]
    Index(u32, u32),
    #[error("part {0} has {1} bytes")]
    Size(u32, usize),
    #[error("the proof of part {0} does not lead to the block id")]
    Proof(u32),
    #[error("a set of {0} parts is larger than any block")]
    Total(u32),
}

/// Collects the parts of one block. Holds at most the bytes that the header announces.
#[derive(Clone, Debug)]
pub struct PartSet {
    header: PartSetHeader,
    parts: Vec<Option<Vec<u8>>>,
    missing: usize,
}

impl PartSet {
    pub fn new(header: PartSetHeader, max_block_bytes: usize) -> Result<Self, PartError> {
        let most = max_block_bytes.div_ceil(PART_BYTES).min(MAX_PARTS as usize);
        let total = header.total as usize;
        if total == 0 || total > most {
            return Err(PartError::Total(header.total));
        }
        Ok(Self { parts: vec![None; total], missing: total, header })
    }

    /// Adds a part after checking its place and proof; `false` when it was there already.
    pub fn add(&mut self, part: &Part) -> Result<bool, PartError> {
        let total = self.header.total;
        if part.index >= total {
            return Err(PartError::Index(part.index, total));
        }
        let last = part.index + 1 == total;
        let sized = if last { (1..=PART_BYTES).contains(&part.bytes.len()) } else { part.bytes.len() == PART_BYTES };
        if !sized {
            return Err(PartError::Size(part.index, part.bytes.len()));
        }
        let proof = part.proof.as_ref().ok_or(PartError::Proof(part.index))?;
        if merkle::root_from_proof(proof, part.index, total, &part.bytes).as_ref().map(<[u8; 32]>::as_slice)
            != Some(self.header.hash.as_slice())
        {
            return Err(PartError::Proof(part.index));
        }
        let slot = &mut self.parts[part.index as usize];
        if slot.is_some() {
            return Ok(false);
        }
        *slot = Some(part.bytes.clone());
        self.missing -= 1;
        Ok(true)
    }

    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// The block's encoding once every part is there.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        self.parts.into_iter().collect::<Option<Vec<_>>>().map(|parts| parts.concat())
    }
}

/// Decodes a block and accepts only the encoding that its sender must have used: an id names one sequence of bytes.
pub fn decode_block(bytes: &[u8]) -> Option<Block> {
    let block = Block::decode(bytes).ok()?;
    (block.encode_to_vec() == bytes).then_some(block)
}
