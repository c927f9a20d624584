//! `MsgBondProvider`: adds to the provider's bond.

use ve_base::{BASE_DENOM, CodedError, Coin, Coins, errors, parse_account};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{MsgBondProvider, MsgBondProviderResponse, ProviderState};
use ve_sdk::Context;

use crate::provider::{Error, PROVIDER_BOND, registry};

fn amount(msg: &MsgBondProvider) -> Result<Coin, CodedError> {
    let missing = || errors::sdk::Error::InvalidCoins("give an amount above zero".into());
    let coin = Coin::try_from(msg.amount.as_ref().ok_or_else(missing)?)?;
    if coin.denom.as_str() != BASE_DENOM {
        return Err(Error::BondDenom(BASE_DENOM.into()).into());
    }
    if coin.amount.is_zero() { Err(missing().into()) } else { Ok(coin) }
}

pub fn check(msg: &MsgBondProvider) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    amount(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgBondProvider) -> Result<MsgBondProviderResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    if matches!(provider.state(), ProviderState::Exiting | ProviderState::Exited | ProviderState::Penalised) {
        return Err(registry::illegal(&provider, "a leaving provider cannot add to its bond").into());
    }
    let coin = amount(msg)?;
    let total = registry::bond(&provider)?.checked_add(coin.amount).ok_or(ve_base::AmountError::Overflow)?;
    bank::send_to_module(ctx, &owner, PROVIDER_BOND, &Coins::one(coin))?;
    provider.bond = total.to_string();
    registry::reconsider(ctx, &mut provider)?;
    registry::save(ctx, &mut provider, "provider_bonded")?;
    Ok(MsgBondProviderResponse {})
}
