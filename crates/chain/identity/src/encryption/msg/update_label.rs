//! `MsgUpdateLabel`: what the owner calls the key.

use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{MsgUpdateLabel, MsgUpdateLabelResponse};
use ve_sdk::Context;

use crate::encryption::event;
use crate::encryption::keys::KEYS;
use crate::encryption::registry;

pub fn check(msg: &MsgUpdateLabel) -> Result<(), CodedError> {
    registry::address(&msg.owner)?;
    Ok(registry::check_label(&msg.label)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateLabel) -> Result<MsgUpdateLabelResponse, CodedError> {
    let mut key = registry::owned(ctx, &msg.key_id, &msg.owner)?;
    key.label.clone_from(&msg.label);
    KEYS.set(ctx, &(registry::address(&key.owner)?, key.version), &key)?;
    event::key(ctx, "key_labelled", &key);
    Ok(MsgUpdateLabelResponse {})
}
