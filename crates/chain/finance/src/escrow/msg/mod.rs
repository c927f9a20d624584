pub mod approve;
pub mod deposit;
pub mod dispute;
pub mod refund;
pub mod release;
pub mod resolve;
pub mod update_params;
pub mod withdraw;

use ve_base::{ACCOUNT_PREFIX, Address, CodedError, Coin, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::ve::escrow::v1::AccountId as ProtoId;

use super::{AccountId, release as ledger_release};

fn parse(role: &str, address: &str) -> Result<Address, CodedError> {
    Ok(Address::from_bech32(address, ACCOUNT_PREFIX)
        .map_err(|cause| Error::InvalidAddress(format!("invalid {role} address {address:?}: {cause}")))?)
}

/// An amount above zero.
fn positive(coin: Option<&ProtoCoin>) -> Result<Coin, CodedError> {
    let missing = || Error::InvalidCoins("give an amount above zero".into());
    let coin = Coin::try_from(coin.ok_or_else(missing)?)?;
    if coin.amount.is_zero() { Err(missing().into()) } else { Ok(coin) }
}

/// An account that pays leases.
fn leases(id: Option<&ProtoId>) -> Result<AccountId, CodedError> {
    let id = AccountId::from_proto(id)?;
    ledger_release::require_leases(&id)?;
    Ok(id)
}
