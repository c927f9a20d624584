//! Every key of the index. Strings are length-prefixed, so no value can reach into another key's range; heights are
//! big-endian, so a range of keys is a range of heights.

use super::{IndexError, TxPlace};

/// Longer attribute keys and values are stored with the block but cannot be searched.
pub const MAX_KEY_BYTES: usize = 256;
pub const MAX_VALUE_BYTES: usize = 1_024;

pub const HEIGHT: &[u8] = b"h";
const TX_AT: u8 = b'x';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Tx,
    Block,
}

impl Subject {
    fn tag(self) -> u8 {
        match self {
            Self::Tx => b't',
            Self::Block => b'b',
        }
    }
}

/// One occurrence of an attribute: which transaction (or block) and which of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    pub place: TxPlace,
    pub sequence: u32,
}

/// A place within a block: transaction and event.
const SPOT_BYTES: usize = 8;

pub fn tx_at(place: TxPlace) -> Vec<u8> {
    let mut key = vec![TX_AT];
    key.extend(place.height.to_be_bytes());
    key.extend(place.index.to_be_bytes());
    key
}

pub fn parse_tx_at(key: &[u8]) -> Result<TxPlace, IndexError> {
    let rest = key.strip_prefix(&[TX_AT]).ok_or(IndexError::Damaged("transaction key"))?;
    parse_place_prefix(rest).map(|(place, _)| place)
}

pub fn place(place: TxPlace, code: u32) -> Vec<u8> {
    let mut value = place.height.to_be_bytes().to_vec();
    value.extend(place.index.to_be_bytes());
    value.extend(code.to_be_bytes());
    value
}

pub fn parse_place(value: &[u8]) -> Result<(TxPlace, u32), IndexError> {
    let (place, rest) = parse_place_prefix(value)?;
    let code = rest.try_into().map_err(|_| IndexError::Damaged("transaction place"))?;
    Ok((place, u32::from_be_bytes(code)))
}

pub fn height(value: &[u8]) -> Result<u64, IndexError> {
    Ok(u64::from_be_bytes(value.try_into().map_err(|_| IndexError::Damaged("height"))?))
}

fn parse_place_prefix(bytes: &[u8]) -> Result<(TxPlace, &[u8]), IndexError> {
    let damaged = || IndexError::Damaged("place");
    let (height_bytes, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (index, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    Ok((TxPlace { height: u64::from_be_bytes(*height_bytes), index: u32::from_be_bytes(*index) }, rest))
}

/// Prefix of all values of a key.
pub fn of_key(subject: Subject, key: &str) -> Option<Vec<u8>> {
    if key.len() > MAX_KEY_BYTES {
        return None;
    }
    let mut bytes = vec![subject.tag()];
    bytes.extend((key.len() as u16).to_be_bytes());
    bytes.extend(key.as_bytes());
    Some(bytes)
}

/// Prefix of all places where a key has a value.
pub fn of_value(subject: Subject, key: &str, value: &str) -> Option<Vec<u8>> {
    if value.len() > MAX_VALUE_BYTES {
        return None;
    }
    let mut bytes = of_key(subject, key)?;
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend(value.as_bytes());
    Some(bytes)
}

/// Where an attribute's value of one block is kept; `None` when it is too long to be searched.
pub fn event(subject: Subject, kind: &str, attribute: &str, value: &str, height: u64) -> Option<Vec<u8>> {
    let key = kind.len() + 1 + attribute.len();
    if key > MAX_KEY_BYTES || value.len() > MAX_VALUE_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(5 + key + value.len() + 8);
    bytes.push(subject.tag());
    bytes.extend((key as u16).to_be_bytes());
    bytes.extend(kind.as_bytes());
    bytes.push(b'.');
    bytes.extend(attribute.as_bytes());
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend(value.as_bytes());
    bytes.extend(height.to_be_bytes());
    Some(bytes)
}

/// One transaction and event within the block of [`event`]'s key; a key's spots stand one after the other.
pub fn spot(index: u32, sequence: u32) -> [u8; SPOT_BYTES] {
    let mut bytes = [0; SPOT_BYTES];
    let (first, second) = bytes.split_at_mut(4);
    first.copy_from_slice(&index.to_be_bytes());
    second.copy_from_slice(&sequence.to_be_bytes());
    bytes
}

/// Splits what follows [`of_key`] into value and height.
pub fn parse_event(rest: &[u8]) -> Result<(&str, u64), IndexError> {
    let damaged = || IndexError::Damaged("event key");
    let (len, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
    let (value, at) = rest.split_at_checked(u16::from_be_bytes(*len) as usize).ok_or_else(damaged)?;
    Ok((std::str::from_utf8(value).map_err(|_| damaged())?, height(at)?))
}

/// The places in a block that stand under one key.
pub fn parse_spots(height: u64, spots: &[u8]) -> Result<impl Iterator<Item = Posting>, IndexError> {
    let (spots, rest) = spots.as_chunks::<SPOT_BYTES>();
    if !rest.is_empty() {
        return Err(IndexError::Damaged("event places"));
    }
    Ok(spots.iter().map(move |spot| {
        let half = |at: usize| u32::from_be_bytes([spot[at], spot[at + 1], spot[at + 2], spot[at + 3]]);
        Posting { place: TxPlace { height, index: half(0) }, sequence: half(4) }
    }))
}
