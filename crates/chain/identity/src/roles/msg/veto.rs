//! `MsgVetoAction`: a genesis account or an administrator ends an open action, never one about itself.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::{MsgVetoAction, MsgVetoActionResponse, Role};
use ve_sdk::Context;

use crate::roles::error::Error;
use crate::roles::{actions, table};

pub fn check(msg: &MsgVetoAction) -> Result<(), CodedError> {
    parse_account("signer", &msg.signer).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgVetoAction) -> Result<MsgVetoActionResponse, CodedError> {
    let signer = parse_account("signer", &msg.signer)?;
    let mut action = actions::require_open(ctx, msg.action_id)?;
    actions::refuse_self(&action, &[&msg.signer])?;
    if !table::has(ctx, &signer, Role::GenesisAccount)? && !table::has(ctx, &signer, Role::Administrator)? {
        return Err(Error::Unauthorized(msg.signer.clone(), "genesis accounts and administrators veto").into());
    }
    actions::veto(ctx, &mut action, &msg.signer)?;
    Ok(MsgVetoActionResponse {})
}
