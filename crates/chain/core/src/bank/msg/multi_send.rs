//! `MsgMultiSend`: one account pays many.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgMultiSendResponse};
use ve_sdk::Context;

use super::{parse, positive, require_receivable};
use crate::bank::{ledger, params};

/// Outputs of one message.
const MAX_OUTPUTS: usize = 500;

/// As in Cosmos SDK 0.50 there is exactly one input.
fn input(msg: &MsgMultiSend) -> Result<&Input, CodedError> {
    match msg.inputs.as_slice() {
        [input] => Ok(input),
        inputs => Err(Error::InvalidRequest(format!("give exactly one input, got {}", inputs.len())).into()),
    }
}

pub fn check(msg: &MsgMultiSend) -> Result<(), CodedError> {
    let input = input(msg)?;
    parse("input", &input.address)?;
    if msg.outputs.is_empty() || msg.outputs.len() > MAX_OUTPUTS {
        return Err(Error::InvalidRequest(format!("give 1 to {MAX_OUTPUTS} outputs, got {}", msg.outputs.len())).into());
    }
    let given = positive(&input.coins)?;
    let mut sum = ve_base::Coins::default();
    for output in &msg.outputs {
        parse("output", &output.address)?;
        sum = sum.checked_add(&positive(&output.coins)?)?;
    }
    if sum == given {
        return Ok(());
    }
    Err(Error::InvalidCoins(format!("the outputs sum to {sum} and the input gives {given}; they must be equal")).into())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgMultiSend) -> Result<MsgMultiSendResponse, CodedError> {
    let input = input(msg)?;
    let from = parse("input", &input.address)?;
    params::require_sendable(ctx, &positive(&input.coins)?)?;
    for output in &msg.outputs {
        let to = parse("output", &output.address)?;
        require_receivable(ctx, &to)?;
        ledger::send(ctx, &from, &to, &positive(&output.coins)?)?;
    }
    Ok(MsgMultiSendResponse {})
}
