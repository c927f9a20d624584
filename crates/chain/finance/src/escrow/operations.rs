//! Random operations for the simulation.

use ve_base::{Address, Amount, Coin};
use ve_proto::Any;
use ve_proto::ve::escrow::v1::{MsgAccountDeposit, MsgUpdateParams, MsgWithdrawPayment};
use ve_proto::{Message, Name};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use super::keys::{ACCOUNTS, OPEN_PAYMENTS, PAYMENTS};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.escrow.v1.MsgAccountDeposit", weight: 20, generate: deposit },
        Operation { message: "/ve.escrow.v1.MsgWithdrawPayment", weight: 20, generate: withdraw },
        Operation { message: "/ve.escrow.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

fn pick<T: Clone>(draw: &mut dyn Draw, items: &[T]) -> Option<T> {
    usize::try_from(draw.below(items.len() as u64)).ok().and_then(|index| items.get(index)).cloned()
}

fn propose<M: Message + Name>(signer: Address, message: &M, expect: Expect) -> Proposed {
    let message = Any { type_url: ve_sdk::type_url::<M>(), value: message.encode_to_vec() };
    Proposed { signer, message, expect }
}

fn deposit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let ids: Vec<_> = ACCOUNTS.scan().entries(ctx).take(200).filter_map(Result::ok).map(|(id, _)| id).collect();
    let (id, signer) = (pick(draw, &ids)?, pick(draw, accounts)?);
    let amount = Amount::from(draw.below(2_000_000).saturating_add(1));
    let message = MsgAccountDeposit {
        depositor: signer.to_string(),
        account: Some(id.to_proto()),
        amount: Some(Coin::native(amount).to_proto()),
    };
    Some(propose(signer, &message, Expect::Either))
}

fn withdraw(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let keys: Vec<_> = OPEN_PAYMENTS.iter(ctx).take(200).filter_map(Result::ok).map(|(key, ())| key).collect();
    let key = pick(draw, &keys)?;
    let payment = PAYMENTS.get(ctx, &key).ok()??;
    // One in eight withdrawals is somebody else's.
    let thief = draw.below(8) == 0;
    let signer = if thief { pick(draw, accounts)? } else { payment.payee.clone() };
    let expect = if signer == payment.payee { Expect::Either } else { Expect::Refused };
    let message =
        MsgWithdrawPayment { payee: signer.to_string(), account: Some(key.0.to_proto()), payment: key.1.clone() };
    Some(propose(signer, &message, expect))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    Some(propose(signer, &message, Expect::Refused))
}
