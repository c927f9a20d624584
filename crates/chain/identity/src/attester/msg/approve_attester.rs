//! `MsgApproveAttester`: governance lets an attester work, with the kinds and organisation that it looked into.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::{AttesterState, MsgApproveAttester, MsgApproveAttesterResponse};
use ve_sdk::{Context, require_authority};

use crate::attester::{params, registry};

pub fn check(msg: &MsgApproveAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    registry::check_text("organisation", &msg.organisation)?;
    Ok(registry::check_kinds(&msg.kinds)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgApproveAttester) -> Result<MsgApproveAttesterResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut attester = registry::require(ctx, &parse_account("attester", &msg.attester)?)?;
    if matches!(attester.state(), AttesterState::Exiting | AttesterState::Revoked) {
        return Err(registry::illegal(&attester, "it has left").into());
    }
    attester.organisation.clone_from(&msg.organisation);
    attester.kinds.clone_from(&msg.kinds);
    let bonded = registry::bond(&attester) >= params::min_bond(&params::load(ctx)?);
    attester.set_state(if bonded { AttesterState::Active } else { AttesterState::Suspended });
    registry::save(ctx, &attester, "attester_approved")?;
    Ok(MsgApproveAttesterResponse {})
}
