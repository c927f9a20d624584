//! `MsgRegisterClient`: governance approves an application that may capture evidence.

use ve_base::CodedError;
use ve_proto::ve::veid::v1::{Client, ClientState, MsgRegisterClient, MsgRegisterClientResponse};
use ve_sdk::{Context, require_authority};

use crate::veid::error::Error;
use crate::veid::keys::CLIENTS;
use crate::veid::{clients, event};

fn offered(msg: &MsgRegisterClient) -> Client {
    Client {
        client_id: msg.client_id.clone(),
        name: msg.name.clone(),
        platform: msg.platform,
        app_ids: msg.app_ids.clone(),
        authority_key: msg.authority_key.clone(),
        min_version: msg.min_version.clone(),
        state: ClientState::Pending.into(),
        active_from: msg.active_from,
        ..Client::default()
    }
}

pub fn check(msg: &MsgRegisterClient) -> Result<(), CodedError> {
    clients::check(&offered(msg))
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRegisterClient) -> Result<MsgRegisterClientResponse, CodedError> {
    require_authority(&msg.authority)?;
    if CLIENTS.has(ctx, &msg.client_id)? {
        return Err(Error::ClientExists(msg.client_id.clone()).into());
    }
    let now = ctx.time().unix();
    let mut client = Client { registered_at: now, active_from: msg.active_from.max(now), ..offered(msg) };
    client.set_state(clients::state_at(&client, now));
    CLIENTS.set(ctx, &msg.client_id, &client)?;
    event::client(ctx, "client_registered", &client);
    Ok(MsgRegisterClientResponse {})
}
