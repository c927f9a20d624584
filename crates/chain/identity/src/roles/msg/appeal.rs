//! `MsgAppealState`: the holder of a flagged or suspended account asks for a review.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{AccountState, MsgAppealState, MsgAppealStateResponse};
use ve_sdk::{Context, Event};

use crate::audit;
use crate::roles::error::Error;
use crate::roles::keys::STATES;
use crate::roles::states;

pub fn check(msg: &MsgAppealState) -> Result<(), CodedError> {
    parse_account("account", &msg.account)?;
    Ok(states::check_commit(&msg.reason_commit)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAppealState) -> Result<MsgAppealStateResponse, CodedError> {
    let account = parse_account("account", &msg.account)?;
    let nothing = || Error::Invalid(format!("{account} is active; there is nothing to appeal against"));
    let mut status = STATES.get(ctx, &account)?.ok_or_else(nothing)?;
    if status.state() == AccountState::Terminated {
        return Err(Error::Invalid("a termination is final".into()).into());
    }
    if status.appealed_at != 0 {
        return Err(Error::Exists(msg.account.clone(), "appealed against this").into());
    }
    status.appealed_at = ctx.time().unix();
    status.appeal_commit.clone_from(&msg.reason_commit);
    STATES.set(ctx, &account, &status)?;
    ctx.emit(Event::new("account_state_appealed").with("account", &msg.account).with("cause", &status.cause));
    let act = audit::Act {
        actor: &msg.account,
        module: "roles",
        action: "account_state_appealed",
        resource_id: &msg.account,
        outcome: Outcome::Done,
        metadata: &[&msg.reason_commit],
        details_ref: &status.cause,
    };
    audit::record(ctx, &act)?;
    Ok(MsgAppealStateResponse {})
}
