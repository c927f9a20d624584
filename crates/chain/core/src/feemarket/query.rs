//! Queries: `ve.feemarket.v1`, and `feemarket.feemarket.v1`, which wallets know (platform spec section 3.3).

use ve_base::{Amount, BASE_DENOM, CodedError, Coin, Dec, errors::sdk::Error};
use ve_proto::cosmos::base::v1beta1::{Coin as ProtoCoin, DecCoin};
use ve_proto::feemarket::feemarket::v1 as wallet;
use ve_proto::ve::feemarket::v1::*;
use ve_sdk::{QueryContext, Registrar};

use super::{course, params, price};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.feemarket.v1.Query/Params", parameters);
    registrar.query("/ve.feemarket.v1.Query/State", state);
    registrar.query("/ve.feemarket.v1.Query/SuggestFee", suggest_fee);
    registrar.query("/feemarket.feemarket.v1.Query/Params", wallet_params);
    registrar.query("/feemarket.feemarket.v1.Query/State", wallet_state);
    registrar.query("/feemarket.feemarket.v1.Query/GasPrice", gas_price);
    registrar.query("/feemarket.feemarket.v1.Query/GasPrices", gas_prices);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn state(ctx: &QueryContext<'_>, _: &QueryStateRequest) -> Result<QueryStateResponse, CodedError> {
    Ok(QueryStateResponse { state: Some(price::state(ctx)?) })
}

fn suggest_fee(
    ctx: &QueryContext<'_>,
    request: &QuerySuggestFeeRequest,
) -> Result<QuerySuggestFeeResponse, CodedError> {
    let price = price::base_fee(ctx)?;
    let times = |tenths: u64| -> Result<Option<ProtoCoin>, CodedError> {
        let raised = price.mul(Dec::from_parts(tenths, 1)?, ve_base::Rounding::Ceil)?;
        Ok(Some(Coin::native(raised.mul_ceil_amount(Amount::from(request.gas))?).to_proto()))
    };
    Ok(QuerySuggestFeeResponse { low: times(11)?, average: times(12)?, high: times(13)? })
}

/// Our parameters in the words of the other form. With a fixed rate nothing of it learns.
fn wallet_params(ctx: &QueryContext<'_>, _: &wallet::ParamsRequest) -> Result<wallet::ParamsResponse, CodedError> {
    let params = params::load(ctx)?;
    let rate = Dec::from_parts(u64::from(params.rate_bps), 4)?.to_mantissa();
    let max_gas = u64::try_from(ctx.block().consensus_params.block_max_gas).unwrap_or(0);
    let zero = || Dec::zero().to_mantissa();
    let learning = params.mode() == Mode::Aimd;
    let (alpha, beta, gamma) = match learning {
        true => (params.alpha.clone(), params.beta.clone(), params.gamma.clone()),
        false => (zero(), Dec::one().to_mantissa(), zero()),
    };
    let (slowest, fastest) = if learning { course::rates()? } else { (rate.clone(), rate) };
    Ok(wallet::ParamsResponse {
        params: Some(wallet::Params {
            alpha,
            beta,
            gamma,
            delta: zero(),
            min_base_gas_price: params.min_base_fee,
            min_learning_rate: slowest,
            max_learning_rate: fastest,
            max_block_utilization: max_gas,
            window: params.window.into(),
            fee_denom: BASE_DENOM.to_owned(),
            enabled: true,
            distribute_fees: true,
        }),
    })
}

fn wallet_state(ctx: &QueryContext<'_>, _: &wallet::StateRequest) -> Result<wallet::StateResponse, CodedError> {
    let state = price::state(ctx)?;
    let max_gas = u64::try_from(ctx.block().consensus_params.block_max_gas).unwrap_or(0);
    let gas = |used: &u32| max_gas.saturating_mul(u64::from(*used)).checked_div(10_000).unwrap_or(0);
    let fixed = Dec::from_parts(u64::from(params::load(ctx)?.rate_bps), 4)?.to_mantissa();
    let index = state.window_bps.len().saturating_sub(1) as u64;
    Ok(wallet::StateResponse {
        state: Some(wallet::State {
            base_gas_price: state.base_fee,
            learning_rate: if state.learning_rate.is_empty() { fixed } else { state.learning_rate },
            window: state.window_bps.iter().map(gas).collect(),
            index,
        }),
    })
}

fn native_price(ctx: &QueryContext<'_>) -> Result<DecCoin, CodedError> {
    Ok(DecCoin { denom: BASE_DENOM.to_owned(), amount: price::base_fee(ctx)?.to_mantissa() })
}

fn gas_price(
    ctx: &QueryContext<'_>,
    request: &wallet::GasPriceRequest,
) -> Result<wallet::GasPriceResponse, CodedError> {
    if request.denom != BASE_DENOM {
        let shown: String = request.denom.chars().take(140).collect();
        return Err(Error::InvalidRequest(format!("gas is paid in {BASE_DENOM}, not in {shown:?}")).into());
    }
    Ok(wallet::GasPriceResponse { price: Some(native_price(ctx)?) })
}

fn gas_prices(ctx: &QueryContext<'_>, _: &wallet::GasPricesRequest) -> Result<wallet::GasPricesResponse, CodedError> {
    Ok(wallet::GasPricesResponse { prices: vec![native_price(ctx)?] })
}
