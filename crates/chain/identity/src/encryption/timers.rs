//! What happens to keys by time: warnings, expiry, purge of revoked ones. Bounded per block.

use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{KeyState, PurgedKey, RecipientKey};
use ve_sdk::Context;

use super::event;
use super::keys::{DUE, KEYS, PURGED, is_live};

/// Seconds before the expiry at which an owner is warned.
const WARNINGS: [u64; 2] = [7 * 86_400, 86_400];
/// A revoked key's record stays this long, so that everybody learns of the revocation.
pub const PURGE_AFTER: u64 = 7 * 86_400;
const MAX_PER_BLOCK: usize = 100;

/// The time of the next step of a key; `None` when nothing more happens to it.
pub fn next(key: &RecipientKey) -> Option<u64> {
    match key.state() {
        KeyState::Active | KeyState::Deprecated => {
            let warned = usize::try_from(key.warnings).unwrap_or(usize::MAX);
            let before = WARNINGS.get(warned).copied().unwrap_or(0);
            Some(key.expires_at.saturating_sub(before))
        }
        KeyState::Revoked => Some(key.purge_at),
        KeyState::Expired | KeyState::Unspecified => None,
    }
}

pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in DUE.scan().through(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for id in due {
        let mut key = KEYS.require(ctx, &id)?;
        if key.state() == KeyState::Revoked {
            KEYS.remove(ctx, &id)?;
            let purged = PurgedKey { owner: key.owner, fingerprint: key.fingerprint.clone(), version: key.version };
            PURGED.set(ctx, &key.fingerprint, &purged)?;
        } else if is_live(&key) && key.expires_at <= now {
            key.set_state(KeyState::Expired);
            KEYS.set(ctx, &id, &key)?;
            event::key(ctx, "key_expired", &key);
        } else {
            key.warnings = key.warnings.saturating_add(1);
            KEYS.set(ctx, &id, &key)?;
            event::key(ctx, "key_expiry_warning", &key);
        }
    }
    Ok(())
}
