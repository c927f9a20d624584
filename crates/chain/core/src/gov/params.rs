//! Parameters, changed by governance itself, with bounds in code (finance spec section 14).

use ve_base::{Amount, BASE_DENOM, CodedError, Coin, Dec, Rounding, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::cosmos::gov::v1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// 1 VE.
const VE: u64 = 1_000_000;
const DAY: i64 = 86_400;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn coins(ve: u64) -> Vec<ProtoCoin> {
    vec![ProtoCoin { denom: BASE_DENOM.to_owned(), amount: ve.saturating_mul(VE).to_string() }]
}

pub fn default() -> Params {
    Params {
        min_deposit: coins(2_500),
        max_deposit_period: seconds(14 * DAY),
        voting_period: seconds(3 * DAY),
        quorum: "0.334".into(),
        threshold: "0.5".into(),
        veto_threshold: "0.334".into(),
        min_initial_deposit_ratio: "0.1".into(),
        proposal_cancel_ratio: "0.5".into(),
        proposal_cancel_dest: String::new(),
        expedited_voting_period: seconds(DAY),
        expedited_threshold: "0.667".into(),
        expedited_min_deposit: coins(12_500),
        burn_vote_quorum: false,
        burn_proposal_deposit_prevote: false,
        burn_vote_veto: true,
        min_deposit_ratio: "0.01".into(),
    }
}

fn invalid(cause: String) -> CodedError {
    Error::InvalidRequest(cause).into()
}

fn duration(name: &str, given: Option<prost_types::Duration>, low: i64, high: i64) -> Result<i64, CodedError> {
    let given = given.ok_or_else(|| invalid(format!("{name} is missing")))?;
    if given.nanos == 0 && (low..=high).contains(&given.seconds) {
        return Ok(given.seconds);
    }
    Err(invalid(format!("{name} must be whole seconds from {low} to {high}, got {}", given.seconds)))
}

/// Bounds in per mille.
fn ratio(name: &str, text: &str, low: u64, high: u64) -> Result<Dec, CodedError> {
    let value: Dec = text.parse().map_err(|cause| invalid(format!("{name}: {cause}")))?;
    let (low, high) = (Dec::from_parts(low, 3)?, Dec::from_parts(high, 3)?);
    if low <= value && value <= high {
        return Ok(value);
    }
    Err(invalid(format!("{name} must be from {low:#} to {high:#}, got {value:#}")))
}

/// One positive amount of the native coin, at most a million VE.
fn deposit(name: &str, coins: &[ProtoCoin]) -> Result<Amount, CodedError> {
    let [coin] = coins else { return Err(invalid(format!("{name} must be one amount of {BASE_DENOM}"))) };
    let coin = Coin::try_from(coin)?;
    let most = Amount::from(VE.saturating_mul(VE));
    if coin.denom.as_str() == BASE_DENOM && coin.amount >= Amount::from(VE) && coin.amount <= most {
        return Ok(coin.amount);
    }
    Err(invalid(format!("{name} must be from {VE}{BASE_DENOM} to {most}{BASE_DENOM}, got {coin}")))
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let regular = deposit("min_deposit", &params.min_deposit)?;
    if deposit("expedited_min_deposit", &params.expedited_min_deposit)? <= regular {
        return Err(invalid("expedited_min_deposit must be more than min_deposit".into()));
    }
    duration("max_deposit_period", params.max_deposit_period, 60, 60 * DAY)?;
    let voting = duration("voting_period", params.voting_period, 60, 30 * DAY)?;
    if duration("expedited_voting_period", params.expedited_voting_period, 30, 30 * DAY)? >= voting {
        return Err(invalid("expedited_voting_period must be shorter than voting_period".into()));
    }
    ratio("quorum", &params.quorum, 100, 900)?;
    let threshold = ratio("threshold", &params.threshold, 500, 900)?;
    if ratio("expedited_threshold", &params.expedited_threshold, 501, 1000)? <= threshold {
        return Err(invalid("expedited_threshold must be above threshold".into()));
    }
    ratio("veto_threshold", &params.veto_threshold, 100, 500)?;
    ratio("min_initial_deposit_ratio", &params.min_initial_deposit_ratio, 0, 1000)?;
    ratio("min_deposit_ratio", &params.min_deposit_ratio, 1, 1000)?;
    ratio("proposal_cancel_ratio", &params.proposal_cancel_ratio, 0, 1000)?;
    if !params.proposal_cancel_dest.is_empty() {
        return Err(invalid("proposal_cancel_dest must be empty: what a cancelled proposal loses is burned".into()));
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

/// A ratio of valid parameters.
pub fn dec(text: &str) -> Result<Dec, CodedError> {
    Ok(text.parse()?)
}

pub fn min_deposit(params: &Params, expedited: bool) -> Result<Amount, CodedError> {
    let coins = if expedited { &params.expedited_min_deposit } else { &params.min_deposit };
    deposit("min_deposit", coins)
}

/// The least first deposit of a proposal.
pub fn min_initial_deposit(params: &Params, expedited: bool) -> Result<Amount, CodedError> {
    Ok(dec(&params.min_initial_deposit_ratio)?.mul_ceil_amount(min_deposit(params, expedited)?)?)
}

/// The least that any deposit adds.
pub fn min_single_deposit(params: &Params) -> Result<Amount, CodedError> {
    Ok(dec(&params.min_deposit_ratio)?.mul_ceil_amount(min_deposit(params, false)?)?)
}

pub fn period(duration: Option<prost_types::Duration>) -> u64 {
    duration.map_or(0, |duration| u64::try_from(duration.seconds).unwrap_or(0))
}

/// ⌊amount × ratio⌋.
pub fn part(amount: Amount, ratio: Dec) -> Result<Amount, CodedError> {
    Ok(Dec::from_amount(amount)?.mul(ratio, Rounding::Truncate)?.to_amount(Rounding::Truncate)?)
}
