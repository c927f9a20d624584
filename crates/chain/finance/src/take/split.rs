//! How a gross amount divides.

use ve_base::Amount;
use ve_proto::ve::take::v1::Params;

use super::error::Error;

/// Parts of a gross amount; they sum to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub platform: Amount,
    pub network: Amount,
    pub community: Amount,
    /// The residual.
    pub provider: Amount,
}

/// Each part is truncated; what truncation leaves stays with the provider.
pub fn split(params: &Params, denom: &str, gross: Amount) -> Result<Split, Error> {
    let overflow = || Error::Overflow(format!("{gross}{denom}"));
    let share = |bps: u32| gross.mul_div(Amount::from(u64::from(bps)), Amount::from(10_000u64)).ok_or_else(overflow);
    let own_rate = params.denom_take_rates.iter().find(|rate| rate.denom == denom);
    let community = share(own_rate.map_or(params.default_take_rate_bps, |rate| rate.bps))?;
    let (platform, network) = (share(params.platform_bps)?, share(params.network_bps)?);
    let taken = platform.checked_add(network).and_then(|sum| sum.checked_add(community)).ok_or_else(overflow)?;
    let provider = gross.checked_sub(taken).ok_or_else(overflow)?;
    Ok(Split { platform, network, community, provider })
}
