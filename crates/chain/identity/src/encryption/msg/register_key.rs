//! `MsgRegisterKey`: one more key of the signer.

use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{MsgRegisterKey, MsgRegisterKeyResponse};
use ve_sdk::Context;

use crate::encryption::event;
use crate::encryption::registry::{Offered, id_of};

fn offered(msg: &MsgRegisterKey) -> Offered<'_> {
    Offered {
        owner: &msg.owner,
        suite: msg.suite,
        public_key: &msg.public_key,
        proof: &msg.proof_of_possession,
        label: &msg.label,
    }
}

pub fn check(msg: &MsgRegisterKey) -> Result<(), CodedError> {
    offered(msg).check().map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRegisterKey) -> Result<MsgRegisterKeyResponse, CodedError> {
    let key = offered(msg).register(ctx)?;
    event::logged(ctx, "key_registered", &key)?;
    Ok(MsgRegisterKeyResponse { key_id: id_of(&key) })
}
