//! Random operations for the simulation.

use ve_base::Address;
use ve_proto::Any;
use ve_proto::Message;
use ve_proto::ve::take::v1::MsgUpdateParams;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

pub fn all() -> Vec<Operation> {
    vec![Operation { message: "/ve.take.v1.MsgUpdateParams", weight: 1, generate: usurped_params }]
}

/// Nobody but governance changes the schedule.
fn usurped_params(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let index = usize::try_from(draw.below(accounts.len() as u64)).ok()?;
    let signer = accounts.get(index)?.clone();
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    let any = Any { type_url: "/ve.take.v1.MsgUpdateParams".into(), value: message.encode_to_vec() };
    Some(Proposed { signer, message: any, expect: Expect::Refused })
}
