//! `MsgRevokeDomain`: the provider gives up its domain.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgRevokeDomain, MsgRevokeDomainResponse};
use ve_sdk::Context;

use crate::provider::domain;

pub fn check(msg: &MsgRevokeDomain) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeDomain) -> Result<MsgRevokeDomainResponse, CodedError> {
    domain::lose(ctx, &parse_account("provider", &msg.owner)?, "given up")?;
    Ok(MsgRevokeDomainResponse {})
}
