//! Random operations for the simulation.

use ve_base::{Address, Amount, Coin};
use ve_proto::Any;
use ve_proto::ve::escrow::v1::{
    MsgAccountDeposit, MsgApproveRelease, MsgDisputeEscrow, MsgRefundEscrow, MsgReleaseEscrow, MsgResolveDispute,
    MsgUpdateParams, MsgWithdrawPayment,
};
use ve_proto::{Message, Name};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use super::keys::{ACCOUNTS, OPEN_PAYMENTS, PAYMENTS};
use super::types::{Account, AccountId, Payment, Scope};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.escrow.v1.MsgAccountDeposit", weight: 20, generate: deposit },
        Operation { message: "/ve.escrow.v1.MsgWithdrawPayment", weight: 20, generate: withdraw },
        Operation { message: "/ve.escrow.v1.MsgReleaseEscrow", weight: 4, generate: release },
        Operation { message: "/ve.escrow.v1.MsgApproveRelease", weight: 3, generate: approve },
        Operation { message: "/ve.escrow.v1.MsgRefundEscrow", weight: 4, generate: refund },
        Operation { message: "/ve.escrow.v1.MsgDisputeEscrow", weight: 4, generate: dispute },
        Operation { message: "/ve.escrow.v1.MsgResolveDispute", weight: 3, generate: resolve },
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

/// One of the first open payments with its account.
fn some_payment(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(AccountId, Payment, Account)> {
    let keys: Vec<_> = OPEN_PAYMENTS.iter(ctx).take(200).filter_map(Result::ok).map(|(key, ())| key).collect();
    let key = pick(draw, &keys)?;
    let (payment, account) = (PAYMENTS.get(ctx, &key).ok()??, ACCOUNTS.get(ctx, &key.0).ok()??);
    Some((key.0, payment, account))
}

/// One of the first live accounts of deployments for which `wanted` holds.
fn some_account(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    wanted: impl Fn(&Account) -> bool,
) -> Option<(AccountId, Account)> {
    let known = ACCOUNTS.scan().entries(ctx).take(1000).filter_map(Result::ok);
    let known: Vec<_> =
        known.filter(|(id, account)| id.scope() == Scope::Deployment && wanted(account)).take(100).collect();
    pick(draw, &known)
}

/// The owner, or in one of eight cases anybody, releases a little.
fn release(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (id, payment, account) = some_payment(draw, ctx)?;
    let signer = if draw.below(8) == 0 { pick(draw, accounts)? } else { account.owner };
    let amount = Coin::native(Amount::from(draw.below(10_000).saturating_add(1)));
    let message = MsgReleaseEscrow {
        depositor: signer.to_string(),
        account: Some(id.to_proto()),
        payment: payment.xid,
        amount: Some(amount.to_proto()),
    };
    Some(propose(signer, &message, Expect::Either))
}

fn approve(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let waits = |account: &Account| account.is_live() && account.conditions.iter().any(|one| one.signatures.is_some());
    let (id, account) = some_account(draw, ctx, waits)?;
    let asked: Vec<String> = account
        .conditions
        .iter()
        .filter_map(|one| one.signatures.as_ref())
        .flat_map(|all| all.signers.clone())
        .collect();
    let asked: Vec<Address> = accounts.iter().filter(|known| asked.contains(&known.to_string())).cloned().collect();
    let signer = if draw.below(4) == 0 { pick(draw, accounts)? } else { pick(draw, &asked)? };
    let message = MsgApproveRelease { signer: signer.to_string(), account: Some(id.to_proto()) };
    Some(propose(signer, &message, Expect::Either))
}

/// A payee gives back earnings, or a customer takes back a deposit.
fn refund(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (signer, id, payment) = if draw.below(2) == 0 {
        let (id, payment, _) = some_payment(draw, ctx)?;
        (payment.payee, id, payment.xid)
    } else {
        let (id, account) = some_account(draw, ctx, |account| account.is_live())?;
        (account.owner, id, String::new())
    };
    let message = MsgRefundEscrow { sender: signer.to_string(), account: Some(id.to_proto()), payment };
    Some(propose(signer, &message, Expect::Either))
}

fn dispute(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (id, payment, account) = some_payment(draw, ctx)?;
    let signer = match draw.below(8) {
        0 => pick(draw, accounts)?,
        1..4 => payment.payee.clone(),
        _ => account.owner.clone(),
    };
    let party = signer == payment.payee || signer == account.owner;
    let amount = Coin::native(Amount::from(draw.below(200_000).saturating_add(1)));
    let message = MsgDisputeEscrow {
        sender: signer.to_string(),
        account: Some(id.to_proto()),
        payment: payment.xid,
        amount: Some(amount.to_proto()),
        statement_hash: vec![9; 32],
    };
    Some(propose(signer, &message, if party { Expect::Either } else { Expect::Refused }))
}

/// A party gives in, or tries to decide in its own favour.
fn resolve(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let (id, account) = some_account(draw, ctx, |account| !account.disputes.is_empty())?;
    let dispute = pick(draw, &account.disputes)?;
    let by_owner = draw.below(2) == 0;
    let signer = if by_owner { account.owner.clone() } else { dispute.payee.clone() };
    let concedes = draw.below(4) > 0;
    let to_payee = if by_owner == concedes { dispute.amount } else { Amount::ZERO };
    let message = MsgResolveDispute {
        sender: signer.to_string(),
        account: Some(id.to_proto()),
        dispute: dispute.id,
        to_payee: to_payee.to_string(),
    };
    let alone = account.owner == dispute.payee;
    Some(propose(signer, &message, if concedes || alone { Expect::Either } else { Expect::Refused }))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    Some(propose(signer, &message, Expect::Refused))
}
