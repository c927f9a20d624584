//! The schedule, changed by governance within hard bounds.

use ve_base::{ACCOUNT_PREFIX, Address, CodedError, Denom};
use ve_proto::ve::take::v1::{DenomTakeRate, Params};
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

/// Most that all parts together may take (finance spec section 6).
pub const MAX_TOTAL_BPS: u32 = 3000;
const MAX_ENTRIES: usize = 100;

pub fn default() -> Params {
    Params {
        platform_bps: 500,
        network_bps: 100,
        denom_take_rates: vec![DenomTakeRate { denom: ve_base::BASE_DENOM.into(), bps: 200 }],
        default_take_rate_bps: 2000,
        exempt: Vec::new(),
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let rates = params.denom_take_rates.iter().map(|rate| rate.bps).chain([params.default_take_rate_bps]);
    for community in rates {
        let total = params.platform_bps.saturating_add(params.network_bps).saturating_add(community);
        if total > MAX_TOTAL_BPS {
            let text = format!("platform, network and community sum to {total} bps; the most is {MAX_TOTAL_BPS}");
            return Err(Error::Params(text).into());
        }
    }
    if params.denom_take_rates.len() > MAX_ENTRIES || params.exempt.len() > MAX_ENTRIES {
        return Err(
            Error::Params(format!("at most {MAX_ENTRIES} denominations and {MAX_ENTRIES} exempt payees")).into()
        );
    }
    if !params.denom_take_rates.is_sorted_by(|left, right| left.denom < right.denom) {
        return Err(Error::Params("sort denom_take_rates by denom, each denom once".into()).into());
    }
    for rate in &params.denom_take_rates {
        rate.denom.parse::<Denom>()?;
    }
    for payee in &params.exempt {
        Address::from_bech32(payee, ACCOUNT_PREFIX)
            .map_err(|cause| Error::Params(format!("exempt payee {payee:?}: {cause}")))?;
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
