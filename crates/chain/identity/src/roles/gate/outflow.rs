//! How much a flagged account gives away in a day: a transfer above the bound is of High sensitivity, and splitting it
//! changes nothing.

use ve_base::{Address, Amount, AmountError, BASE_DENOM, CodedError, Coins, errors::sdk};
use ve_proto::Any;
use ve_proto::Message as _;
use ve_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::distribution::v1beta1::MsgFundCommunityPool;
use ve_proto::cosmos::vesting::v1beta1::{
    MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount, MsgCreateVestingAccount,
};
use ve_sdk::Context;

use super::table::{self, Class};
use crate::roles::error::Error;
use crate::roles::keys::STATES;
use crate::roles::params;

const DAY: u64 = 86_400;

/// What the message gives away of the chain's coin.
fn given(message: &Any) -> Result<Amount, CodedError> {
    let bytes = message.value.as_slice();
    let broken = |_| sdk::Error::TxDecode(format!("bytes are not a {}", message.type_url));
    let coins: Vec<Vec<Coin>> = match message.type_url.as_str() {
        "/cosmos.bank.v1beta1.MsgSend" => vec![MsgSend::decode(bytes).map_err(broken)?.amount],
        "/cosmos.bank.v1beta1.MsgMultiSend" => {
            MsgMultiSend::decode(bytes).map_err(broken)?.inputs.into_iter().map(|input| input.coins).collect()
        }
        "/cosmos.distribution.v1beta1.MsgFundCommunityPool" => {
            vec![MsgFundCommunityPool::decode(bytes).map_err(broken)?.amount]
        }
        "/cosmos.vesting.v1beta1.MsgCreateVestingAccount" => {
            vec![MsgCreateVestingAccount::decode(bytes).map_err(broken)?.amount]
        }
        "/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount" => {
            vec![MsgCreatePermanentLockedAccount::decode(bytes).map_err(broken)?.amount]
        }
        "/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount" => {
            let periods = MsgCreatePeriodicVestingAccount::decode(bytes).map_err(broken)?.vesting_periods;
            periods.into_iter().map(|period| period.amount).collect()
        }
        // A transfer that this does not read counts as more than anybody may send.
        _ => return Ok(Amount::MAX),
    };
    coins.iter().try_fold(Amount::from(0u64), |sum, coins| {
        let amount = Coins::try_from_proto(coins)?.amount_of(BASE_DENOM);
        Ok(sum.checked_add(amount).ok_or(AmountError::Overflow)?)
    })
}

/// Adds a transfer to what the account gave away in this day, and refuses what is too much.
pub fn count(ctx: &mut Context<'_>, account: &Address, message: &Any) -> Result<(), CodedError> {
    if table::class(&message.type_url) != Some(Class::Transfer) {
        return Ok(());
    }
    let most = params::outflow(&params::load(ctx)?)?;
    let mut status = STATES.require(ctx, account)?;
    let now = ctx.time().unix();
    let before = if now.saturating_sub(status.outflow_since) >= DAY {
        status.outflow_since = now;
        Amount::from(0u64)
    } else {
        status.outflow.parse::<Amount>()?
    };
    let sum = before.checked_add(given(message)?).filter(|sum| *sum <= most);
    let sum = sum.ok_or_else(|| Error::Outflow(account.to_string(), most.to_string()))?;
    status.outflow = sum.to_string();
    Ok(STATES.set(ctx, account, &status)?)
}
