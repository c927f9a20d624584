//! What an allowance pays for. Paying a fee changes it; all arithmetic is on whole sets of coins.

use prost::{Message, Name};
use prost_types::{Any, Timestamp};
use ve_base::{BlockTime, CodedError, Coins, errors::sdk};
use ve_proto::cosmos::feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, PeriodicAllowance};
use ve_sdk::type_url;

use super::error::Error;

/// Type URLs that one allowance names.
const MAX_MESSAGES: usize = 100;

/// An allowance of any supported type.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowance {
    Basic(BasicAllowance),
    Periodic(PeriodicAllowance),
    /// The inner one is basic or periodic.
    AllowedMsg(Vec<String>, Box<Allowance>),
}

fn time(timestamp: Option<&Timestamp>) -> Option<BlockTime> {
    timestamp.and_then(BlockTime::from_proto)
}

fn invalid(cause: impl Into<String>) -> CodedError {
    sdk::Error::InvalidRequest(cause.into()).into()
}

fn decode<M: Message + Default>(any: &Any) -> Result<M, CodedError> {
    M::decode(any.value.as_slice()).map_err(|_| invalid(format!("{} does not decode", any.type_url)))
}

fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
}

impl Allowance {
    pub fn from_any(any: &Any) -> Result<Self, CodedError> {
        if any.type_url != type_url::<AllowedMsgAllowance>() {
            return Self::plain(any);
        }
        let allowed: AllowedMsgAllowance = decode(any)?;
        // One level only: the limits of a second list could be read as a union or as an intersection.
        let inner = Self::plain(&allowed.allowance.unwrap_or_default())?;
        Ok(Self::AllowedMsg(allowed.allowed_messages, Box::new(inner)))
    }

    fn plain(any: &Any) -> Result<Self, CodedError> {
        if any.type_url == type_url::<BasicAllowance>() {
            return Ok(Self::Basic(decode(any)?));
        }
        if any.type_url == type_url::<PeriodicAllowance>() {
            return Ok(Self::Periodic(decode(any)?));
        }
        let shown: String = any.type_url.chars().take(100).collect();
        Err(invalid(format!(
            "unknown allowance type {shown:?}; use a basic or periodic allowance, perhaps inside an AllowedMsgAllowance"
        )))
    }

    pub fn to_any(&self) -> Any {
        match self {
            Self::Basic(basic) => pack(basic),
            Self::Periodic(periodic) => pack(periodic),
            Self::AllowedMsg(messages, inner) => {
                pack(&AllowedMsgAllowance { allowance: Some(inner.to_any()), allowed_messages: messages.clone() })
            }
        }
    }

    pub fn expiration(&self) -> Option<BlockTime> {
        match self {
            Self::Basic(basic) => time(basic.expiration.as_ref()),
            Self::Periodic(periodic) => time(periodic.basic.as_ref()?.expiration.as_ref()),
            Self::AllowedMsg(_, inner) => inner.expiration(),
        }
    }

    pub fn check(&self) -> Result<(), CodedError> {
        match self {
            Self::Basic(basic) => check_basic(basic),
            Self::Periodic(periodic) => check_periodic(periodic),
            Self::AllowedMsg(messages, inner) => {
                if messages.is_empty() || messages.len() > MAX_MESSAGES {
                    return Err(Error::NoMessages(MAX_MESSAGES).into());
                }
                inner.check()
            }
        }
    }

    /// The allowance after it paid `fee` at `now` for messages of these types; `None` when nothing is left of it.
    pub fn pay(&self, fee: &Coins, now: BlockTime, messages: &[&str]) -> Result<Option<Self>, CodedError> {
        match self {
            Self::Basic(basic) => pay_basic(basic, fee, now),
            Self::Periodic(periodic) => pay_periodic(periodic, fee, now),
            Self::AllowedMsg(allowed, inner) => {
                if messages.iter().any(|message| !allowed.iter().any(|allowed| allowed == message)) {
                    return Err(Error::MessageNotAllowed.into());
                }
                let left = inner.pay(fee, now, messages)?;
                Ok(left.map(|left| Self::AllowedMsg(allowed.clone(), Box::new(left))))
            }
        }
    }
}

fn check_time(timestamp: Option<&Timestamp>) -> Result<(), CodedError> {
    match timestamp {
        Some(given) if BlockTime::from_proto(given).is_none() => Err(invalid("a time has malformed nanoseconds")),
        _ => Ok(()),
    }
}

fn check_basic(basic: &BasicAllowance) -> Result<(), CodedError> {
    Coins::try_from_proto(&basic.spend_limit)?;
    check_time(basic.expiration.as_ref())
}

fn check_periodic(periodic: &PeriodicAllowance) -> Result<(), CodedError> {
    let basic = periodic.basic.as_ref().ok_or_else(|| invalid("the basic allowance is missing"))?;
    check_basic(basic)?;
    let limit = Coins::try_from_proto(&periodic.period_spend_limit)?;
    Coins::try_from_proto(&periodic.period_can_spend)?;
    if limit.is_empty() {
        return Err(sdk::Error::InvalidCoins("spend limit must be positive".into()).into());
    }
    let whole = Coins::try_from_proto(&basic.spend_limit)?;
    if !whole.is_empty() && limit.iter().any(|coin| whole.amount_of(coin.denom.as_str()).is_zero()) {
        return Err(sdk::Error::InvalidCoins(
            "period spend limit has different currency than basic spend limit".into(),
        )
        .into());
    }
    check_time(periodic.period_reset.as_ref())?;
    if period(periodic) == 0 { Err(Error::Duration.into()) } else { Ok(()) }
}

/// Seconds, rounded down.
fn period(periodic: &PeriodicAllowance) -> u64 {
    periodic.period.map_or(0, |period| u64::try_from(period.seconds).unwrap_or(0))
}

fn pay_basic(basic: &BasicAllowance, fee: &Coins, now: BlockTime) -> Result<Option<Allowance>, CodedError> {
    if time(basic.expiration.as_ref()).is_some_and(|end| end < now) {
        return Err(Error::Expired("basic allowance").into());
    }
    if basic.spend_limit.is_empty() {
        return Ok(Some(Allowance::Basic(basic.clone())));
    }
    let left =
        Coins::try_from_proto(&basic.spend_limit)?.checked_sub(fee).ok_or(Error::LimitExceeded("basic allowance"))?;
    Ok((!left.is_empty()).then(|| Allowance::Basic(BasicAllowance { spend_limit: left.to_proto(), ..basic.clone() })))
}

fn pay_periodic(periodic: &PeriodicAllowance, fee: &Coins, now: BlockTime) -> Result<Option<Allowance>, CodedError> {
    let mut basic = periodic.basic.clone().unwrap_or_default();
    if time(basic.expiration.as_ref()).is_some_and(|end| end < now) {
        return Err(Error::Expired("absolute limit").into());
    }
    let whole = Coins::try_from_proto(&basic.spend_limit)?;
    let (can_spend, reset) = renewed(periodic, &whole, now)?;
    let can_spend = can_spend.checked_sub(fee).ok_or(Error::LimitExceeded("period limit"))?;
    if !basic.spend_limit.is_empty() {
        let left = whole.checked_sub(fee).ok_or(Error::LimitExceeded("absolute limit"))?;
        if left.is_empty() {
            return Ok(None);
        }
        basic.spend_limit = left.to_proto();
    }
    Ok(Some(Allowance::Periodic(PeriodicAllowance {
        basic: Some(basic),
        period_can_spend: can_spend.to_proto(),
        period_reset: Some(reset.to_proto()),
        ..periodic.clone()
    })))
}

/// What the period that contains `now` has left, and when that period ends.
fn renewed(periodic: &PeriodicAllowance, whole: &Coins, now: BlockTime) -> Result<(Coins, BlockTime), CodedError> {
    let reset = time(periodic.period_reset.as_ref()).unwrap_or_default();
    if now < reset {
        return Ok((Coins::try_from_proto(&periodic.period_can_spend)?, reset));
    }
    let limit = Coins::try_from_proto(&periodic.period_spend_limit)?;
    let limit = if !whole.is_empty() && whole.checked_sub(&limit).is_none() { whole.clone() } else { limit };
    let next = reset.plus_seconds(period(periodic));
    // After a pause of more than a period the next one begins now.
    Ok((limit, if now > next { now.plus_seconds(period(periodic)) } else { next }))
}
