//! `MsgFundCommunityPool`: an account gives coins to the community.

use ve_base::CodedError;
use ve_proto::cosmos::distribution::v1beta1::{MsgFundCommunityPool, MsgFundCommunityPoolResponse};
use ve_sdk::Context;

use super::positive;
use crate::bank;
use crate::distribution::{account, pool};

pub fn check(msg: &MsgFundCommunityPool) -> Result<(), CodedError> {
    account("depositor", &msg.depositor)?;
    positive(&msg.amount).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgFundCommunityPool) -> Result<MsgFundCommunityPoolResponse, CodedError> {
    let coins = positive(&msg.amount)?;
    bank::require_sendable(ctx, &coins)?;
    pool::fund(ctx, &account("depositor", &msg.depositor)?, &coins)?;
    Ok(MsgFundCommunityPoolResponse {})
}
