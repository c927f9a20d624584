pub mod community_pool_spend;
pub mod fund_community_pool;
pub mod set_withdraw_address;
pub mod update_params;
pub mod withdraw_delegator_reward;
pub mod withdraw_validator_commission;

use ve_base::{Address, CodedError, Coins, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_sdk::Context;

/// Sorted, unique, positive, at least one.
fn positive(coins: &[Coin]) -> Result<Coins, CodedError> {
    let coins = Coins::try_from_proto(coins)?;
    if coins.is_empty() {
        return Err(Error::InvalidCoins("give at least one coin with a positive amount".into()).into());
    }
    Ok(coins)
}

/// A module would not know of coins that arrive unasked.
fn require_receivable(ctx: &Context<'_>, to: &Address) -> Result<(), CodedError> {
    match ctx.registry().module_account(to) {
        None => Ok(()),
        Some(name) => {
            Err(Error::Unauthorized(format!("{to} is the module account {name}, which receives no payments")).into())
        }
    }
}
