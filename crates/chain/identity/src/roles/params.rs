//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError};
use ve_proto::ve::roles::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

const DAY: u64 = 86_400;
/// Highest `max_roles` that governance may set: there are seven roles.
pub const MOST_ROLES: u32 = 7;

pub fn default() -> Params {
    Params {
        flag_review_seconds: 7 * DAY,
        action_expiry_seconds: 7 * DAY,
        ratification_seconds: 14 * DAY,
        residual_after_seconds: 30 * DAY,
        max_delegation_seconds: 90 * DAY,
        max_roles: 5,
        max_open_actions: 20,
        max_delegations: 20,
        flagged_outflow: "10000000000".into(),
    }
}

pub fn outflow(params: &Params) -> Result<Amount, CodedError> {
    Ok(params.flagged_outflow.parse::<Amount>()?)
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {least} to {most}, got {value}")))
    };
    within("flag_review_seconds", params.flag_review_seconds, DAY, 30 * DAY)?;
    within("action_expiry_seconds", params.action_expiry_seconds, 4 * DAY, 30 * DAY)?;
    within("ratification_seconds", params.ratification_seconds, DAY, 60 * DAY)?;
    within("residual_after_seconds", params.residual_after_seconds, DAY, 90 * DAY)?;
    within("max_delegation_seconds", params.max_delegation_seconds, DAY, 365 * DAY)?;
    within("max_roles", params.max_roles.into(), 1, MOST_ROLES.into())?;
    within("max_open_actions", params.max_open_actions.into(), 1, 1000)?;
    within("max_delegations", params.max_delegations.into(), 1, 1000)?;
    outflow(params).map(|_| ())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
