//! `MsgUpdateClient`: another name, key or lowest version, or the end of new installations.

use ve_base::{CodedError, capture};
use ve_proto::ve::veid::v1::{ClientState, MsgUpdateClient, MsgUpdateClientResponse};
use ve_sdk::{Context, require_authority};

use crate::veid::error::Error;
use crate::veid::keys::CLIENTS;
use crate::veid::{clients, event, params};

pub fn check(msg: &MsgUpdateClient) -> Result<(), CodedError> {
    if !capture::is_name(&msg.client_id) {
        return Err(Error::Input("client: its id has 1 to 64 letters, digits and `._:-`".into()).into());
    }
    if let Some(key) = &msg.authority_key {
        capture::public_key(key)?;
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateClient) -> Result<MsgUpdateClientResponse, CodedError> {
    require_authority(&msg.authority)?;
    let now = ctx.time().unix();
    let mut client = clients::require(ctx, &msg.client_id)?;
    client.set_state(clients::state_at(&client, now));
    if client.state() == ClientState::Revoked {
        return Err(Error::Transition(client.state().as_str_name(), "be changed").into());
    }
    if !msg.name.is_empty() {
        client.name.clone_from(&msg.name);
    }
    if !msg.app_ids.is_empty() {
        client.app_ids.clone_from(&msg.app_ids);
    }
    if !msg.min_version.is_empty() {
        client.min_version.clone_from(&msg.min_version);
    }
    if let Some(key) = &msg.authority_key {
        client.previous_key = client.authority_key.replace(key.clone());
        client.previous_until = now.saturating_add(params::load(ctx)?.key_overlap_seconds);
    }
    if msg.deprecate {
        if client.state() != ClientState::Active {
            return Err(Error::Transition(client.state().as_str_name(), "be deprecated").into());
        }
        client.set_state(ClientState::Deprecated);
        client.deprecated_at = now;
    }
    clients::check(&client)?;
    CLIENTS.set(ctx, &msg.client_id, &client)?;
    event::client(ctx, "client_updated", &client);
    Ok(MsgUpdateClientResponse {})
}
