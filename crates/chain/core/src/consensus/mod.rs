//! Parameters of consensus, which headers commit to: size and gas of blocks, age of evidence. They are kept with the
//! last block; a change takes effect in the next one.

mod keys;
mod params;

use serde_json::{Value, json};
use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::consensus::v1::{
    MsgUpdateParams, MsgUpdateParamsResponse, QueryParamsRequest, QueryParamsResponse,
};
use ve_proto::tendermint::types::ConsensusParams as Proto;
use ve_sdk::application::{ConsensusParams, ValidatorUpdate};
use ve_sdk::{Context, Module, QueryContext, Registrar, require_authority};

use crate::staking;
use keys::UPDATE;

pub struct Consensus;

impl Module for Consensus {
    fn name(&self) -> &'static str {
        "consensus"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(check, execute);
        registrar.query("/cosmos.consensus.v1.Query/Params", parameters);
    }

    /// The parameters stand beside `app_state` in a genesis file.
    fn default_genesis(&self) -> Value {
        json!({})
    }

    fn init_genesis(&self, _: &mut Context<'_>, _: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        Ok(Vec::new())
    }

    fn export_genesis(&self, _: &QueryContext<'_>) -> Result<Value, CodedError> {
        Ok(json!({}))
    }
}

/// The parameters from the next block on, if this block changed them. Asked once, after the end of the block.
pub fn take_update(ctx: &mut Context<'_>) -> Result<Option<ConsensusParams>, CodedError> {
    let Some(update) = UPDATE.get(ctx)? else { return Ok(None) };
    UPDATE.remove(ctx)?;
    let current = &ctx.block().consensus_params;
    Ok(Some(params::from_proto(&update, current.app_version)?))
}

/// Seconds for which evidence counts, after what this block has decided so far.
pub fn evidence_seconds(ctx: &Context<'_>) -> Result<u64, CodedError> {
    let decided = UPDATE.get(ctx)?.and_then(|update| update.evidence).and_then(|evidence| evidence.max_age_duration);
    let seconds = decided.map_or(ctx.block().consensus_params.evidence_max_age_secs, |age| age.seconds);
    Ok(u64::try_from(seconds).unwrap_or(0))
}

fn given(msg: &MsgUpdateParams) -> Proto {
    Proto { block: msg.block, evidence: msg.evidence, validator: msg.validator.clone(), version: None, abci: msg.abci }
}

fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(&given(msg))
}

fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut wanted = given(msg);
    let height = ctx.block().consensus_params.vote_extensions_enable_height;
    let abci = wanted.abci.get_or_insert_default();
    if msg.abci.is_none() {
        abci.vote_extensions_enable_height = height;
    }
    let wished = abci.vote_extensions_enable_height;
    let next = i64::try_from(ctx.height()).unwrap_or(i64::MAX);
    if wished != height && (height != 0 || wished <= next) {
        return Err(Error::InvalidRequest(
            "vote extensions are enabled once, from a height in the future, and stay".into(),
        )
        .into());
    }
    let age = wanted.evidence.and_then(|evidence| evidence.max_age_duration).unwrap_or_default().seconds;
    staking::covers_evidence(ctx, u64::try_from(age).unwrap_or(0))?;
    UPDATE.set(ctx, &wanted)?;
    Ok(MsgUpdateParamsResponse {})
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::to_proto(&ctx.block().consensus_params)) })
}
