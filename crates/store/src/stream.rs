//! A whole version as one stream of bytes, the same on every node: each entry in order of keys as
//! `key length (u16) ‖ value length (u32) ‖ key ‖ value`, big endian, cut into chunks of one size.

use sha2::{Digest, Sha256};

use crate::kv::{Entry, KvError, MAX_KEY_LEN, MAX_VALUE_LEN};

/// Bytes of every chunk but the last, which may be shorter.
pub const CHUNK_BYTES: usize = 8 << 20;
/// Most chunks of a snapshot: half a terabyte.
pub const MAX_CHUNKS: usize = 1 << 16;
/// The number of this layout, for peers of other releases.
pub const FORMAT: u32 = 1;

const FRAME_HEAD: usize = 6;

pub(crate) fn write_frame(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    // The store holds no longer ones.
    out.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

/// Takes the stream in pieces and gives its entries. Holds one entry and one piece at most.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    pending: Vec<u8>,
    /// Bytes of `pending` that were given out already.
    taken: usize,
    last_key: Vec<u8>,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.drain(..self.taken);
        self.taken = 0;
        self.pending.extend_from_slice(bytes);
    }

    /// Whether no part of an entry waits for more bytes.
    pub fn is_empty(&self) -> bool {
        self.pending.len() == self.taken
    }

    fn frame(&mut self) -> Result<Option<Entry>, KvError> {
        let rest = self.pending.get(self.taken..).unwrap_or_default();
        let Some((head, body)) = rest.split_first_chunk::<FRAME_HEAD>() else { return Ok(None) };
        let [k0, k1, v0, v1, v2, v3] = *head;
        let key_len = usize::from(u16::from_be_bytes([k0, k1]));
        let value_len = usize::try_from(u32::from_be_bytes([v0, v1, v2, v3])).unwrap_or(usize::MAX);
        if !(1..=MAX_KEY_LEN).contains(&key_len) || !(1..=MAX_VALUE_LEN).contains(&value_len) {
            return Err(KvError::corrupt(&[], "an entry of the snapshot has an impossible length"));
        }
        let Some((key, body)) = body.split_at_checked(key_len) else { return Ok(None) };
        let Some(value) = body.get(..value_len) else { return Ok(None) };
        if key <= self.last_key.as_slice() {
            return Err(KvError::corrupt(key, "the keys of the snapshot are out of order"));
        }
        let entry = (key.to_vec(), value.to_vec());
        self.last_key.clone_from(&entry.0);
        self.taken = self.taken.saturating_add(FRAME_HEAD).saturating_add(key_len).saturating_add(value_len);
        Ok(Some(entry))
    }
}

impl Iterator for Frames {
    type Item = Result<Entry, KvError>;

    /// `None` until more bytes come.
    fn next(&mut self) -> Option<Self::Item> {
        self.frame().transpose()
    }
}

/// What a snapshot consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub version: u64,
    /// SHA-256 of each chunk.
    pub chunks: Vec<[u8; 32]>,
}

impl Manifest {
    /// Names the snapshot: SHA-256 over format, version and the chunks' hashes.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(FORMAT.to_be_bytes());
        hasher.update(self.version.to_be_bytes());
        self.chunks.iter().for_each(|chunk| hasher.update(chunk));
        hasher.finalize().into()
    }

    /// The chunks' hashes one after another.
    pub fn metadata(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// From [`Manifest::metadata`]; `None` when it is no list of 1 to [`MAX_CHUNKS`] hashes.
    pub fn parse(version: u64, metadata: &[u8]) -> Option<Self> {
        let (chunks, rest) = metadata.as_chunks::<32>();
        let fits = rest.is_empty() && !chunks.is_empty() && chunks.len() <= MAX_CHUNKS;
        fits.then(|| Self { version, chunks: chunks.to_vec() })
    }
}
