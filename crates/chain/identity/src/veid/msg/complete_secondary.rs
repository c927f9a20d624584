//! `MsgCompleteSecondary`: the factors that the transaction proves turn a near miss into a verified identity. Which ones
//! it takes is a row of the table of actions.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{MsgCompleteSecondary, MsgCompleteSecondaryResponse, VerificationState};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::{params, result, wallet};

pub fn check(msg: &MsgCompleteSecondary) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCompleteSecondary) -> Result<MsgCompleteSecondaryResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let mut wallet = wallet::active(ctx, &owner)?;
    if wallet.state() != VerificationState::Secondary || wallet.secondary_until <= ctx.time().unix() {
        return Err(Error::Transition(wallet.state().as_str_name(), "pass a second chance").into());
    }
    result::end_chance(ctx, &owner, &mut wallet, true)?;
    let score = wallet.score_milli / 1_000;
    wallet::save(ctx, &owner, wallet, &params)?;
    Ok(MsgCompleteSecondaryResponse { score })
}
