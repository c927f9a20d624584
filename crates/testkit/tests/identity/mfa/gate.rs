//! What the gate demands, of whom, and around which corners.

use ve_base::keys::ConsensusSecret;
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use ve_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use ve_proto::ve::encryption::v1::MsgRevokeKey;
use ve_proto::ve::mfa::v1::*;
use ve_sdk::application::Application as _;
use ve_testkit::chain::{TestChain, any};

use super::support::*;

const VE: u64 = 1_000_000;

#[test]
fn accounts_without_factors_move_as_ever_until_governance_holds_everybody() {
    let mut chain = chain();
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, 20_000 * VE)));
    let mut strict = chain_with(|state| state["mfa"]["params"]["everybody"] = true.into());
    refused(&strict.deliver(OWNER, &send(OWNER, FRIEND, 1)), 2);
    // There is a way in: the first factor needs no other.
    enroll_passkey(&mut strict, OWNER, &mut Passkey::new(1));
}

#[test]
fn a_new_recipient_needs_the_passkey_once_and_a_known_one_none() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    refused(&chain.deliver(OWNER, &send(OWNER, FRIEND, VE)), 2);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, VE), &[session]));
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, VE)));
    refused(&chain.deliver(OWNER, &send(OWNER, THIEF, VE)), 2);
}

#[test]
fn amounts_add_up_over_a_day_however_they_are_split() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 600 * VE), &[session]));
    refused(&chain.deliver(OWNER, &send(OWNER, FRIEND, 600 * VE)), 2);
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 600 * VE), &[session]), 6);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::MediumWithdrawal, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 600 * VE), &[session]));
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 9_000 * VE), &[session]), 6);
    let weak = owner.session(&mut chain, OWNER, &[PASSKEY], Action::LargeWithdrawal, &[]);
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 9_000 * VE), &[weak]), 3);
    let strong = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::LargeWithdrawal, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 9_000 * VE), &[strong]));
    jump(&mut chain, 26 * 3600);
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, 600 * VE)));
}

#[test]
fn two_messages_of_one_transaction_are_added_up_too() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    let one = any(&send(OWNER, FRIEND, 600 * VE));
    refused(&with_sessions(&mut chain, OWNER, vec![one.clone(), one], &[session], &client()), 6);
}

fn exec(by: usize, inner: &MsgSend) -> MsgExec {
    MsgExec { grantee: name(by), msgs: vec![any(inner)] }
}

#[test]
fn a_message_within_a_message_is_asked_for_its_own_account() {
    let mut chain = chain();
    let grant = MsgGrant {
        granter: name(OWNER),
        grantee: name(FRIEND),
        grant: Some(Grant {
            authorization: Some(any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() })),
            expiration: None,
        }),
    };
    ok(&chain.deliver(OWNER, &grant));
    let mut owner = Owner::enrolled(&mut chain);
    refused(&chain.deliver(OWNER, &grant), 2);
    let inner = send(OWNER, THIEF, VE);
    refused(&chain.deliver(FRIEND, &exec(FRIEND, &inner)), 2);
    refused(&chain.deliver(OWNER, &exec(OWNER, &inner)), 2);
    let deep = MsgExec { grantee: name(FRIEND), msgs: vec![any(&exec(FRIEND, &inner))] };
    refused(&chain.deliver(FRIEND, &deep), 2);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&deliver_with(&mut chain, FRIEND, &exec(FRIEND, &inner), &[session]));
}

#[test]
fn every_signer_of_a_message_is_asked() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let many = MsgMultiSend {
        inputs: vec![Input { address: name(OWNER), coins: send(OWNER, THIEF, VE).amount }],
        outputs: vec![
            Output { address: name(FRIEND), coins: send(OWNER, FRIEND, VE / 2).amount },
            Output { address: name(THIEF), coins: send(OWNER, THIEF, VE / 2).amount },
        ],
    };
    refused(&chain.deliver(OWNER, &many), 2);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&deliver_with(&mut chain, OWNER, &many, &[session]));
}

#[test]
fn a_session_is_worth_nothing_without_its_client_key() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    let message = send(OWNER, FRIEND, VE);
    let stolen = ConsensusSecret::from_seed([66; 32]);
    refused(&with_sessions(&mut chain, OWNER, vec![any(&message)], &[session], &stolen), 8);
    ok(&deliver_with(&mut chain, OWNER, &message, &[session]));
    refused(&deliver_with(&mut chain, FRIEND, &send(FRIEND, THIEF, VE), &[999]), 4);
}

#[test]
fn a_session_ends_with_its_window_and_with_its_revocation() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    jump(&mut chain, 15 * 60);
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, VE), &[session]), 4);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    refused(&chain.deliver(THIEF, &MsgRevokeSession { address: name(THIEF), session_id: session }), 5);
    ok(&chain.deliver(OWNER, &MsgRevokeSession { address: name(OWNER), session_id: session }));
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, VE), &[session]), 5);
}

#[test]
fn a_session_of_single_use_serves_one_message_once() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let revoke = MsgRevokeFactor { address: name(OWNER), factor_id: EMAIL };
    // Without an authenticator app the row cannot be met: the right session for the wrong factors.
    let hash = intent(OWNER, &revoke);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::MfaWeaken, &hash);
    refused(&deliver_with(&mut chain, OWNER, &revoke, &[session]), 3);
    let email = MsgEnrollFactor {
        address: name(OWNER),
        r#type: FactorType::Sms.into(),
        public_part: vec![8; 32],
        ..MsgEnrollFactor::default()
    };
    let hash = intent(OWNER, &email);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &hash);
    let twice = vec![any(&email), any(&email)];
    refused(&with_sessions(&mut chain, OWNER, twice, &[session], &client()), 2);
    ok(&deliver_with(&mut chain, OWNER, &email, &[session]));
    refused(&deliver_with(&mut chain, OWNER, &email, &[session]), 5);
}

#[test]
fn the_next_transaction_of_a_block_brings_its_own_session() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::DataRights, &[]);
    let message = any(&MsgRevokeKey { owner: name(OWNER), key_id: "none:v1".into() });
    let base = chain.account(&chain.accounts[OWNER].address);
    let with = {
        let used = UsedSession {
            session_id: session,
            signature: client()
                .sign(&ve_base::mfa::session_use(
                    ve_testkit::chain::CHAIN_ID,
                    session,
                    std::slice::from_ref(&message),
                    base.sequence,
                ))
                .to_vec(),
        };
        let option = any(&SessionUse { sessions: vec![used] });
        let signer = &chain.accounts[OWNER];
        let messages = vec![message.clone()];
        ve_testkit::chain::sign_changed(signer, base.account_number, base.sequence, messages, |body, _| {
            body.non_critical_extension_options.push(option);
        })
    };
    let without = chain.tx_with(OWNER, base.sequence + 1, vec![message]);
    let results = chain.run(vec![with, without]).tx_results;
    assert_eq!((results[0].codespace.as_str(), results[0].code), ("encryption", 21), "{}", results[0].log);
    refused(&results[1], 2);
}

#[test]
fn every_message_of_the_application_has_a_row() {
    let chain = chain();
    let registry = ve_app::registry().expect("the modules register without a clash");
    let mut missing = Vec::new();
    for type_url in registry.message_types() {
        let message = prost_types::Any { type_url: type_url.into(), value: Vec::new() };
        let request = QueryRequirementsRequest { message: Some(message) };
        let answer: Result<QueryRequirementsResponse, String> = chain.query("/ve.mfa.v1.Query/Requirements", &request);
        if answer.is_err_and(|log| log.contains("no row of the table of actions")) {
            missing.push(type_url.to_owned());
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "give them rows in crates/chain/identity/src/mfa/rows.rs");
}

#[test]
fn requirements_are_told_before_anything_is_signed() {
    let mut chain = chain();
    Owner::enrolled(&mut chain);
    let message = any(&send(OWNER, FRIEND, 20_000 * VE));
    let request = QueryRequirementsRequest { message: Some(message) };
    let answer: QueryRequirementsResponse = chain.query("/ve.mfa.v1.Query/Requirements", &request).expect("it answers");
    assert_eq!(answer.requirements.len(), 1);
    assert_eq!(answer.requirements[0].action(), Action::LargeWithdrawal);
    assert_eq!(answer.requirements[0].intent_hash, intent(OWNER, &send(OWNER, FRIEND, 20_000 * VE)));
}

#[test]
fn the_state_survives_export_and_import() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]));
    let exported = chain.app.export().expect("the state exports");
    let options = ve_testkit::chain::checked_options();
    let accounts = (0..9).map(ve_testkit::chain::Account::number).collect();
    let copy = TestChain::from_state(accounts, exported.clone(), options, chain.height, chain.time);
    assert_eq!(copy.app.export().expect("the state exports")["mfa"], exported["mfa"]);
    assert_eq!(account(&copy, OWNER), account(&chain, OWNER));
}
