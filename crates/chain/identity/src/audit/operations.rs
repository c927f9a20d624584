//! Random operations for the simulation.

use ve_base::Address;
use ve_proto::ve::audit::v1::MsgUpdateParams;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::params;

pub fn all() -> Vec<Operation> {
    vec![Operation { message: "/ve.audit.v1.MsgUpdateParams", weight: 1, generate: usurped_params }]
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
