//! `MsgClaimResidual`: no state seizes funds. What a terminated account still owns goes to another account of its
//! holder, its stake through the usual unbonding.

use ve_base::{CodedError, parse_account};
use ve_chain_core::{bank, staking};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{AccountState, MsgClaimResidual, MsgClaimResidualResponse};
use ve_sdk::{Context, Event};

use crate::audit;
use crate::roles::error::Error;
use crate::roles::hooks::Compliance;
use crate::roles::keys::STATES;
use crate::roles::{params, states};

/// Delegations that one claim ends; the next claim goes on.
const MAX_DELEGATIONS: usize = 10;

pub fn check(msg: &MsgClaimResidual) -> Result<(), CodedError> {
    parse_account("account", &msg.account)?;
    parse_account("recipient", &msg.recipient)?;
    if msg.account == msg.recipient {
        return Err(Error::Invalid("name another account of yours as recipient".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgClaimResidual) -> Result<MsgClaimResidualResponse, CodedError> {
    let account = parse_account("account", &msg.account)?;
    let recipient = parse_account("recipient", &msg.recipient)?;
    let status = STATES.get(ctx, &account)?.filter(|status| status.state() == AccountState::Terminated);
    let status = status.ok_or_else(|| Error::Invalid("only terminated accounts claim what is left".into()))?;
    let from = status.since.saturating_add(params::load(ctx)?.residual_after_seconds);
    if ctx.time().unix() < from {
        return Err(Error::TooEarly(from).into());
    }
    for compliance in ctx.hooks().all::<dyn Compliance>() {
        if compliance.is_blocked(ctx, &account)? {
            return Err(Error::Blocked(msg.account.clone()).into());
        }
    }
    if ctx.registry().module_account(&recipient).is_some() || !states::is_active(ctx, &recipient)? {
        return Err(Error::Invalid(format!("{recipient} is no active account")).into());
    }
    let mut unbonding = 0u32;
    for (operator, shares) in staking::delegations_of(ctx, &account)?.into_iter().take(MAX_DELEGATIONS) {
        let tokens = staking::require(ctx, &operator)?.tokens_of(shares)?;
        // What is worth less than one uve stays behind.
        if !tokens.is_zero() {
            staking::begin_unbonding(ctx, &account, &operator, tokens)?;
            unbonding = unbonding.saturating_add(1);
        }
    }
    let coins = bank::spendable(ctx, &account, ctx.time())?;
    if coins.is_empty() && unbonding == 0 {
        return Err(Error::Invalid("nothing is left to claim now".into()).into());
    }
    if !coins.is_empty() {
        bank::send(ctx, &account, &recipient, &coins)?;
    }
    let event = Event::new("residual_claimed").with("account", &msg.account).with("recipient", &msg.recipient);
    ctx.emit(event.with("amount", &coins).with("unbonding", unbonding));
    let amount = coins.to_string();
    let act = audit::Act {
        actor: &msg.account,
        module: "roles",
        action: "residual_claimed",
        resource_id: &msg.account,
        outcome: Outcome::Done,
        metadata: &[msg.recipient.as_bytes(), amount.as_bytes()],
        details_ref: &status.cause,
    };
    audit::record(ctx, &act)?;
    Ok(MsgClaimResidualResponse { sent: coins.to_proto(), unbonding })
}
