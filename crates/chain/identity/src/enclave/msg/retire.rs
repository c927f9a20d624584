//! `MsgRetireEnclave`: a validator gives up an enclave; its keys are good until the overlap ends, or no more when it was
//! compromised.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::enclave::v1::{EnclaveStatus, MsgRetireEnclave, MsgRetireEnclaveResponse};
use ve_sdk::Context;

use crate::enclave::registry;

pub fn check(msg: &MsgRetireEnclave) -> Result<(), CodedError> {
    parse_account("validator", &msg.validator).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRetireEnclave) -> Result<MsgRetireEnclaveResponse, CodedError> {
    let enclave = registry::owned(ctx, msg.enclave_id, &msg.validator)?;
    if msg.compromised {
        registry::end(ctx, enclave, EnclaveStatus::Revoked, "enclave_revoked")?;
    } else {
        registry::rotate(ctx, enclave)?;
    }
    Ok(MsgRetireEnclaveResponse {})
}
