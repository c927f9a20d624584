//! `MsgRevokeDomain`: the provider gives up its domain.

use ve_base::CodedError;
use ve_proto::ve::provider::v1::{MsgRevokeDomain, MsgRevokeDomainResponse};
use ve_sdk::Context;

use crate::provider::domain;
use crate::text::address;

pub fn check(msg: &MsgRevokeDomain) -> Result<(), CodedError> {
    address("provider", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeDomain) -> Result<MsgRevokeDomainResponse, CodedError> {
    domain::lose(ctx, &address("provider", &msg.owner)?, "given up")?;
    Ok(MsgRevokeDomainResponse {})
}
