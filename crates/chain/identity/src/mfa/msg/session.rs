//! `MsgIssueSession` and `MsgRevokeSession`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;

use crate::mfa::error::Error;
use crate::mfa::session;

pub fn check_issue(msg: &MsgIssueSession) -> Result<(), CodedError> {
    parse_account("sender", &msg.sender).map(|_| ())
}

pub fn issue(ctx: &mut Context<'_>, msg: &MsgIssueSession) -> Result<MsgIssueSessionResponse, CodedError> {
    let session = session::issue(ctx, &msg.sender, &msg.challenge_ids)?;
    Ok(MsgIssueSessionResponse { session_id: session.id, expires_at: session.expires_at })
}

pub fn check_revoke(msg: &MsgRevokeSession) -> Result<(), CodedError> {
    parse_account("account", &msg.address).map(|_| ())
}

/// At once and without proof.
pub fn revoke(ctx: &mut Context<'_>, msg: &MsgRevokeSession) -> Result<MsgRevokeSessionResponse, CodedError> {
    if msg.session_id == 0 {
        session::revoke_all(ctx, &msg.address)?;
        return Ok(MsgRevokeSessionResponse {});
    }
    let mut session = session::require(ctx, msg.session_id)?;
    if session.address != msg.address || session.state() != SessionState::Active {
        return Err(Error::SessionUsed(session.id).into());
    }
    session::revoke(ctx, &mut session)?;
    Ok(MsgRevokeSessionResponse {})
}
