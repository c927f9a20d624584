//! Guessing: at most five tries of an account in an hour, however many challenges and sessions it opens.

use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::mfa::v1::*;
use ve_testkit::chain::TestChain;

use super::support::*;

/// A try with a wrong code, as two attesters report it.
fn wrong_code(chain: &mut TestChain, owner: &Owner) -> Option<bool> {
    let asked = ask(chain, OWNER, OWNER, EMAIL, Action::DataRights, &[]);
    if asked.code != 0 {
        refused(&asked, 11);
        return None;
    }
    let made: MsgCreateChallengeResponse = response(&asked);
    let mut proof = contact_proof(chain, Kind::Email, owner.email, &name(OWNER), &made.bytes_to_sign);
    for attestation in &mut proof.attestations {
        attestation.proofs[0].passed = false;
        *attestation = signed(attestation.clone());
    }
    let submitted: MsgSubmitFactorProofResponse = response(&submit(chain, OWNER, made.challenge_id, proof));
    Some(submitted.verified)
}

#[test]
fn five_wrong_codes_over_all_challenges_lock_the_account_for_an_hour() {
    let mut chain = chain();
    let owner = Owner::enrolled(&mut chain);
    for _ in 0..5 {
        assert_eq!(wrong_code(&mut chain, &owner), Some(false));
        jump(&mut chain, 310);
    }
    assert_eq!(wrong_code(&mut chain, &owner), None);
    // The lock holds for the right answer, too, and ends by itself; what makes things safer never waits.
    refused(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]), 11);
    ok(&chain.deliver(OWNER, &MsgRevokeSession { address: name(OWNER), session_id: 0 }));
    jump(&mut chain, 3600);
    ok(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]));
}

#[test]
fn a_challenge_takes_three_wrong_answers_and_then_no_right_one() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]);
    for _ in 0..3 {
        let wrong = owner.passkey.answer(&[0; 32]);
        assert!(!response::<MsgSubmitFactorProofResponse>(&submit(&mut chain, OWNER, id, wrong)).verified);
    }
    let right = owner.passkey.answer(&bytes);
    refused(&submit(&mut chain, OWNER, id, right), 10);
}

#[test]
fn a_stranger_neither_locks_the_owner_out_nor_answers_its_challenges() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]);
    let proof = owner.passkey.answer(&bytes);
    refused(&submit(&mut chain, THIEF, id, proof), 15);
    refused(&ask(&mut chain, THIEF, OWNER, PASSKEY, Action::DataRights, &[]), 15);
    for at in 0..5u8 {
        let (id, _) = challenge(&mut chain, THIEF, OWNER, PASSKEY, Action::AccountRecovery, &[at; 32]);
        refused(&submit(&mut chain, THIEF, id, Proof::default()), 13);
    }
    refused(&ask(&mut chain, THIEF, OWNER, PASSKEY, Action::AccountRecovery, &[9; 32]), 16);
    ok(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]));
}

#[test]
fn a_falling_counter_suspends_the_passkey_and_ends_sessions() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::DataRights, &[]);
    owner.passkey.counter = 1;
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]);
    let proof = owner.passkey.answer(&bytes);
    assert!(!response::<MsgSubmitFactorProofResponse>(&submit(&mut chain, OWNER, id, proof)).verified);
    let known = account(&chain, OWNER);
    assert_eq!(known.factors[0].state(), FactorState::Suspended);
    let ended = known.sessions.iter().find(|one| one.id == session).expect("it is kept");
    assert_eq!(ended.state(), SessionState::Revoked);
    refused(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]), 12);
}

#[test]
fn an_account_has_five_open_challenges_and_an_expired_one_takes_no_answer() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]);
    for _ in 0..4 {
        ok(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]));
    }
    refused(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]), 16);
    jump(&mut chain, 120);
    let proof = owner.passkey.answer(&bytes);
    refused(&submit(&mut chain, OWNER, id, proof), 17);
    ok(&ask(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]));
}
