//! Transactions without a sequence: many of one account at once, in any order. Each names a time after which it is void;
//! until then the chain remembers its hash, so that it runs once. How many are remembered is bounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_base::tx::Tx;
use ve_base::{BlockTime, CodedError, errors::sdk::Error};
use ve_sdk::{Context, Mode, QueryContext};

use super::keys::{UNORDERED, UNORDERED_COUNT};

/// The farthest time-out, in seconds from the block.
pub const MAX_SECONDS: u64 = 600;
/// Hashes remembered at the same time.
pub const MAX_REMEMBERED: u64 = 100_000;
/// Hashes forgotten in one block. More than a block can bring, so that the number falls in the end.
const MAX_FORGOTTEN_PER_BLOCK: usize = 6_000;

fn invalid(cause: &str) -> CodedError {
    Error::InvalidRequest(format!("unordered transaction: {cause}")).into()
}

/// What the signers signed. Not the hash of the transaction: a signature has many valid forms when a key signs again.
fn digest(tx: &Tx) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [&tx.body_bytes, &tx.auth_info_bytes] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Refuses a time-out that is missing or too far, and sequences.
pub fn check(ctx: &Context<'_>, tx: &Tx) -> Result<BlockTime, CodedError> {
    let timeout = tx.body.timeout_timestamp.as_ref().and_then(BlockTime::from_proto);
    let timeout = timeout.ok_or_else(|| invalid("it must have a timeout_timestamp"))?;
    if timeout > ctx.time().plus_seconds(MAX_SECONDS) {
        return Err(invalid(&format!("timeout_timestamp must be at most {MAX_SECONDS} s ahead")));
    }
    if tx.auth_info.signer_infos.iter().any(|info| info.sequence != 0) {
        return Err(invalid("its signers give the sequence 0"));
    }
    Ok(timeout)
}

/// Remembers the transaction; refuses one that is remembered already.
pub fn record(ctx: &mut Context<'_>, tx: &Tx) -> Result<(), CodedError> {
    let key = (check(ctx, tx)?, digest(tx));
    if UNORDERED.has(ctx, &key)? {
        // The mempool asks again about what it recorded itself.
        if ctx.mode() == Mode::Recheck {
            return Ok(());
        }
        return Err(invalid("it was executed already"));
    }
    let count = UNORDERED_COUNT.get(ctx)?.unwrap_or(0);
    if count >= MAX_REMEMBERED {
        return Err(Error::MempoolIsFull(format!(
            "{MAX_REMEMBERED} unordered transactions are remembered; send this one in a minute, or with a sequence"
        ))
        .into());
    }
    UNORDERED_COUNT.set(ctx, &count.saturating_add(1))?;
    Ok(UNORDERED.set(ctx, &key, &())?)
}

/// Forgets what is void by now.
pub fn forget(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    let void = UNORDERED.scan().before(&now).take(ctx, MAX_FORGOTTEN_PER_BLOCK)?;
    if void.is_empty() {
        return Ok(());
    }
    let left = UNORDERED_COUNT.get(ctx)?.unwrap_or(0).saturating_sub(void.len() as u64);
    UNORDERED_COUNT.set(ctx, &left)?;
    for (key, ()) in void {
        UNORDERED.remove(ctx, &key)?;
    }
    Ok(())
}

/// In genesis: `[{seconds, nanos, hash}]`, the hash in base64.
const LIST: &str = "unordered";

/// Takes over the list of an export; the genesis without it if it had one.
pub fn take_genesis(ctx: &mut Context<'_>, genesis: &Value) -> Result<Option<Value>, CodedError> {
    let Some(list) = genesis.get(LIST) else { return Ok(None) };
    let malformed = || invalid("the list in genesis is malformed");
    let mut count = 0u64;
    for entry in list.as_array().ok_or_else(malformed)? {
        let field = |name: &str| entry.get(name).and_then(Value::as_str).ok_or_else(malformed);
        let time = BlockTime {
            seconds: field("seconds")?.parse().map_err(|_| malformed())?,
            nanos: field("nanos")?.parse().map_err(|_| malformed())?,
        };
        let hash = STANDARD.decode(field("hash")?).ok().and_then(|bytes| bytes.try_into().ok());
        UNORDERED.set(ctx, &(time, hash.ok_or_else(malformed)?), &())?;
        count = count.saturating_add(1);
    }
    UNORDERED_COUNT.set(ctx, &count)?;
    let mut rest = genesis.clone();
    rest.as_object_mut().ok_or_else(malformed)?.remove(LIST);
    Ok(Some(rest))
}

pub fn export(ctx: &QueryContext<'_>, genesis: &mut Value) -> Result<(), CodedError> {
    let mut list = Vec::new();
    for entry in UNORDERED.iter(ctx) {
        let ((time, hash), ()) = entry?;
        let (seconds, nanos) = (time.seconds.to_string(), time.nanos.to_string());
        list.push(json!({"seconds": seconds, "nanos": nanos, "hash": STANDARD.encode(hash)}));
    }
    if !list.is_empty() {
        genesis[LIST] = list.into();
    }
    Ok(())
}

pub fn check_count(ctx: &QueryContext<'_>) -> Result<(), String> {
    let counted = UNORDERED_COUNT.get(ctx).map_err(|error| error.to_string())?.unwrap_or(0);
    let stored = UNORDERED.iter(ctx).count() as u64;
    if counted == stored { Ok(()) } else { Err(format!("{stored} unordered transactions, counted {counted}")) }
}
