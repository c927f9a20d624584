//! `MsgUpdateParams` of the registry, by governance.

use ve_base::CodedError;
use ve_chain_identity::attester;
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::provider::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use ve_sdk::{Context, require_authority};

use crate::provider::{Error, params};

fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    msg.params.as_ref().ok_or_else(|| Error::Params("params are missing".into()).into())
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    let params = given(msg)?;
    let needed = usize::try_from(params.attestations).unwrap_or(usize::MAX);
    if params.require_domain && attester::sample(ctx, Kind::Domain, &[0; 32], needed)?.len() < needed {
        return Err(Error::Params("domains cannot be required with fewer attesters than must agree".into()).into());
    }
    params::store(ctx, params)?;
    Ok(MsgUpdateParamsResponse {})
}
