//! `MsgCommunityPoolSpend`: governance pays somebody out of the community pool.

use ve_base::CodedError;
use ve_proto::cosmos::distribution::v1beta1::{MsgCommunityPoolSpend, MsgCommunityPoolSpendResponse};
use ve_sdk::{Context, require_authority};

use super::{positive, require_receivable};
use crate::distribution::{account, pool};

pub fn check(msg: &MsgCommunityPoolSpend) -> Result<(), CodedError> {
    account("recipient", &msg.recipient)?;
    positive(&msg.amount).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgCommunityPoolSpend,
) -> Result<MsgCommunityPoolSpendResponse, CodedError> {
    require_authority(&msg.authority)?;
    let recipient = account("recipient", &msg.recipient)?;
    require_receivable(ctx, &recipient)?;
    pool::spend(ctx, &recipient, &positive(&msg.amount)?)?;
    Ok(MsgCommunityPoolSpendResponse {})
}
