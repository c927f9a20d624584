//! `MsgRevokeClient`: final, at once. After a compromise the evidence that came through the client counts no longer.

use ve_base::CodedError;
use ve_proto::ve::veid::v1::{ClientState, MsgRevokeClient, MsgRevokeClientResponse};
use ve_sdk::{Context, require_authority};

use crate::veid::error::Error;
use crate::veid::keys::{CLIENTS, SWEEPS};
use crate::veid::{clients, event, timers};

const MAX_REASON: usize = 200;

pub fn check(msg: &MsgRevokeClient) -> Result<(), CodedError> {
    if msg.reason.is_empty() || msg.reason.chars().count() > MAX_REASON || msg.reason.chars().any(char::is_control) {
        return Err(Error::Input("give a reason of at most 200 printable characters".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeClient) -> Result<MsgRevokeClientResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut client = clients::require(ctx, &msg.client_id)?;
    if client.state() == ClientState::Revoked {
        return Err(Error::Transition(client.state().as_str_name(), "be revoked").into());
    }
    client.set_state(ClientState::Revoked);
    client.revoked_at = ctx.time().unix();
    client.reason.clone_from(&msg.reason);
    client.compromised_since = msg.compromised_since;
    CLIENTS.set(ctx, &msg.client_id, &client)?;
    if msg.compromised_since > 0 {
        SWEEPS.set(ctx, &msg.client_id, &timers::START.to_vec())?;
    }
    event::client(ctx, "client_revoked", &client);
    Ok(MsgRevokeClientResponse {})
}
