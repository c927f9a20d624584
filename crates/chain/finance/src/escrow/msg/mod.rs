pub mod approve;
pub mod deposit;
pub mod dispute;
pub mod refund;
pub mod release;
pub mod resolve;
pub mod update_params;
pub mod withdraw;

use ve_base::{CodedError, Coin, errors::sdk::Error, parse_account as parse};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::ve::escrow::v1::AccountId as ProtoId;

use super::{AccountId, release as ledger_release};

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
