//! Block-scoped state: keys that roll back with their transaction like any other, exist only until the end of the block
//! and never enter the tree. Quota counters live here, so that a mempool check cannot influence a block.

use ve_store::{KvError, Read, Write};

/// No typed key starts with this: module names are not empty.
const PREFIX: u8 = 0;

fn key(module: &str, name: &[u8]) -> Vec<u8> {
    let mut key = vec![PREFIX];
    key.extend_from_slice(&(module.len() as u64).to_be_bytes());
    key.extend_from_slice(module.as_bytes());
    key.extend_from_slice(name);
    key
}

pub fn is_transient(key: &[u8]) -> bool {
    key.first() == Some(&PREFIX)
}

/// Adds `amount` to the sum under (`module`, `name`) in this block.
pub fn add(state: &mut dyn Write, module: &str, name: &[u8], amount: u64) -> Result<(), KvError> {
    let key = key(module, name);
    let sum = read(state.get(&key)?).saturating_add(amount);
    state.set(&key, sum.to_be_bytes().to_vec())
}

/// Replaces the number under (`module`, `name`) in this block.
pub fn put(state: &mut dyn Write, module: &str, name: &[u8], value: u64) -> Result<(), KvError> {
    state.set(&key(module, name), value.to_be_bytes().to_vec())
}

/// The sum or the count under (`module`, `name`) in this block.
pub fn get<R: Read + ?Sized>(state: &R, module: &str, name: &[u8]) -> Result<u64, KvError> {
    Ok(read(state.get(&key(module, name))?))
}

/// Counts one more under (`module`, `name`) in this block and returns the new count.
pub fn count(state: &mut dyn Write, module: &str, name: &[u8]) -> Result<u64, KvError> {
    let key = key(module, name);
    let count = read(state.get(&key)?).saturating_add(1);
    state.set(&key, count.to_be_bytes().to_vec())?;
    Ok(count)
}

fn read(value: Option<Vec<u8>>) -> u64 {
    value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}
