//! Bodies go after their retention, oldest first; a bounded number per block.

use ve_base::CodedError;
use ve_sdk::Context;

use super::keys::ENTRIES;
use super::params;

const MAX_PER_BLOCK: usize = 100;

pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let Some((_, oldest)) = ENTRIES.scan().first(ctx)? else { return Ok(()) };
    let before = ctx.time().unix().saturating_sub(params::load(ctx)?.retention_seconds);
    if oldest.time >= before {
        return Ok(());
    }
    for (seq, entry) in ENTRIES.scan().take(ctx, MAX_PER_BLOCK)? {
        // Times never fall from one entry to the next.
        if entry.time >= before {
            break;
        }
        ENTRIES.remove(ctx, &seq)?;
    }
    Ok(())
}
