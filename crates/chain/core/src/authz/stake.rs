//! `StakeAuthorization`: one kind of moving stake, with some validators, perhaps up to a limit.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::Any;
use ve_base::{Address, BASE_DENOM, CodedError, Coin, OPERATOR_PREFIX, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::cosmos::staking::v1beta1::stake_authorization::ValidatorsOneOf;
use ve_proto::cosmos::staking::v1beta1::{
    AuthorizationType, MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgDelegate, MsgUndelegate, StakeAuthorization,
};
use ve_sdk::type_url;

use super::authorization::{Authorization, Left};

/// Validators that one authorization names.
const MAX_VALIDATORS: usize = 100;

pub fn message(authorization: &StakeAuthorization) -> String {
    match authorization.authorization_type() {
        AuthorizationType::Unspecified => String::new(),
        AuthorizationType::Delegate => type_url::<MsgDelegate>(),
        AuthorizationType::Undelegate => type_url::<MsgUndelegate>(),
        AuthorizationType::Redelegate => type_url::<MsgBeginRedelegate>(),
        AuthorizationType::CancelUnbondingDelegation => type_url::<MsgCancelUnbondingDelegation>(),
    }
}

fn refused(cause: impl Into<String>) -> CodedError {
    Error::InvalidRequest(cause.into()).into()
}

/// The named validators, and whether they are those allowed (or else those denied).
fn validators(authorization: &StakeAuthorization) -> Result<(&[String], bool), CodedError> {
    match &authorization.validators {
        Some(ValidatorsOneOf::AllowList(list)) => Ok((&list.address, true)),
        Some(ValidatorsOneOf::DenyList(list)) => Ok((&list.address, false)),
        None => Err(refused("name the validators: an allow list or a deny list")),
    }
}

pub fn check(authorization: &StakeAuthorization) -> Result<(), CodedError> {
    if message(authorization).is_empty() {
        return Err(refused("the authorization type is missing"));
    }
    let (named, _) = validators(authorization)?;
    if named.is_empty() || named.len() > MAX_VALIDATORS {
        return Err(refused(format!("name 1 to {MAX_VALIDATORS} validators, got {}", named.len())));
    }
    let mut seen = BTreeSet::new();
    for validator in named {
        Address::from_bech32(validator, OPERATOR_PREFIX)
            .map_err(|cause| Error::InvalidAddress(format!("invalid validator address {validator:?}: {cause}")))?;
        if !seen.insert(validator) {
            return Err(refused(format!("{validator} is named twice")));
        }
    }
    if let Some(limit) = &authorization.max_tokens {
        let limit = Coin::try_from(limit)?;
        if limit.denom.as_str() != BASE_DENOM || limit.amount.is_zero() {
            return Err(Error::InvalidCoins(format!("max_tokens must be a positive amount of {BASE_DENOM}")).into());
        }
    }
    Ok(())
}

/// The validator that gets or loses the stake, and how much.
fn target(authorization: &StakeAuthorization, message: &Any) -> Result<(String, Option<ProtoCoin>), CodedError> {
    let bytes = message.value.as_slice();
    let malformed = |_| refused(format!("{} does not decode", message.type_url));
    Ok(match authorization.authorization_type() {
        AuthorizationType::Unspecified => return Err(refused("the authorization type is missing")),
        AuthorizationType::Delegate => {
            let message = MsgDelegate::decode(bytes).map_err(malformed)?;
            (message.validator_address, message.amount)
        }
        AuthorizationType::Undelegate => {
            let message = MsgUndelegate::decode(bytes).map_err(malformed)?;
            (message.validator_address, message.amount)
        }
        AuthorizationType::Redelegate => {
            let message = MsgBeginRedelegate::decode(bytes).map_err(malformed)?;
            (message.validator_dst_address, message.amount)
        }
        AuthorizationType::CancelUnbondingDelegation => {
            let message = MsgCancelUnbondingDelegation::decode(bytes).map_err(malformed)?;
            (message.validator_address, message.amount)
        }
    })
}

pub fn accept(authorization: &StakeAuthorization, message: &Any) -> Result<Left, CodedError> {
    let (validator, amount) = target(authorization, message)?;
    let (named, allowed) = validators(authorization)?;
    if named.contains(&validator) != allowed {
        return Err(Error::Unauthorized(format!("cannot delegate/undelegate to {validator} validator")).into());
    }
    let Some(limit) = &authorization.max_tokens else { return Ok(Left::Same) };
    let limit = Coin::try_from(limit)?;
    let amount = Coin::try_from(&amount.unwrap_or_default())?;
    let left = limit.amount.checked_sub(amount.amount).filter(|_| limit.denom == amount.denom).ok_or_else(|| {
        Error::InsufficientFunds(format!("{amount} is more than the {limit} that the authorization has left"))
    })?;
    if left.is_zero() {
        return Ok(Left::Nothing);
    }
    let max_tokens = Some(Coin::native(left).to_proto());
    Ok(Left::Less(Authorization::Stake(StakeAuthorization { max_tokens, ..authorization.clone() })))
}
