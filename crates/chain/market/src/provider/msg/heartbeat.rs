//! `MsgHeartbeat`: the provider's daemon is alive; any account may relay it.

use ve_base::{CodedError, parse_account, preimage};
use ve_proto::ve::provider::v1::{KeyUsage, MsgHeartbeat, MsgHeartbeatResponse, ProviderState};
use ve_sdk::{Context, Event};

use crate::provider::{Error, liveness, registry};

/// Seconds that a heartbeat may be older or newer than the block.
const MAX_SKEW: u64 = 600;

pub fn check(msg: &MsgHeartbeat) -> Result<(), CodedError> {
    parse_account("relayer", &msg.relayer)?;
    parse_account("provider", &msg.provider)?;
    if msg.signature.len() == 64 { Ok(()) } else { Err(Error::BeatSignature.into()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgHeartbeat) -> Result<MsgHeartbeatResponse, CodedError> {
    let owner = parse_account("provider", &msg.provider)?;
    let provider = registry::require(ctx, &owner)?;
    if provider.state() == ProviderState::Exited {
        return Err(registry::illegal(&provider, "a provider that left serves nobody").into());
    }
    let key = registry::daemon_key(ctx, &owner, &msg.key_id, KeyUsage::Heartbeat)?;
    let digest = preimage::heartbeat(ctx.chain_id(), msg);
    key.verify(&digest, &msg.signature).map_err(|_| Error::BeatSignature)?;
    let last = liveness::load(ctx, &owner)?.seq;
    if msg.seq <= last {
        return Err(Error::Beat { got: msg.seq, last }.into());
    }
    let now = ctx.time().unix();
    if msg.observed_at.abs_diff(now) > MAX_SKEW {
        return Err(Error::BeatTime { observed: msg.observed_at, now }.into());
    }
    liveness::seen(ctx, &owner, Some(msg.seq))?;
    ctx.emit(Event::new("provider_heartbeat").with("owner", &owner).with("seq", msg.seq));
    Ok(MsgHeartbeatResponse {})
}
