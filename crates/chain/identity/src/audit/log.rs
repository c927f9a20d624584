//! Writing to the log.

use ve_base::CodedError;
use ve_base::audit::{self, ROOT_INTERVAL, merkle};
use ve_base::preimage::preimage;
use ve_proto::ve::audit::v1::{Entry, Outcome, Root};
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::{ENTRIES, ROOTS, SIZE};
use super::tree;

/// Longest text of an entry.
const MAX_TEXT: usize = 256;

/// What somebody did, as its module reports it. Nothing personal stands in it: what must stay private is named by its
/// hash in `metadata`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Act<'a> {
    /// Address of the account that acted, or the name of the module when time or a rule did.
    pub actor: &'a str,
    pub module: &'static str,
    pub action: &'static str,
    /// What was acted on.
    pub resource_id: &'a str,
    pub outcome: Outcome,
    /// Fields that the metadata hash covers, in the order of the module.
    pub metadata: &'a [&'a [u8]],
    /// Where more is kept; may be empty.
    pub details_ref: &'a str,
}

/// Appends an entry and returns its number. Work: the entry, and as many nodes as subtrees end with it (two on average).
pub fn record(ctx: &mut Context<'_>, act: &Act<'_>) -> Result<u64, CodedError> {
    let texts = [act.actor, act.module, act.action, act.resource_id];
    let fits = |text: &str| text.len() <= MAX_TEXT && !text.contains(char::is_control);
    if texts.iter().any(|text| text.is_empty() || !fits(text)) || !fits(act.details_ref) {
        return Err(Error::Act.into());
    }
    let seq = SIZE.get_or_default(ctx)?;
    let previous = match seq.checked_sub(1) {
        None => audit::FIRST,
        Some(last) => tree::entry_hash(ctx, last)?,
    };
    let metadata_hash = match act.metadata {
        [] => Vec::new(),
        fields => preimage("audit", ctx.chain_id(), fields).to_vec(),
    };
    let mut entry = Entry {
        seq,
        height: ctx.height(),
        time: ctx.time().unix(),
        actor: act.actor.to_owned(),
        module: act.module.to_owned(),
        action: act.action.to_owned(),
        resource_id: act.resource_id.to_owned(),
        outcome: act.outcome.into(),
        metadata_hash,
        details_ref: act.details_ref.to_owned(),
        prev_hash: previous.to_vec(),
        hash: Vec::new(),
    };
    let hash = audit::entry_hash(&previous, &entry);
    entry.hash = hash.to_vec();
    ENTRIES.set(ctx, &seq, &entry)?;
    tree::append(ctx, seq, &hash)?;
    let size = seq.saturating_add(1);
    SIZE.set(ctx, &size)?;
    if size.is_multiple_of(ROOT_INTERVAL) {
        keep_root(ctx, size)?;
    }
    Ok(seq)
}

fn keep_root(ctx: &mut Context<'_>, size: u64) -> Result<(), CodedError> {
    let hash = merkle::root(&tree::Stored(&*ctx), size)?;
    let root = Root { size, hash: hash.to_vec(), height: ctx.height(), time: ctx.time().unix() };
    ROOTS.set(ctx, &size, &root)?;
    ctx.emit(Event::new("audit_root").with("size", size).with("root", hex(&hash)));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
