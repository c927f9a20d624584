//! `MsgGiveExitNotice`: no new business; the bond returns when the notice is over and no lease is left.

use ve_base::CodedError;
use ve_proto::ve::provider::v1::{MsgGiveExitNotice, MsgGiveExitNoticeResponse};
use ve_sdk::Context;

use crate::provider::{lifecycle, params, registry};
use crate::text::address;

pub fn check(msg: &MsgGiveExitNotice) -> Result<(), CodedError> {
    address("provider", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgGiveExitNotice) -> Result<MsgGiveExitNoticeResponse, CodedError> {
    let owner = address("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    let next = lifecycle::step(provider.state(), lifecycle::Event::GiveNotice);
    provider.set_state(next.ok_or_else(|| registry::illegal(&provider, "notice was given already"))?);
    provider.notice_at = ctx.time().unix();
    provider.unlock_at = provider.notice_at.saturating_add(params::load(ctx)?.notice_seconds);
    registry::save(ctx, &mut provider, "provider_exiting")?;
    registry::withdrawn(ctx, &owner)?;
    Ok(MsgGiveExitNoticeResponse { unlock_at: provider.unlock_at })
}
