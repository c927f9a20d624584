//! Answers to nodes that start from a snapshot, from what this node has on disk.

use std::collections::BTreeSet;

use prost::Message as _;
use ve_proto::tendermint::types::{LightBlock, SignedHeader};

use super::wire::{Answer, Ask, AskChunk, History, Request, SnapshotList, Told};
use crate::comet::commit;
use crate::core::{Core, Halt};

/// Snapshots that are told of.
const MAX_SNAPSHOTS: usize = 4;
/// Headers of one answer.
const MAX_HEADERS: usize = 200;
/// Bytes of blocks that are read for one answer, and of the answer.
const MAX_READ: usize = 32 << 20;
const MAX_LIST: usize = 4 << 20;

/// Reads the disk: run it where that may take time.
pub fn answer(core: &Core, request: &Request) -> Answer {
    let told = match &request.ask {
        None => Ok(None),
        Some(Ask::Snapshots(_)) => snapshots(core),
        Some(Ask::Chunk(asked)) => chunk(core, *asked),
        Some(Ask::Light(height)) => light(core, *height),
        Some(Ask::Validators(height)) => {
            core.store.validators(*height).map(|set| set.map(Told::Validators)).map_err(Halt::from)
        }
        Some(Ask::History(from)) => history(core, *from),
    };
    match told {
        Ok(told) => told.unwrap_or(Told::Nothing(true)).into(),
        Err(error) => {
            tracing::warn!(%error, "cannot answer a node that syncs");
            Told::Nothing(true).into()
        }
    }
}

fn fatal(error: impl ToString) -> Halt {
    Halt::Broken(error.to_string())
}

fn snapshots(core: &Core) -> Result<Option<Told>, Halt> {
    let last = core.last_height();
    let mut list = SnapshotList::default();
    // What proves a snapshot stands in the header after it.
    let provable = core.app.list_snapshots().map_err(fatal)?.into_iter().filter(|snapshot| snapshot.height < last);
    for snapshot in provable.take(MAX_SNAPSHOTS) {
        list.snapshots.push(snapshot.into());
        if list.encoded_len() > MAX_LIST {
            list.snapshots.pop();
        }
    }
    Ok(Some(Told::Snapshots(list)))
}

fn chunk(core: &Core, asked: AskChunk) -> Result<Option<Told>, Halt> {
    let AskChunk { height, format, index } = asked;
    Ok(core.app.load_snapshot_chunk(height, format, index).map_err(fatal)?.map(Told::Chunk))
}

fn light(core: &Core, height: u64) -> Result<Option<Told>, Halt> {
    if height > core.last_height() {
        return Ok(None);
    }
    let (Some(stored), Some(seen), Some(set)) =
        (core.store.block(height)?, core.store.commit(height)?, core.store.validators(height)?)
    else {
        return Ok(None);
    };
    let signed_header = SignedHeader { header: stored.block.header, commit: Some(commit::plain(&seen)) };
    let block = LightBlock { signed_header: Some(signed_header), validator_set: Some(set) };
    Ok(Some(Told::Light(Box::new(block))))
}

fn history(core: &Core, from: u64) -> Result<Option<Told>, Halt> {
    let mut history = History::default();
    let mut named = BTreeSet::new();
    let mut read = 0usize;
    let mut height = from.min(core.last_height());
    while height >= core.store.earliest()?.max(1) && history.headers.len() < MAX_HEADERS {
        let (Some(stored), Some(set)) = (core.store.block(height)?, core.store.validators(height)?) else { break };
        let Some(header) = stored.block.header else { break };
        read = read.saturating_add(usize::try_from(stored.size).unwrap_or(usize::MAX));
        if named.insert(header.validators_hash.clone()) {
            history.sets.push(set);
        }
        history.headers.push(header);
        height -= 1;
        if read > MAX_READ || history.encoded_len() > MAX_LIST {
            break;
        }
    }
    Ok((!history.headers.is_empty()).then_some(Told::History(history)))
}
