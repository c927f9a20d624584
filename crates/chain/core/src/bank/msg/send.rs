//! `MsgSend`: one account pays another.

use ve_base::CodedError;
use ve_proto::cosmos::bank::v1beta1::{MsgSend, MsgSendResponse};
use ve_sdk::Context;

use super::{parse, positive, require_receivable};
use crate::bank::{ledger, params};

pub fn check(msg: &MsgSend) -> Result<(), CodedError> {
    parse("sender", &msg.from_address)?;
    parse("recipient", &msg.to_address)?;
    positive(&msg.amount)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSend) -> Result<MsgSendResponse, CodedError> {
    let (from, to) = (parse("sender", &msg.from_address)?, parse("recipient", &msg.to_address)?);
    let coins = positive(&msg.amount)?;
    params::require_sendable(ctx, &coins)?;
    require_receivable(ctx, &to)?;
    ledger::send(ctx, &from, &to, &coins)?;
    Ok(MsgSendResponse {})
}
