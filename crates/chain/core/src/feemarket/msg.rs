//! `MsgUpdateParams`: governance replaces the parameters. The price moves into the new bounds at once.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::ve::feemarket::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params, State};
use ve_sdk::{Context, require_authority};

use super::keys::STATE;
use super::{params, price};

fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    Ok(msg.params.as_ref().ok_or_else(|| Error::InvalidRequest("params are missing; give all of them".into()))?)
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    let params = given(msg)?;
    params::store(ctx, params)?;
    let bounded = price::base_fee(ctx)?.clamp(params::min_base_fee(params)?, params::max_base_fee(params)?);
    let state = State { base_fee: bounded.to_mantissa(), ..price::state(ctx)? };
    STATE.set(ctx, &state)?;
    Ok(MsgUpdateParamsResponse {})
}
