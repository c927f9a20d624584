pub mod begin_redelegate;
pub mod cancel_unbonding;
pub mod create_validator;
pub mod delegate;
pub mod edit_validator;
pub mod undelegate;
pub mod update_params;

use ve_base::{Amount, BASE_DENOM, CodedError, Coin, Coins, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::cosmos::staking::v1beta1::Description;

use super::params::MIN_DELEGATION;

/// A positive amount of the bond denomination.
fn stake(coin: Option<&ProtoCoin>) -> Result<Amount, CodedError> {
    let coin = Coin::try_from(coin.ok_or_else(|| Error::InvalidRequest("the amount is missing".into()))?)?;
    if coin.denom.as_str() != BASE_DENOM {
        return Err(Error::InvalidRequest(format!(
            "invalid coin denomination: got {}, expected {BASE_DENOM}",
            coin.denom
        ))
        .into());
    }
    if coin.amount.is_zero() {
        return Err(Error::InvalidRequest("the amount must be positive".into()).into());
    }
    Ok(coin.amount)
}

/// As [`stake`], and no dust.
fn delegation(coin: Option<&ProtoCoin>) -> Result<Amount, CodedError> {
    let amount = stake(coin)?;
    if amount < MIN_DELEGATION {
        let text = |amount| Coins::native(amount).to_string();
        return Err(super::Error::BelowMinimum(text(amount), text(MIN_DELEGATION)).into());
    }
    Ok(amount)
}

/// Lengths of the Cosmos SDK.
fn check_description(description: &Description) -> Result<(), CodedError> {
    for (name, text, most) in [
        ("moniker", &description.moniker, 70),
        ("identity", &description.identity, 3000),
        ("website", &description.website, 140),
        ("security_contact", &description.security_contact, 140),
        ("details", &description.details, 280),
    ] {
        if text.len() > most {
            return Err(Error::InvalidRequest(format!("{name} has {} bytes, at most {most}", text.len())).into());
        }
    }
    Ok(())
}
