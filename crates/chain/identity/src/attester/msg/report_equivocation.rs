//! `MsgReportEquivocation`: an attester that signed two different things under one nonce loses part of its bond and its
//! right to attest. Anybody may show it, as long as the bond is there.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::Context;

use crate::attester::error::Error;
use crate::attester::{params, registry, statement};

fn both(msg: &MsgReportEquivocation) -> Result<(&Attestation, &Attestation), Error> {
    msg.first.as_ref().zip(msg.second.as_ref()).ok_or(Error::NoEquivocation("one of them is missing"))
}

pub fn check(msg: &MsgReportEquivocation) -> Result<(), CodedError> {
    parse_account("reporter", &msg.reporter)?;
    let (first, second) = both(msg)?;
    if first.issuer != second.issuer || first.nonce != second.nonce {
        return Err(Error::NoEquivocation("issuer or nonce differ").into());
    }
    statement::check(first)?;
    statement::check(second)
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgReportEquivocation,
) -> Result<MsgReportEquivocationResponse, CodedError> {
    let (first, second) = both(msg)?;
    if statement::is_signed(ctx, first)? == statement::is_signed(ctx, second)? {
        return Err(Error::NoEquivocation("they say the same").into());
    }
    let mut attester = registry::require(ctx, &parse_account("issuer", &first.issuer)?)?;
    if attester.state() == AttesterState::Revoked {
        return Err(registry::illegal(&attester, "it was punished already").into());
    }
    let burned = registry::slash(ctx, &mut attester, params::load(ctx)?.equivocation_bps)?;
    let since = first.issued_at.min(second.issued_at).max(1);
    registry::revoke(ctx, &mut attester, since)?;
    registry::save(ctx, &attester, "attester_equivocated")?;
    Ok(MsgReportEquivocationResponse { burned: burned.to_string() })
}
