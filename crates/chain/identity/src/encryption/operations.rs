//! Random operations for the simulation.

use ve_base::Address;
use ve_base::envelope::EncryptionKey;
use ve_proto::ve::encryption::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{KEYS, is_live};
use super::{params, registry};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.encryption.v1.MsgRegisterKey", weight: 2, generate: register },
        Operation { message: "/ve.encryption.v1.MsgRotateKey", weight: 2, generate: rotate },
        Operation { message: "/ve.encryption.v1.MsgRevokeKey", weight: 2, generate: revoke },
        Operation { message: "/ve.encryption.v1.MsgUpdateLabel", weight: 1, generate: label },
        Operation { message: "/ve.encryption.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

struct Fresh {
    suite: Suite,
    public_key: Vec<u8>,
    proof: Vec<u8>,
}

/// A new key with its proof; one in eight proofs is spoiled.
fn fresh(draw: &mut dyn Draw, ctx: &QueryContext<'_>, owner: &Address) -> Option<(Fresh, bool)> {
    let mut bytes = [0; 96];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&draw.next_u64().to_be_bytes());
    }
    let (secret, entropy) = bytes.split_at(32);
    let suite = if draw.below(4) == 0 { Suite::XWing } else { Suite::X25519 };
    let key = EncryptionKey::from_bytes(suite, secret.try_into().ok()?).ok()?;
    let mut proof = key.prove(ctx.chain_id(), &owner.to_string(), entropy.try_into().ok()?).ok()?;
    let good = draw.below(8) != 0;
    if !good {
        proof[0] ^= 1;
    }
    Some((Fresh { suite, public_key: key.public().ok()?.bytes().to_vec(), proof: proof.to_vec() }, good))
}

fn register(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let (key, good) = fresh(draw, ctx, signer)?;
    let message = MsgRegisterKey {
        owner: signer.to_string(),
        suite: key.suite.into(),
        public_key: key.public_key,
        proof_of_possession: key.proof,
        label: "laptop".into(),
    };
    Some(Proposed::new(signer, &message, if good { Expect::Either } else { Expect::Refused }))
}

/// A key that is live, or has ended when there is no other, of anybody.
fn any_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(Address, RecipientKey)> {
    let known: Vec<_> = KEYS.scan().entries(ctx).take(200).filter_map(Result::ok).collect();
    let live: Vec<_> = known.iter().filter(|(_, key)| is_live(key)).cloned().collect();
    let from = if live.is_empty() || draw.below(8) == 0 { &known } else { &live };
    pick(draw, from).map(|((owner, _), key)| (owner.clone(), key.clone()))
}

fn rotate(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, old) = any_key(draw, ctx)?;
    let (key, good) = fresh(draw, ctx, &owner)?;
    let message = MsgRotateKey {
        owner: owner.to_string(),
        old_key_id: registry::id_of(&old),
        suite: key.suite.into(),
        public_key: key.public_key,
        proof_of_possession: key.proof,
        label: String::new(),
    };
    Some(Proposed::new(&owner, &message, if good { Expect::Either } else { Expect::Refused }))
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (owner, key) = any_key(draw, ctx)?;
    let signer = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { owner.clone() };
    let message = MsgRevokeKey { owner: signer.to_string(), key_id: registry::id_of(&key) };
    Some(Proposed::new(&signer, &message, if signer == owner { Expect::Either } else { Expect::Refused }))
}

/// By its owner, or in one of four cases by anybody.
fn label(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (owner, key) = any_key(draw, ctx)?;
    let owner = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { owner };
    let message = MsgUpdateLabel { owner: owner.to_string(), key_id: registry::id_of(&key), label: "phone".into() };
    Some(Proposed::new(&owner, &message, Expect::Either))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
