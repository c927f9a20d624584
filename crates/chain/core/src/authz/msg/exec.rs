//! `MsgExec`: messages of other accounts, sent by one that they allowed to.

use prost_types::Any;
use ve_base::{Address, CodedError, errors::sdk};
use ve_proto::cosmos::authz::v1beta1::{MsgExec, MsgExecResponse};
use ve_sdk::Context;
use ve_sdk::executor::run_inner;

use crate::authz::error::Error;
use crate::authz::{account, grants};

pub fn check(msg: &MsgExec) -> Result<(), CodedError> {
    account("grantee", &msg.grantee)?;
    if msg.msgs.is_empty() {
        return Err(sdk::Error::InvalidRequest("messages cannot be empty".into()).into());
    }
    Ok(())
}

pub fn inner(msg: &MsgExec) -> Vec<Any> {
    msg.msgs.clone()
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgExec) -> Result<MsgExecResponse, CodedError> {
    let grantee = account("grantee", &msg.grantee)?;
    let mut results = Vec::with_capacity(msg.msgs.len());
    for (index, message) in msg.msgs.iter().enumerate() {
        let response = one(ctx, &grantee, message).map_err(|error| CodedError {
            log: format!("failed to execute message; message {index}: {}", error.log),
            ..error
        })?;
        results.push(response.value);
    }
    Ok(MsgExecResponse { results })
}

fn one(ctx: &mut Context<'_>, grantee: &Address, message: &Any) -> Result<Any, CodedError> {
    let entry = ctx
        .registry()
        .message(&message.type_url)
        .ok_or_else(|| ve_sdk::admission::unknown_message(&message.type_url))?;
    let signers = entry.signers.read(&message.value)?;
    let [granter] = signers.as_slice() else {
        return Err(Error::SignerCount(message.type_url.clone(), signers.len()).into());
    };
    // What the grantee signs for itself needs nobody's leave.
    if granter != grantee {
        grants::spend(ctx, granter, grantee, message)?;
    }
    run_inner(ctx, message, &signers)
}
