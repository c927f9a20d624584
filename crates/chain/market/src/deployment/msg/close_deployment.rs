//! `MsgCloseDeployment`: the customer ends everything and gets back what is not spent.

use ve_base::CodedError;
use ve_proto::ve::market::v1::{MsgCloseDeployment, MsgCloseDeploymentResponse, Reason};
use ve_sdk::Context;

use crate::deployment::flow::{self, Cause};
use crate::deployment::ids::DeploymentId;

pub fn check(msg: &MsgCloseDeployment) -> Result<(), CodedError> {
    DeploymentId::new(&msg.owner, msg.dseq).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCloseDeployment) -> Result<MsgCloseDeploymentResponse, CodedError> {
    let id = DeploymentId::new(&msg.owner, msg.dseq)?;
    flow::close_deployment(ctx, &id, &Cause::new(Reason::Owner, &msg.owner))?;
    Ok(MsgCloseDeploymentResponse {})
}
