//! `MsgDeposit`: somebody finds that a proposal should be voted on.

use ve_base::{BASE_DENOM, CodedError, Coins, errors::sdk};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::{MsgDeposit, MsgDepositResponse};
use ve_sdk::Context;

use crate::gov::error::Error;
use crate::gov::{account, deposits, params, proposals};

pub fn check(msg: &MsgDeposit) -> Result<(), CodedError> {
    check_parts(&msg.depositor, &msg.amount)
}

pub fn check_parts(depositor: &str, amount: &[Coin]) -> Result<(), CodedError> {
    account("depositor", depositor)?;
    if deposits::parse(amount)?.is_empty() {
        return Err(sdk::Error::InvalidCoins("deposit a positive amount".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgDeposit) -> Result<MsgDepositResponse, CodedError> {
    run(ctx, msg.proposal_id, &msg.depositor, &msg.amount)?;
    Ok(MsgDepositResponse {})
}

pub fn run(ctx: &mut Context<'_>, id: u64, depositor: &str, amount: &[Coin]) -> Result<(), CodedError> {
    let depositor = account("depositor", depositor)?;
    let coins = deposits::parse(amount)?;
    let params = params::load(ctx)?;
    let mut proposal = proposals::require(ctx, id)?;
    // Many tiny deposits would be work for the end of the proposal.
    let needed = params::min_single_deposit(&params)?;
    if coins.amount_of(BASE_DENOM) < needed {
        return Err(Error::DepositTooSmall(coins.to_string(), Coins::native(needed).to_string()).into());
    }
    deposits::add(ctx, &params, &mut proposal, &depositor, &coins)
}
