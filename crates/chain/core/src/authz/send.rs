//! `SendAuthorization`: transfers up to a limit, perhaps to some recipients only.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::Any;
use ve_base::{CodedError, Coins, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};

use super::account;
use super::authorization::{Authorization, Left};

/// Recipients of one authorization.
const MAX_RECIPIENTS: usize = 100;

pub fn check(authorization: &SendAuthorization) -> Result<(), CodedError> {
    if Coins::try_from_proto(&authorization.spend_limit)?.is_empty() {
        return Err(Error::InvalidCoins("the spend limit must name at least one coin".into()).into());
    }
    let mut seen = BTreeSet::new();
    for recipient in &authorization.allow_list {
        account("recipient", recipient)?;
        if !seen.insert(recipient) {
            return Err(Error::InvalidRequest(format!("{recipient} is twice in the allow list")).into());
        }
    }
    if seen.len() > MAX_RECIPIENTS {
        return Err(Error::InvalidRequest(format!("the allow list has more than {MAX_RECIPIENTS} recipients")).into());
    }
    Ok(())
}

pub fn accept(authorization: &SendAuthorization, message: &Any) -> Result<Left, CodedError> {
    let message = MsgSend::decode(message.value.as_slice())
        .map_err(|_| Error::InvalidRequest("the message is not a MsgSend".into()))?;
    let limit = Coins::try_from_proto(&authorization.spend_limit)?;
    let amount = Coins::try_from_proto(&message.amount)?;
    let left = limit.checked_sub(&amount).ok_or_else(|| {
        Error::InsufficientFunds(format!("requested amount {amount} is more than the spend limit {limit}"))
    })?;
    let allowed = &authorization.allow_list;
    if !allowed.is_empty() && !allowed.contains(&message.to_address) {
        return Err(Error::Unauthorized(format!(
            "cannot send to {} address: not in the allow list",
            message.to_address
        ))
        .into());
    }
    if left.is_empty() {
        return Ok(Left::Nothing);
    }
    let spend_limit = left.to_proto();
    Ok(Left::Less(Authorization::Send(SendAuthorization { spend_limit, ..authorization.clone() })))
}
