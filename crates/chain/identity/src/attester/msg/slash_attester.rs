//! `MsgSlashAttester` and `MsgRevokeAttester`: what governance does with an attester that lied or lost its keys.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::{Context, require_authority};

use crate::attester::error::Error;
use crate::attester::registry;

pub fn check(msg: &MsgSlashAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    if (1..=10_000).contains(&msg.bps) {
        return Ok(());
    }
    Err(Error::Params(format!("bps must be from 1 to 10000, got {}", msg.bps)).into())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSlashAttester) -> Result<MsgSlashAttesterResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut attester = registry::require(ctx, &parse_account("attester", &msg.attester)?)?;
    let burned = registry::slash(ctx, &mut attester, msg.bps)?;
    registry::save(ctx, &attester, "attester_slashed")?;
    Ok(MsgSlashAttesterResponse { burned: burned.to_string() })
}

pub fn check_revoke(msg: &MsgRevokeAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester).map(|_| ())
}

pub fn revoke(ctx: &mut Context<'_>, msg: &MsgRevokeAttester) -> Result<MsgRevokeAttesterResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut attester = registry::require(ctx, &parse_account("attester", &msg.attester)?)?;
    registry::revoke(ctx, &mut attester, msg.compromised_since)?;
    registry::save(ctx, &attester, "attester_revoked")?;
    Ok(MsgRevokeAttesterResponse {})
}
