//! Gates of higher modules are asked about every message, however it arrives (incident C4).

mod common;

use std::sync::Arc;

use common::{World, address, coins_of};
use prost::Message;
use prost_types::Any;
use ve_base::{Address, CodedError, errors::sdk};
use ve_chain_core::bank;
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_sdk::Context;
use ve_sdk::gate::MessageGate;
use ve_sdk::hooks::Hooks;

/// Account 1 is suspended: it moves nothing.
struct Suspension;

impl MessageGate for Suspension {
    fn admit(&self, _: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError> {
        if message.type_url == "/cosmos.bank.v1beta1.MsgSend" && signers.contains(&address(1)) {
            return Err(sdk::Error::Unauthorized("the account is suspended".into()).into());
        }
        Ok(())
    }
}

fn any<M: Message + prost::Name>(message: &M) -> Any {
    Any { type_url: ve_sdk::type_url::<M>(), value: message.encode_to_vec() }
}

fn send(from: u8) -> Any {
    any(&MsgSend {
        from_address: address(from).to_string(),
        to_address: address(9).to_string(),
        amount: coins_of("1uve").to_proto(),
    })
}

/// `granter` lets account 3 send transfers.
fn grant(granter: u8) -> MsgGrant {
    let authorization = Some(any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() }));
    MsgGrant {
        granter: address(granter).to_string(),
        grantee: address(3).to_string(),
        grant: Some(Grant { authorization, expiration: None }),
    }
}

fn exec(grantee: u8, message: Any) -> MsgExec {
    MsgExec { grantee: address(grantee).to_string(), msgs: vec![message] }
}

#[test]
fn what_a_gate_refuses_directly_it_refuses_inside_other_messages() {
    let mut hooks = Hooks::default();
    hooks.add::<dyn MessageGate>(Arc::new(Suspension));
    let mut world = World::new(hooks);
    for owner in [1, 2] {
        world.endow(&address(owner), "10uve");
        world.execute(&grant(owner)).expect("a grant is no transfer");
    }
    world.execute(&exec(3, send(2))).expect("account 2 is not suspended");
    let error = world.execute(&exec(3, send(1))).expect_err("the granter is suspended");
    assert!(error.log.contains("suspended"), "{}", error.log);
    let nested = exec(3, any(&exec(3, send(1))));
    let error = world.execute(&nested).expect_err("two levels change nothing");
    assert!(error.log.contains("suspended"), "{}", error.log);
    assert_eq!(bank::balance(&world.ctx(), &address(1), "uve"), Ok(ve_base::Amount::from(10u64)));
    world.check();
}
