//! `MsgUpdateDeployment`: announces a new manifest. What runs goes on until the provider has applied it.

use ve_base::CodedError;
use ve_proto::ve::market::v1::{MsgUpdateDeployment, MsgUpdateDeploymentResponse};
use ve_sdk::Context;

use super::{active_deployment, check_hash};
use crate::deployment::ids::DeploymentId;
use crate::deployment::keys::DEPLOYMENTS;
use crate::deployment::{event, flow, resource};

pub fn check(msg: &MsgUpdateDeployment) -> Result<(), CodedError> {
    DeploymentId::new(&msg.owner, msg.dseq)?;
    Ok(check_hash(&msg.hash)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateDeployment) -> Result<MsgUpdateDeploymentResponse, CodedError> {
    let id = DeploymentId::new(&msg.owner, msg.dseq)?;
    let mut deployment = active_deployment(ctx, &id)?;
    deployment.hash.clone_from(&msg.hash);
    deployment.updated_height = ctx.height();
    DEPLOYMENTS.set(ctx, &id, &deployment)?;
    for lease in flow::live_leases(ctx, &id)? {
        let mut resource = resource::load(ctx, &lease)?;
        resource.spec_rev = resource.spec_rev.saturating_add(1);
        resource::save(ctx, &lease, &mut resource)?;
    }
    event::deployment(ctx, "updated", &id, None);
    Ok(MsgUpdateDeploymentResponse {})
}
