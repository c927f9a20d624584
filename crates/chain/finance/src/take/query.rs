//! Queries of `ve.take.v1`.

use ve_base::{ACCOUNT_PREFIX, Address, Amount, CodedError, Coin, errors::sdk::Error};
use ve_proto::ve::take::v1::*;
use ve_sdk::{QueryContext, Registrar};

use super::params;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.take.v1.Query/Params", parameters);
    registrar.query("/ve.take.v1.Query/FeeQuote", fee_quote);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn fee_quote(ctx: &QueryContext<'_>, request: &QueryFeeQuoteRequest) -> Result<QueryFeeQuoteResponse, CodedError> {
    let denom: ve_base::Denom = request.denom.parse()?;
    let amount: Amount = request.amount.parse()?;
    let parts = if request.payee.is_empty() {
        super::split(&params::load(ctx)?, denom.as_str(), amount)?
    } else {
        let payee = Address::from_bech32(&request.payee, ACCOUNT_PREFIX)
            .map_err(|cause| Error::InvalidAddress(format!("payee {:?}: {cause}", request.payee)))?;
        super::quote(ctx, &payee, &Coin::new(denom.clone(), amount))?
    };
    let coin = |amount| Some(Coin::new(denom.clone(), amount).to_proto());
    Ok(QueryFeeQuoteResponse {
        platform: coin(parts.platform),
        network: coin(parts.network),
        community: coin(parts.community),
        provider: coin(parts.provider),
    })
}
