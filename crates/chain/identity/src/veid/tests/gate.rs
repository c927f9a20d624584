use ve_base::{Address, CodedError};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::veid::v1::*;
use ve_proto::{Any, Message};
use ve_sdk::Context;
use ve_sdk::gate::MessageGate;

use super::{NOW, with_context};
use crate::veid::keys::WALLETS;
use crate::veid::{IdentityGate, actions, matrix, params};

/// An account of each tier.
fn account(tier: u32) -> Address {
    Address::from([u8::try_from(tier).expect("a tier"); 20])
}

fn wallet(tier: u32) -> Wallet {
    use ScopeType::{AddressProof, Email, FaceVideo, GovData, IdDocument, Selfie};
    let kinds = [IdDocument, Selfie, AddressProof, Email, FaceVideo, GovData];
    let scope = |kind: &ScopeType| CountedScope {
        scope_id: format!("{kind:?}"),
        r#type: (*kind).into(),
        expires_at: NOW + 1_000_000,
        high_assurance: false,
    };
    Wallet {
        owner: account(tier).to_string(),
        status: WalletStatus::Active.into(),
        state: VerificationState::Verified.into(),
        score_milli: [0, 60_000, 75_000, 95_000][tier as usize],
        scopes: kinds.iter().map(scope).collect(),
        active_at: NOW,
        announced_tier: tier,
        ..Wallet::default()
    }
}

/// Runs `body` on a state with a verified account of each tier and the whole matrix in force.
fn with_gate<T>(body: impl FnOnce(&mut Context<'_>) -> T) -> T {
    with_context(|ctx| {
        ctx.unmetered(|ctx| {
            let mut all = params::default();
            all.capabilities.iter_mut().for_each(|row| row.enforced = true);
            params::store(ctx, &all).expect("they are valid");
            for tier in 1..=3 {
                WALLETS.set(ctx, &account(tier), &wallet(tier)).expect("it is stored");
            }
        });
        body(ctx)
    })
}

fn ask(ctx: &mut Context<'_>, type_url: &str, value: Vec<u8>, tiers: &[u32]) -> Result<(), CodedError> {
    let signers: Vec<Address> = tiers.iter().map(|tier| account(*tier)).collect();
    IdentityGate.admit(ctx, &Any { type_url: type_url.into(), value }, &signers)
}

fn sends(ve: u64, denom: &str) -> Vec<u8> {
    let coin = Coin { denom: denom.into(), amount: (u128::from(ve) * 1_000_000).to_string() };
    MsgSend { amount: vec![coin], ..MsgSend::default() }.encode_to_vec()
}

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

#[test]
fn every_cell_of_the_matrix_decides_about_every_message_of_its_capability() {
    let mut seen = std::collections::BTreeSet::new();
    for type_url in actions::all() {
        let capability = actions::of(&type_url).expect("it has a row");
        for tier in 0..=3 {
            let cell = matrix::cell(&params::default(), capability, tier);
            let outcome = with_gate(|ctx| ask(ctx, &type_url, Vec::new(), &[tier]));
            assert_eq!(outcome.is_ok(), cell.allowed, "{type_url} at tier {tier}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(matches!(error.code, 9 | 10), "{type_url} at tier {tier}: {error}");
            }
            seen.insert((capability as i32, tier));
        }
    }
    // Withdrawals and private offerings have no messages yet that the chain handles.
    let capabilities: std::collections::BTreeSet<i32> = seen.iter().map(|(capability, _)| *capability).collect();
    assert_eq!(capabilities, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11].into(), "each with all four tiers");
}

#[test]
fn a_message_without_a_row_is_refused_to_everybody() {
    for tier in 0..=3 {
        let refused = with_gate(|ctx| ask(ctx, "/ve.future.v1.MsgAnything", Vec::new(), &[tier]));
        assert_eq!(refused.map_err(|error| error.code), Err(25));
    }
}

#[test]
fn every_account_in_whose_name_a_message_acts_is_asked() {
    with_gate(|ctx| {
        assert!(ask(ctx, "/cosmos.gov.v1.MsgVote", Vec::new(), &[3, 1]).is_ok());
        assert!(ask(ctx, "/cosmos.gov.v1.MsgVote", Vec::new(), &[3, 0]).is_err());
    });
}

#[test]
fn a_high_score_without_scopes_lacks_the_tier_and_scopes_without_the_score_lack_points() {
    with_gate(|ctx| {
        let few_points = ask(ctx, "/ve.market.v1.MsgCreateBid", Vec::new(), &[1]);
        assert_eq!(few_points.map_err(|error| error.code), Err(10));
        ctx.unmetered(|ctx| {
            let mut bare = wallet(3);
            bare.scopes.truncate(2);
            WALLETS.set(ctx, &account(3), &bare).expect("it is stored");
        });
        let few_scopes = ask(ctx, "/ve.market.v1.MsgCreateBid", Vec::new(), &[3]);
        assert_eq!(few_scopes.map_err(|error| error.code), Err(9));
    });
}

#[test]
fn amounts_add_up_within_a_day() {
    with_gate(|ctx| {
        assert!(ask(ctx, SEND, sends(60, "uve"), &[1]).is_ok());
        let more = ask(ctx, SEND, sends(41, "uve"), &[1]);
        assert_eq!(more.map_err(|error| error.code), Err(24), "split amounts are one");
        assert!(ask(ctx, SEND, sends(40, "uve"), &[1]).is_ok());
        assert!(ask(ctx, SEND, sends(u64::MAX, "uve"), &[3]).is_ok(), "tier 3 has no limit");
        assert!(ask(ctx, SEND, sends(1, "other"), &[2]).is_err(), "coins of unknown worth");
        assert!(ask(ctx, SEND, sends(1, "other"), &[3]).is_ok());
    });
}

#[test]
fn orders_are_counted_and_deposits_only_weighed() {
    with_gate(|ctx| {
        for _ in 0..5 {
            assert!(ask(ctx, "/ve.market.v1.MsgCreateDeployment", Vec::new(), &[1]).is_ok());
        }
        let sixth = ask(ctx, "/ve.market.v1.MsgCreateDeployment", Vec::new(), &[1]);
        assert_eq!(sixth.map_err(|error| error.code), Err(24));
        assert!(ask(ctx, "/ve.escrow.v1.MsgAccountDeposit", Vec::new(), &[1]).is_ok());
    });
}

#[test]
fn the_gate_costs_its_caller_nothing() {
    with_gate(|ctx| {
        ask(ctx, SEND, sends(1, "uve"), &[1]).expect("it is allowed");
        assert_eq!(ctx.gas().used(), 0);
    });
}

#[test]
fn a_use_stops_the_decay_and_gives_nothing_back() {
    with_gate(|ctx| {
        ctx.unmetered(|ctx| {
            let idle = Wallet { active_at: NOW - 120 * params::DAY, ..wallet(2) };
            WALLETS.set(ctx, &account(2), &idle).expect("it is stored");
        });
        ask(ctx, "/cosmos.gov.v1.MsgVote", Vec::new(), &[2]).expect("it may vote");
        let used = ctx.unmetered(|ctx| WALLETS.get(ctx, &account(2))).expect("it reads").expect("it is there");
        assert_eq!((used.score_milli, used.active_at, used.decay_steps), (73_500, NOW, 0));
    });
}
