//! `MsgRevokeProviderKey`: the key signs nothing from now on.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{KeyState, MsgRevokeProviderKey, MsgRevokeProviderKeyResponse};
use ve_sdk::{Context, Event};

use crate::provider::keys::KEYS;
use crate::provider::{Error, registry};
use crate::text::shown;

pub fn check(msg: &MsgRevokeProviderKey) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeProviderKey) -> Result<MsgRevokeProviderKeyResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    let id = msg.key_id.as_str();
    let key = KEYS.get(ctx, (&owner, id))?.filter(|key| key.state() != KeyState::Revoked);
    let mut key = key.ok_or_else(|| Error::KeyNotFound(shown(id)))?;
    key.set_state(KeyState::Revoked);
    key.verifies_until = 0;
    KEYS.set(ctx, (&owner, id), &key)?;
    ctx.emit(Event::new("provider_key_revoked").with("owner", &owner).with("key_id", id));
    registry::reconsider(ctx, &mut provider)?;
    registry::save(ctx, &mut provider, "provider_updated")?;
    Ok(MsgRevokeProviderKeyResponse {})
}
