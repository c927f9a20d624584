//! `MsgRevokeKey`: for a key that is lost or stolen. Final.

use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{KeyState, MsgRevokeKey, MsgRevokeKeyResponse};
use ve_sdk::Context;

use crate::encryption::error::Error;
use crate::encryption::keys::KEYS;
use crate::encryption::registry::{self, id_of};
use crate::encryption::{event, timers};

pub fn check(msg: &MsgRevokeKey) -> Result<(), CodedError> {
    registry::address(&msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeKey) -> Result<MsgRevokeKeyResponse, CodedError> {
    let mut key = registry::owned(ctx, &msg.key_id, &msg.owner)?;
    if key.state() == KeyState::Revoked {
        return Err(Error::State(id_of(&key), "revoked").into());
    }
    let now = ctx.time().unix();
    key.set_state(KeyState::Revoked);
    key.revoked_at = now;
    key.purge_at = now.saturating_add(timers::PURGE_AFTER);
    KEYS.set(ctx, &(registry::address(&key.owner)?, key.version), &key)?;
    event::logged(ctx, "key_revoked", &key)?;
    Ok(MsgRevokeKeyResponse {})
}
