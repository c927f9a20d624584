pub mod multi_send;
pub mod send;
pub mod set_send_enabled;
pub mod update_params;

use ve_base::{Address, CodedError, Coins, errors::sdk::Error, parse_account as parse};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_sdk::Context;

/// Coins that a user moves: sorted, unique, positive, at least one.
fn positive(coins: &[Coin]) -> Result<Coins, CodedError> {
    let coins = Coins::try_from_proto(coins)?;
    if coins.is_empty() {
        return Err(Error::InvalidCoins("give at least one coin with a positive amount".into()).into());
    }
    Ok(coins)
}

/// Users never send to module accounts: the module would not know of the coins.
pub(super) fn require_receivable(ctx: &Context<'_>, to: &Address) -> Result<(), CodedError> {
    match ctx.registry().module_account(to) {
        None => Ok(()),
        Some(name) => {
            Err(Error::Unauthorized(format!("{to} is the module account {name}, which receives no transfers")).into())
        }
    }
}
