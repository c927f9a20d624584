//! What accounts that are not active can do: every cell, and every way around.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use prost_types::Any;
use ve_base::Address;
use ve_base::keys::{Multisig, PublicKey};
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::crypto::multisig::v1beta1::CompactBitArray;
use ve_proto::cosmos::feegrant::v1beta1::{BasicAllowance, MsgGrantAllowance};
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use ve_proto::ve::roles::v1::*;
use ve_sdk::context::{BlockInfo, Context, Mode, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::gate::MessageGate as _;
use ve_store::{MemoryState, Overlay};
use ve_testkit::chain::{Account, TestChain, any};
use ve_testkit::simulation::Simulation;

const STATES: [AccountState; 4] =
    [AccountState::Active, AccountState::Flagged, AccountState::Suspended, AccountState::Terminated];

/// What a suspended account may still send (identity spec section 8), whether or not this network has it.
const SUSPENDED_MAY: &[&str] = &[
    "/cosmos.staking.v1beta1.MsgUndelegate",
    "/ve.mfa.v1.MsgVetoRecovery",
    "/ve.roles.v1.MsgAppealState",
    "/ve.veid.v1.MsgSubmitAppeal",
    "/ve.veid.v1.MsgUpdateConsent",
    "/ve.veid.v1.MsgWithdrawAppeal",
];
/// What opens new business, which a flagged account may not.
const ORDERS: &[&str] =
    &["/ve.market.v1.MsgAcceptBid", "/ve.market.v1.MsgCreateDeployment", "/ve.market.v1.MsgStartGroup"];
/// What the table of section 6 calls High or Critical, or gives power over keys and others' business.
const HIGH: &[&str] = &[
    "/cosmos.gov.v1.MsgSubmitProposal",
    "/cosmos.gov.v1beta1.MsgSubmitProposal",
    "/cosmos.staking.v1beta1.MsgCreateValidator",
    "/ve.attester.v1.MsgAddSignerKey",
    "/ve.attester.v1.MsgApproveAttester",
    "/ve.attester.v1.MsgRegisterAttester",
    "/ve.attester.v1.MsgRevokeAttester",
    "/ve.attester.v1.MsgSlashAttester",
    "/ve.enclave.v1.MsgRegisterEnclave",
    "/ve.escrow.v1.MsgResolveDispute",
    "/ve.mfa.v1.MsgCompleteRecovery",
    "/ve.mfa.v1.MsgInitiateRecovery",
    "/ve.mfa.v1.MsgRevokeFactor",
    "/ve.mfa.v1.MsgRotateKey",
    "/ve.mfa.v1.MsgSetPolicy",
    "/ve.mfa.v1.MsgUpdateActionConfig",
    "/ve.provider.v1.MsgAddProviderKey",
    "/ve.provider.v1.MsgCreateProvider",
    "/ve.roles.v1.MsgApproveAction",
    "/ve.roles.v1.MsgExecuteAction",
    "/ve.roles.v1.MsgGrantDelegation",
    "/ve.roles.v1.MsgProposeAction",
    "/ve.roles.v1.MsgVetoAction",
    "/ve.veid.v1.MsgClaimAppeal",
    "/ve.veid.v1.MsgRebindWallet",
    "/ve.veid.v1.MsgRegisterClient",
    "/ve.veid.v1.MsgResolveAppeal",
    "/ve.veid.v1.MsgRevokeClient",
    "/ve.veid.v1.MsgUpdateClient",
];

fn status(account: &Address, state: AccountState) -> serde_json::Value {
    serde_json::json!({
        "account": account.to_string(),
        "state": state.as_str_name(),
        "since": "1750000000",
        "cause": "action/1",
        "review_until": if state == AccountState::Flagged { "1750600000" } else { "0" },
        "outflow": "0",
        "outflow_since": "1750000000",
    })
}

/// The message with the account as its signer and nothing else.
fn signed_by(type_url: &str, signer: &Address) -> Any {
    let descriptor =
        ve_proto::descriptors().get_message_by_name(type_url.trim_start_matches('/')).expect("it has a schema");
    let extension = ve_proto::descriptors().get_extension_by_name("cosmos.msg.v1.signer").expect("an option");
    let options = descriptor.options();
    let names = options.get_extension(&extension);
    let mut message = DynamicMessage::new(descriptor.clone());
    for name in names.as_list().into_iter().flatten().filter_map(Value::as_str) {
        let field = descriptor.get_field_by_name(name).expect("the field exists");
        // Signers inside of fields (inputs of a multi-send) are left to the test of transfers.
        if field.kind().as_message().is_none() {
            message.set_field(&field, Value::String(signer.to_string()));
        }
    }
    Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }
}

#[test]
fn every_message_has_a_row_and_each_cell_of_message_and_state_is_as_specified() {
    let chain = TestChain::new(1);
    let response: QueryMessageClassesResponse =
        chain.query("/ve.roles.v1.Query/MessageClasses", &QueryMessageClassesRequest {}).expect("served");
    let rows: BTreeSet<String> = response.messages.into_iter().map(|row| row.type_url).collect();
    let gate = ve_chain_identity::roles::gate::AccountGate;
    for state in STATES {
        in_state(state, |ctx, account| {
            for name in ctx.registry().message_types() {
                assert!(rows.contains(name), "{name} needs a row in the table of account states");
                let expected = match state {
                    AccountState::Active => true,
                    AccountState::Flagged => {
                        let governance = Simulation::only_governance_may_send(name);
                        !(governance || HIGH.contains(&name) || ORDERS.contains(&name))
                    }
                    AccountState::Suspended => SUSPENDED_MAY.contains(&name),
                    _ => name == "/ve.roles.v1.MsgClaimResidual",
                };
                let outcome = gate.admit(ctx, &signed_by(name, account), std::slice::from_ref(account));
                assert_eq!(outcome.is_ok(), expected, "{name}, {state:?}: {outcome:?}");
            }
        });
    }
}

/// State of the module alone, with account 3 in the given state.
fn in_state(state: AccountState, body: impl FnOnce(&mut Context<'_>, &Address)) {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let modules = ve_app::modules();
    let module = modules.iter().find(|module| module.name() == "roles").expect("it is in the table");
    let account = Account::number(3).address;
    let mut overlay: State = Overlay::new(Arc::new(MemoryState::new()));
    let block = BlockInfo { chain_id: "ve-test-1".into(), ..BlockInfo::default() };
    let mut ctx = Context::new(&mut overlay, &block, &registry, GasMeter::unlimited(), Mode::Deliver);
    let mut genesis = module.default_genesis();
    if state != AccountState::Active {
        genesis["accounts"] = serde_json::json!([status(&account, state)]);
    }
    module.init_genesis(&mut ctx, &genesis).expect("the genesis is valid");
    body(&mut ctx, &account);
}

/// Account 3 is in the given state.
fn chain(state: AccountState) -> TestChain {
    TestChain::with_genesis(6, |genesis| {
        genesis["roles"]["accounts"] = serde_json::json!([status(&Account::number(3).address, state)]);
    })
}

fn send(from: &Address, to: &Address) -> MsgSend {
    MsgSend {
        from_address: from.to_string(),
        to_address: to.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: "5".into() }],
    }
}

#[test]
fn a_suspended_account_moves_nothing_directly_or_through_whom_it_authorized_before() {
    let (granter, grantee, other) =
        (Account::number(3).address, Account::number(1).address, Account::number(2).address);
    for state in [AccountState::Suspended, AccountState::Terminated] {
        let mut chain = TestChain::with_genesis(6, |genesis| {
            genesis["roles"]["accounts"] = serde_json::json!([status(&granter, state)]);
            let authorization = serde_json::json!({
                "@type": "/cosmos.authz.v1beta1.GenericAuthorization",
                "msg": "/cosmos.bank.v1beta1.MsgSend",
            });
            genesis["authz"]["authorization"] = serde_json::json!([{
                "granter": granter.to_string(),
                "grantee": grantee.to_string(),
                "authorization": authorization,
            }]);
        });
        let direct = chain.deliver(3, &send(&granter, &other));
        assert_eq!((direct.codespace.as_str(), direct.code), ("roles", 15), "{}", direct.log);
        let inner = any(&send(&granter, &other));
        let exec = MsgExec { grantee: grantee.to_string(), msgs: vec![inner] };
        let through = chain.deliver(1, &exec);
        assert_eq!((through.codespace.as_str(), through.code), ("roles", 15), "{}", through.log);
        let nested = MsgExec { grantee: grantee.to_string(), msgs: vec![any(&exec)] };
        assert_eq!(chain.deliver(1, &nested).code, 15);
    }
}

#[test]
fn a_suspended_account_acts_for_nobody_else() {
    let (granter, grantee) = (Account::number(1).address, Account::number(3).address);
    let mut chain = chain(AccountState::Suspended);
    let authorization = any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() });
    let grant = MsgGrant {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        grant: Some(Grant { authorization: Some(authorization), expiration: None }),
    };
    assert_eq!(chain.deliver(1, &grant).code, 0);
    let exec = MsgExec { grantee: grantee.to_string(), msgs: vec![any(&send(&granter, &grantee))] };
    let result = chain.deliver(3, &exec);
    assert_eq!((result.codespace.as_str(), result.code), ("roles", 15), "{}", result.log);
}

#[test]
fn a_flagged_account_hides_nothing_high_inside_another_message() {
    let (granter, grantee) = (Account::number(1).address, Account::number(3).address);
    let mut chain = chain(AccountState::Flagged);
    let proposal = ve_proto::cosmos::gov::v1::MsgSubmitProposal {
        proposer: granter.to_string(),
        title: "t".into(),
        summary: "s".into(),
        metadata: "m".into(),
        messages: vec![any(&send(&ve_base::module_address("gov"), &granter))],
        ..Default::default()
    };
    let exec = MsgExec { grantee: grantee.to_string(), msgs: vec![any(&proposal)] };
    let result = chain.deliver(3, &exec);
    assert_eq!((result.codespace.as_str(), result.code), ("roles", 15), "{}", result.log);
    assert_eq!(chain.deliver(3, &send(&grantee, &granter)).code, 0, "a small transfer is none");
}

#[test]
fn a_suspended_account_pays_its_own_fees_and_nobody_elses() {
    let (granter, grantee) = (Account::number(3).address, Account::number(1).address);
    let mut chain = TestChain::with_genesis(6, |genesis| {
        genesis["roles"]["accounts"] = serde_json::json!([status(&granter, AccountState::Suspended)]);
        genesis["feegrant"]["allowances"] = serde_json::json!([{
            "granter": granter.to_string(),
            "grantee": grantee.to_string(),
            "allowance": {"@type": "/cosmos.feegrant.v1beta1.BasicAllowance"},
        }]);
    });
    let tx = chain.tx_paid_by(1, &granter, &send(&grantee, &granter));
    let result = chain.run(vec![tx]).tx_results.remove(0);
    assert_eq!((result.codespace.as_str(), result.code), ("roles", 16), "{}", result.log);
    let before = chain.balance(&granter);
    let appeal = MsgAppealState { account: granter.to_string(), reason_commit: vec![1; 32] };
    assert_eq!(chain.deliver(3, &appeal).code, 0);
    assert!(chain.balance(&granter) < before);
    let allowance = any(&BasicAllowance::default());
    let grant = MsgGrantAllowance {
        granter: granter.to_string(),
        grantee: Account::number(2).address.to_string(),
        allowance: Some(allowance),
    };
    assert_eq!(chain.deliver(3, &grant).code, 15);
}

#[test]
fn a_stranger_neither_learns_of_nor_uses_up_what_is_anothers() {
    let victim = Account::number(3).address;
    let mut chain = chain(AccountState::Flagged);
    // Signed by somebody else: it fails at the signature and counts nothing against the flagged account.
    let large = MsgSend {
        amount: vec![Coin { denom: "uve".into(), amount: "9999999999".into() }],
        ..send(&victim, &Account::number(1).address)
    };
    let account = chain.account(&victim);
    let thief = Account { key: Account::number(1).key, address: victim.clone() };
    let forged = ve_testkit::chain::sign(&thief, account.account_number, account.sequence, vec![any(&large)]);
    assert_eq!(chain.run(vec![forged]).tx_results[0].codespace, "sdk");
    assert_eq!(chain.deliver(3, &large).code, 0, "its day is still its own");
}

/// A transfer of the multisig of accounts 1 to 3, which two of them signed as the bits say; the signatures are not valid.
fn of_multisig(members: [usize; 2]) -> Vec<u8> {
    let keys = (1..=3).map(|index| Account::number(index).key.public_key()).collect();
    let key = PublicKey::Multisig(Multisig::new(2, keys).expect("a multisig"));
    let message = any(&send(&key.address(), &Account::number(4).address));
    let bits = members.iter().fold(0u8, |bits, member| bits | (0x80 >> (member - 1)));
    let single = || ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::LegacyAminoJson as i32 })) };
    let multi = Multi {
        bitarray: Some(CompactBitArray { extra_bits_stored: 3, elems: vec![bits] }),
        mode_infos: vec![single(), single()],
    };
    let info = SignerInfo {
        public_key: Some(key.to_any()),
        mode_info: Some(ModeInfo { sum: Some(Sum::Multi(multi)) }),
        sequence: 0,
    };
    let fee =
        Fee { amount: vec![Coin { denom: "uve".into(), amount: "5000".into() }], gas_limit: 500_000, ..Fee::default() };
    let body = TxBody { messages: vec![message], ..TxBody::default() };
    let auth_info = AuthInfo { signer_infos: vec![info], fee: Some(fee), ..AuthInfo::default() };
    TxRaw {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth_info.encode_to_vec(),
        signatures: vec![vec![1; 64]],
    }
    .encode_to_vec()
}

#[test]
fn a_suspended_account_signs_for_no_multisig_and_the_other_members_are_not_held_up() {
    let mut chain = chain(AccountState::Suspended);
    let with = chain.run(vec![of_multisig([1, 3])]).tx_results.remove(0);
    assert_eq!((with.codespace.as_str(), with.code), ("roles", 15), "{}", with.log);
    let without = chain.run(vec![of_multisig([1, 2])]).tx_results.remove(0);
    assert_eq!(without.codespace, "sdk", "it fails later, at its signatures: {}", without.log);
}

#[test]
fn a_suspended_account_withdraws_consent_and_gives_none() {
    use ve_proto::ve::veid::v1::{ConsentFlags, ConsentGrant, MsgUpdateConsent};
    let owner = Account::number(3).address.to_string();
    let withdraw = MsgUpdateConsent { owner, withdraw: vec![1], ..MsgUpdateConsent::default() };
    let flags = ConsentFlags { share_with_providers: true, ..ConsentFlags::default() };
    let giving = [
        MsgUpdateConsent { flags: Some(flags), ..withdraw.clone() },
        MsgUpdateConsent { grants: vec![ConsentGrant::default()], ..withdraw.clone() },
    ];
    in_state(AccountState::Suspended, |ctx, account| {
        let gate = ve_chain_identity::roles::gate::AccountGate;
        for giving in &giving {
            let error = gate.admit(ctx, &any(giving), std::slice::from_ref(account)).expect_err("it gives consent");
            assert_eq!((error.codespace, error.code), ("roles", 15));
        }
        gate.admit(ctx, &any(&withdraw), std::slice::from_ref(account)).expect("it withdraws only");
    });
    in_state(AccountState::Flagged, |ctx, account| {
        let gate = ve_chain_identity::roles::gate::AccountGate;
        gate.admit(ctx, &any(&giving[0]), std::slice::from_ref(account)).expect("a flag is about business");
    });
}
