//! `MsgGiveExitNotice`: no new business; the bond returns when the notice is over and no lease is left. One who leaves
//! customers at once pays for it.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgGiveExitNotice, MsgGiveExitNoticeResponse, ProviderState};
use ve_sdk::Context;

use crate::provider::{ProviderHooks, lifecycle, params, penalty, registry};

pub fn check(msg: &MsgGiveExitNotice) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgGiveExitNotice) -> Result<MsgGiveExitNoticeResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    if msg.immediate {
        let mut serves = false;
        for hook in ctx.hooks().all::<dyn ProviderHooks>() {
            serves |= hook.has_leases(ctx, &owner)?;
        }
        if serves {
            penalty::impose(ctx, &owner, "left")?;
            return Ok(MsgGiveExitNoticeResponse { unlock_at: 0 });
        }
    }
    let was_bonded = matches!(provider.state(), ProviderState::Active | ProviderState::Restricted);
    let next = lifecycle::step(provider.state(), lifecycle::Event::GiveNotice);
    provider.set_state(next.ok_or_else(|| registry::illegal(&provider, "notice was given already"))?);
    provider.notice_at = ctx.time().unix();
    provider.unlock_at = provider.notice_at.saturating_add(params::load(ctx)?.notice_seconds);
    if was_bonded {
        penalty::depart(ctx, &owner, registry::bond(&provider)?)?;
    }
    registry::save(ctx, &mut provider, "provider_exiting")?;
    registry::withdrawn(ctx, &owner)?;
    Ok(MsgGiveExitNoticeResponse { unlock_at: provider.unlock_at })
}
