//! `MsgRotateKey`: a new key; the old one opens what it has until it expires, and receives nothing new.

use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{KeyState, MsgRotateKey, MsgRotateKeyResponse};
use ve_sdk::Context;

use crate::encryption::error::Error;
use crate::encryption::event;
use crate::encryption::keys::KEYS;
use crate::encryption::registry::{self, Offered, id_of};

fn offered(msg: &MsgRotateKey) -> Offered<'_> {
    Offered {
        owner: &msg.owner,
        suite: msg.suite,
        public_key: &msg.public_key,
        proof: &msg.proof_of_possession,
        label: &msg.label,
    }
}

pub fn check(msg: &MsgRotateKey) -> Result<(), CodedError> {
    offered(msg).check().map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRotateKey) -> Result<MsgRotateKeyResponse, CodedError> {
    let mut old = registry::owned(ctx, &msg.old_key_id, &msg.owner)?;
    if old.state() != KeyState::Active {
        return Err(Error::KeyNotActive(id_of(&old)).into());
    }
    old.set_state(KeyState::Deprecated);
    old.deprecated_at = ctx.time().unix();
    KEYS.set(ctx, &(registry::address(&old.owner)?, old.version), &old)?;
    let key = offered(msg).register(ctx)?;
    event::logged(ctx, "key_rotated", &old)?;
    event::logged(ctx, "key_registered", &key)?;
    Ok(MsgRotateKeyResponse { key_id: id_of(&key) })
}
