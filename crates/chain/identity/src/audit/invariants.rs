//! What the log must look like after every block.

use ve_base::audit;
use ve_base::audit::merkle;
use ve_proto::ve::audit::v1::Entry;
use ve_sdk::QueryContext;

use super::keys::{ENTRIES, NODES, ROOTS, SIZE};
use super::tree;

/// Entries that are compared with what is kept of them, the last ones: the check runs after every block.
const COMPARED: usize = 500;

pub fn log(ctx: &QueryContext<'_>) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let size = SIZE.get_or_default(ctx).map_err(|error| text(&error))?;
    if NODES.has(ctx, (&0, &size)).map_err(|error| text(&error))? {
        return Err(format!("there is a hash beyond the {size} entries"));
    }
    let mut newer: Option<Entry> = None;
    for entry in ENTRIES.scan().reverse().entries(ctx).take(COMPARED) {
        let (seq, entry) = entry.map_err(|error| text(&error))?;
        let hash = audit::check(&entry).map_err(|error| text(&error))?;
        if seq != entry.seq || tree::entry_hash(ctx, seq).map_err(|error| text(&error))? != hash {
            return Err(format!("entry {seq} is not what its hash was taken of"));
        }
        match &newer {
            None if seq.checked_add(1) != Some(size) => return Err(format!("entry {seq} is not the last of {size}")),
            Some(newer) => audit::check_next(&entry, newer).map(|_| ()).map_err(|error| text(&error))?,
            None => {}
        }
        newer = Some(entry);
    }
    for root in ROOTS.scan().reverse().entries(ctx).take(2) {
        let (of, root) = root.map_err(|error| text(&error))?;
        let expected = merkle::root(&tree::Stored(ctx), of).map_err(|error| text(&error))?;
        if of > size || of != root.size || root.hash != expected {
            return Err(format!("the root of {of} entries is wrong"));
        }
    }
    Ok(())
}
