//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError, Coin};
use ve_proto::ve::market::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

pub fn default() -> Params {
    Params {
        max_open_bids: 20,
        max_open_orders: 50,
        order_seconds: 5000,
        bid_seconds: 600,
        provision_seconds: 1800,
        bid_deposit: Some(Coin::native(Amount::from(500_000u64)).to_proto()),
        min_runway_seconds: 3600,
        orders_per_block: 5,
        bids_per_block: 10,
        max_timers_per_block: 1000,
        orders_per_minute: 20,
        bids_per_minute: 50,
        cooldown_count: 5,
        cooldown_percent: 80,
        cooldown_window_seconds: 500,
        cooldown_seconds: 500,
        suspended_rate_bps: 3000,
        operation_seconds: 3600,
        force_seconds: 86_400,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {low} to {high}, got {value}")))
    };
    within("max_open_bids", u64::from(params.max_open_bids), 1, 500)?;
    within("max_open_orders", u64::from(params.max_open_orders), 1, 1000)?;
    within("order_seconds", params.order_seconds, 1, 30 * 86_400)?;
    within("bid_seconds", params.bid_seconds, 1, 86_400)?;
    within("provision_seconds", params.provision_seconds, 1, 86_400)?;
    within("min_runway_seconds", params.min_runway_seconds, 1, 30 * 86_400)?;
    within("orders_per_block", u64::from(params.orders_per_block), 1, 1000)?;
    within("bids_per_block", u64::from(params.bids_per_block), 1, 1000)?;
    within("max_timers_per_block", u64::from(params.max_timers_per_block), 1, 10_000)?;
    within("orders_per_minute", u64::from(params.orders_per_minute), 1, 1000)?;
    within("bids_per_minute", u64::from(params.bids_per_minute), 1, 1000)?;
    within("cooldown_count", u64::from(params.cooldown_count), 1, 1000)?;
    within("cooldown_percent", u64::from(params.cooldown_percent), 1, 100)?;
    within("cooldown_window_seconds", params.cooldown_window_seconds, 1, 86_400)?;
    within("cooldown_seconds", params.cooldown_seconds, 0, 86_400)?;
    within("suspended_rate_bps", u64::from(params.suspended_rate_bps), 1, 10_000)?;
    within("operation_seconds", params.operation_seconds, 60, 86_400)?;
    within("force_seconds", params.force_seconds, 3600, 7 * 86_400)?;
    bid_deposit(params)?;
    Ok(())
}

pub fn bid_deposit(params: &Params) -> Result<Coin, CodedError> {
    let given = params.bid_deposit.as_ref().ok_or_else(|| Error::Params("bid_deposit is missing".into()))?;
    Coin::try_from(given)
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
