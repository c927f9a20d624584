//! Random operations for the simulation.

use ve_base::Address;
use ve_proto::ve::admission::v1::MsgUpdateParams;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

pub fn all() -> Vec<Operation> {
    vec![Operation { message: "/ve.admission.v1.MsgUpdateParams", weight: 1, generate: usurped_params }]
}

/// Nobody but governance changes the quotas.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
