//! Another key behind the same address: for its owner, and for nobody who has one thing alone.

use ve_proto::ve::mfa::v1::{
    Action, MsgCompleteRecovery, MsgInitiateRecovery, MsgRotateKey, MsgVetoRecovery, SessionState,
};
use ve_proto::ve::roles::v1::{AccountState, QueryAccountRequest, QueryAccountResponse};
use ve_testkit::chain::{Account, TestChain};

use super::support::*;

const HOUR: u64 = 3600;

fn rotate_message(seed: u8) -> MsgRotateKey {
    let (_, key, proof_of_possession) = new_key(seed, OWNER);
    MsgRotateKey { address: name(OWNER), new_key: Some(key), proof_of_possession }
}

fn recover_message(seed: u8, by: usize) -> MsgInitiateRecovery {
    let (_, key, proof_of_possession) = new_key(seed, OWNER);
    MsgInitiateRecovery { sender: name(by), address: name(OWNER), new_key: Some(key), proof_of_possession }
}

/// The account signs with this key from now on.
fn hold(chain: &mut TestChain, seed: u8) {
    let address = chain.accounts[OWNER].address.clone();
    chain.accounts[OWNER] = Account { key: new_key(seed, OWNER).0, address };
}

#[test]
fn the_owner_rotates_the_key_and_keeps_the_address() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let message = rotate_message(50);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::KeyRotation, &intent(OWNER, &message));
    ok(&deliver_with(&mut chain, OWNER, &message, &[session]));
    assert_eq!(chain.deliver(OWNER, &send(OWNER, FRIEND, 1)).code, 8, "the old key signs nothing");
    hold(&mut chain, 50);
    let veto = MsgVetoRecovery { address: name(OWNER) };
    refused(&chain.deliver(OWNER, &veto), 19);
    assert!(account(&chain, OWNER).sessions.iter().all(|session| session.state() != SessionState::Active));
}

#[test]
fn who_has_the_seed_alone_rotates_nothing() {
    let mut chain = chain();
    let message = rotate_message(50);
    refused(&chain.deliver(OWNER, &message), 2);
    let mut owner = Owner::enrolled(&mut chain);
    refused(&chain.deliver(OWNER, &message), 2);
    // The passkey alone, or a session for another key, is not enough either.
    let passkey = owner.session(&mut chain, OWNER, &[PASSKEY], Action::KeyRotation, &intent(OWNER, &message));
    refused(&deliver_with(&mut chain, OWNER, &message, &[passkey]), 3);
    let other = intent(OWNER, &rotate_message(51));
    let both = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::KeyRotation, &other);
    refused(&deliver_with(&mut chain, OWNER, &message, &[both]), 7);
}

#[test]
fn a_new_key_must_sign_for_the_account() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let mut message = rotate_message(50);
    message.proof_of_possession = new_key(50, FRIEND).2;
    let session = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::KeyRotation, &intent(OWNER, &message));
    refused(&deliver_with(&mut chain, OWNER, &message, &[session]), 19);
    let states = account(&chain, OWNER).sessions;
    let used = states.iter().find(|one| one.id == session).expect("it is kept until it expires");
    assert_eq!(used.state(), SessionState::Used, "a failed execution consumes it");
}

#[test]
fn a_lost_key_is_replaced_after_two_days() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let message = recover_message(50, FRIEND);
    let factors = [PASSKEY, FACE, EMAIL];
    let session = owner.session(&mut chain, FRIEND, &factors, Action::AccountRecovery, &intent(OWNER, &message));
    ok(&deliver_with(&mut chain, FRIEND, &message, &[session]));
    let complete = MsgCompleteRecovery { sender: name(FRIEND), address: name(OWNER) };
    refused(&chain.deliver(FRIEND, &complete), 19);
    jump(&mut chain, 48 * HOUR - 60);
    refused(&chain.deliver(FRIEND, &complete), 19);
    jump(&mut chain, 60);
    ok(&chain.deliver(FRIEND, &complete));
    assert_eq!(chain.deliver(OWNER, &MsgVetoRecovery { address: name(OWNER) }).code, 8, "the old key signs nothing");
    hold(&mut chain, 50);
    refused(&chain.deliver(OWNER, &MsgVetoRecovery { address: name(OWNER) }), 19);
    refused(&chain.deliver(FRIEND, &complete), 19);
}

#[test]
fn the_present_key_vetoes_alone_and_a_cool_down_follows() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let message = recover_message(50, THIEF);
    let begin = |chain: &mut TestChain, owner: &mut Owner| {
        let factors = [PASSKEY, FACE, EMAIL];
        let session = owner.session(chain, THIEF, &factors, Action::AccountRecovery, &intent(OWNER, &message));
        deliver_with(chain, THIEF, &message, &[session])
    };
    ok(&begin(&mut chain, &mut owner));
    assert!(account(&chain, OWNER).recovery.is_some());
    refused(&chain.deliver(THIEF, &MsgVetoRecovery { address: name(THIEF) }), 19);
    ok(&chain.deliver(OWNER, &MsgVetoRecovery { address: name(OWNER) }));
    assert!(account(&chain, OWNER).recovery.is_none());
    refused(&begin(&mut chain, &mut owner), 19);
    for _ in 0..2 {
        jump(&mut chain, 24 * HOUR);
        ok(&begin(&mut chain, &mut owner));
        let veto = chain.tx(OWNER, &MsgVetoRecovery { address: name(OWNER) });
        let response = chain.run(vec![veto]);
        ok(&response.tx_results[0]);
        let contested = response.tx_results[0].events.iter().any(|event| event.kind == "account_contested");
        assert_eq!(contested, account(&chain, OWNER).profile.expect("it is protected").vetoes.len() == 3);
    }
    let request = QueryAccountRequest { account: name(OWNER) };
    let state: QueryAccountResponse = chain.query("/ve.roles.v1.Query/Account", &request).expect("it answers");
    assert_eq!(state.state(), AccountState::Flagged, "somebody looks into who is who");
}

#[test]
fn neither_the_sim_nor_the_passkey_nor_the_seed_alone_begins_a_recovery() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let message = recover_message(50, THIEF);
    refused(&chain.deliver(THIEF, &message), 2);
    let hash = intent(OWNER, &message);
    for factors in [&[EMAIL][..], &[PASSKEY], &[FACE], &[PASSKEY, EMAIL], &[FACE, EMAIL], &[PASSKEY, FACE]] {
        let session = owner.session(&mut chain, THIEF, factors, Action::AccountRecovery, &hash);
        refused(&deliver_with(&mut chain, THIEF, &message, &[session]), 3);
    }
    let own = MsgInitiateRecovery { sender: name(OWNER), ..recover_message(50, OWNER) };
    refused(&chain.deliver(OWNER, &own), 2);
}

#[test]
fn critical_actions_are_frozen_while_a_recovery_waits() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let message = recover_message(50, FRIEND);
    let factors = [PASSKEY, FACE, EMAIL];
    let session = owner.session(&mut chain, FRIEND, &factors, Action::AccountRecovery, &intent(OWNER, &message));
    ok(&deliver_with(&mut chain, FRIEND, &message, &[session]));
    let rotate = rotate_message(51);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::KeyRotation, &intent(OWNER, &rotate));
    refused(&deliver_with(&mut chain, OWNER, &rotate, &[session]), 18);
    let large = send(OWNER, FRIEND, 20_000_000_000);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY, FACE], Action::LargeWithdrawal, &[]);
    refused(&deliver_with(&mut chain, OWNER, &large, &[session]), 18);
}
