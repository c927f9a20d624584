//! `MsgCreateDeployment`: groups with an order each, paid from one escrow account.

use ve_base::CodedError;
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::Context;

use super::{check_hash, positive};
use crate::deployment::error::Error;
use crate::deployment::ids::{DeploymentId, GroupId};
use crate::deployment::keys::{DEPLOYMENTS, GROUPS};
use crate::deployment::{activity, event, flow, spec};
use crate::text::shown;

pub fn check(msg: &MsgCreateDeployment) -> Result<(), CodedError> {
    DeploymentId::new(&msg.owner, msg.dseq)?;
    let deposit = positive(msg.deposit.as_ref())?;
    check_hash(&msg.hash)?;
    let refused = |group: &str, why: &str| Error::Spec { group: shown(group), why: why.into() };
    if msg.dseq == 0 {
        return Err(Error::Id("dseq 0".into()).into());
    }
    if msg.groups.is_empty() || msg.groups.len() > spec::MAX_GROUPS {
        return Err(refused("(all)", "a deployment has 1 to 20 groups").into());
    }
    for (index, group) in msg.groups.iter().enumerate() {
        let (denom, _) = spec::check_group(group)?;
        if denom != deposit.denom {
            return Err(refused(&group.name, "its prices are not in the coin of the deposit").into());
        }
        if msg.groups.iter().take(index).any(|earlier| earlier.name == group.name) {
            return Err(refused(&group.name, "two groups have this name").into());
        }
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCreateDeployment) -> Result<MsgCreateDeploymentResponse, CodedError> {
    let id = DeploymentId::new(&msg.owner, msg.dseq)?;
    activity::count(ctx, &id.owner, ActivityKind::Order)?;
    if DEPLOYMENTS.has(ctx, &id)? {
        return Err(Error::Exists(id.to_string()).into());
    }
    let deposit = positive(msg.deposit.as_ref())?;
    let terms = escrow::Terms::of_leases(ctx, msg.duration, &msg.conditions)?;
    escrow::create(ctx, &AccountId::deployment(&id), &id.owner, &id.owner, &deposit, terms)?;
    let deployment = Deployment {
        id: Some(id.to_proto()),
        state: DeploymentState::Active.into(),
        hash: msg.hash.clone(),
        denom: deposit.denom.to_string(),
        auto_reorder: msg.auto_reorder,
        created_at: ctx.time().unix(),
        updated_height: ctx.height(),
        closure: None,
    };
    DEPLOYMENTS.set(ctx, &id, &deployment)?;
    event::deployment(ctx, "created", &id, None);
    for (gseq, spec) in (1u32..).zip(&msg.groups) {
        let group_id = GroupId { deployment: id.clone(), gseq };
        let group = Group {
            id: Some(group_id.to_proto()),
            state: GroupState::Open.into(),
            spec: Some(spec.clone()),
            last_oseq: 0,
            created_at: ctx.time().unix(),
            updated_height: ctx.height(),
            closure: None,
        };
        GROUPS.set(ctx, &group_id, &group)?;
        event::group(ctx, "created", &group_id, None);
        flow::open_order(ctx, &group_id)?;
    }
    Ok(MsgCreateDeploymentResponse {})
}
