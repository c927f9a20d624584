//! Attesters and attestations through the whole application.

use serde_json::{Value, json};
use ve_base::attestation::{SCHEMA, consent, digest, key_id, key_proof, signed_bytes};
use ve_base::keys::ConsensusSecret;
use ve_base::{Amount, module_address};
use ve_proto::ve::attester::v1::*;
use ve_proto::ve::roles::v1::{
    ActionKind, EmergencyTarget, MsgApproveAction, MsgProposeAction, QueryActionsRequest, QueryActionsResponse,
};
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, ENDOWMENT, TestChain};

const DAY: u64 = 86_400;
const BOND: u64 = 1_000_000_000;

fn secret(seed: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([seed; 32])
}

fn name(of: u32) -> String {
    Account::number(of).address.to_string()
}

/// Accounts 0, 1 and 2 attest; account 1 and 2 are one organisation.
fn genesis(state: &mut Value) {
    let attester = |of: u32| {
        json!({
            "address": name(of), "name": format!("attester {of}"), "organisation": format!("org {}", of.min(1)),
            "kinds": ["KIND_EMAIL", "KIND_SMS", "KIND_CALL", "KIND_DOMAIN", "KIND_TOTP"],
            "state": "ATTESTER_STATE_ACTIVE", "bond": BOND.to_string(), "slashed": "0",
        })
    };
    state["attester"]["attesters"] = (0..3).map(attester).collect();
    let held = json!({
        "address": module_address("attester_bond").to_string(),
        "coins": [{"denom": "uve", "amount": (3 * BOND).to_string()}],
    });
    state["bank"]["balances"].as_array_mut().expect("a list").push(held);
}

/// Attesters 0 to 2, each with the key of its number.
fn chain() -> TestChain {
    let mut chain = TestChain::with_genesis(6, genesis);
    for of in 0..3u8 {
        ok(&add_key(&mut chain, of.into(), &secret(of)));
    }
    chain
}

#[track_caller]
fn ok(result: &TxResult) {
    assert_eq!(result.code, 0, "{}", result.log);
}

#[track_caller]
fn refused(result: &TxResult, code: u32) {
    assert_eq!((result.codespace.as_str(), result.code), ("attester", code), "{}", result.log);
}

fn add_key(chain: &mut TestChain, of: usize, key: &ConsensusSecret) -> TxResult {
    let attester = chain.accounts[of].address.to_string();
    let public_key = key.public().to_vec();
    let proof_of_possession = key.sign(&key_proof(CHAIN_ID, &attester, &public_key)).to_vec();
    chain.deliver(of, &MsgAddSignerKey { attester, public_key, proof_of_possession })
}

/// Of attester `of` about account `about`, valid for an hour, with a nonce that `nonce` makes.
fn attestation(chain: &TestChain, of: u8, about: u32, nonce: u8) -> Attestation {
    let now = chain.time.unix();
    Attestation {
        schema: SCHEMA.into(),
        kind: Kind::Email.into(),
        issuer: name(of.into()),
        key_id: key_id(&secret(of).public()),
        subject: name(about),
        nonce: vec![nonce; 16],
        issued_at: now,
        expires_at: now + 3600,
        proofs: vec![Proof { r#type: "otp".into(), passed: true, time: now, ..Proof::default() }],
        upstream: vec![nonce; 32],
        ..Attestation::default()
    }
}

fn sign(mut attestation: Attestation, key: &ConsensusSecret) -> Attestation {
    attestation.signature = key.sign(&signed_bytes(CHAIN_ID, &attestation).expect("it is canonical")).to_vec();
    attestation
}

fn submit(chain: &mut TestChain, by: usize, attestation: Attestation) -> TxResult {
    let submitter = chain.accounts[by].address.to_string();
    chain.deliver(by, &MsgSubmitAttestation { submitter, attestation: Some(attestation) })
}

fn facts(chain: &TestChain, about: u32) -> Vec<Fact> {
    let request = QueryFactsRequest { subject: name(about) };
    let response: QueryFactsResponse = chain.query("/ve.attester.v1.Query/Facts", &request).expect("it answers");
    response.facts
}

fn attester(chain: &TestChain, of: u32) -> QueryAttesterResponse {
    chain.query("/ve.attester.v1.Query/Attester", &QueryAttesterRequest { address: name(of) }).expect("it is known")
}

fn jump(chain: &mut TestChain, seconds: u64) {
    chain.time = chain.time.plus_seconds(seconds);
    chain.run(Vec::new());
}

#[test]
fn an_attestation_is_accepted_once_and_for_its_subject_only() {
    let mut chain = chain();
    let good = sign(attestation(&chain, 0, 4, 1), &secret(0));
    refused(&submit(&mut chain, 5, good.clone()), 14);
    ok(&submit(&mut chain, 4, good.clone()));
    refused(&submit(&mut chain, 4, good.clone()), 9);
    assert_eq!(facts(&chain, 4).len(), 1);
    assert!(facts(&chain, 5).is_empty());
    jump(&mut chain, 3600);
    assert!(facts(&chain, 4).is_empty(), "expired");
    refused(&submit(&mut chain, 4, good), 8);
}

#[test]
fn somebody_else_submits_what_the_subject_signed() {
    let mut chain = chain();
    // The subject's key is known to the chain once it signed anything.
    refused(&chain.deliver(4, &MsgWithdrawAttestation { signer: name(4), id: "none".into() }), 13);
    let mut given = sign(attestation(&chain, 0, 4, 1), &secret(0));
    let message = consent(CHAIN_ID, &given.subject, &digest(CHAIN_ID, &given).expect("it is canonical"));
    given.account_signature = chain.accounts[5].key.sign(&message).to_vec();
    refused(&submit(&mut chain, 0, given.clone()), 14);
    given.account_signature = chain.accounts[4].key.sign(&message).to_vec();
    ok(&submit(&mut chain, 0, given));
}

#[test]
fn every_changed_part_of_an_attestation_is_refused() {
    let mut chain = chain();
    let now = chain.time.unix();
    type Change = fn(&mut Attestation, u64);
    let changed: [(&str, Change, u32); 12] = [
        ("signature of another", |_, _| {}, 14),
        ("schema", |a, _| a.schema = "1.0.1".into(), 8),
        ("kind that the attester has not", |a, _| a.kind = Kind::Sso.into(), 6),
        ("kind that is no fact", |a, _| a.kind = Kind::Totp.into(), 8),
        ("issuer that is no attester", |a, _| a.issuer = name(5), 2),
        ("unknown key", |a, _| a.key_id = "00".into(), 7),
        ("short nonce", |a, _| a.nonce = vec![1; 15], 8),
        ("empty nonce", |a, _| a.nonce = vec![0; 16], 8),
        ("old", |a, now| a.issued_at = now - 3700, 7),
        ("from the future", |a, now| a.issued_at = now + 400, 8),
        ("valid for too long", |a, now| a.expires_at = now + 91 * DAY, 8),
        ("a failed proof", |a, _| a.proofs[0].passed = false, 8),
    ];
    jump(&mut chain, 1800);
    for (what, change, code) in changed {
        let now = now + 1800;
        let mut given = attestation(&chain, 0, 4, 1);
        change(&mut given, now);
        let key = if what == "signature of another" { secret(9) } else { secret(0) };
        let result = submit(&mut chain, 4, sign(given, &key));
        assert_ne!(result.code, 0, "{what}");
        assert!(result.code == code || what == "old", "{what}: {} {}", result.code, result.log);
    }
}

#[test]
fn one_upstream_account_belongs_to_one_account() {
    let mut chain = chain();
    let first = sign(attestation(&chain, 0, 4, 1), &secret(0));
    ok(&submit(&mut chain, 4, first));
    let mut second = attestation(&chain, 1, 5, 2);
    second.upstream = vec![1; 32];
    refused(&submit(&mut chain, 5, sign(second.clone(), &secret(1))), 11);
    second.kind = Kind::Sms.into();
    ok(&submit(&mut chain, 5, sign(second, &secret(1))));
    // A number that a text reached is the same number when a call reaches it.
    let mut called = attestation(&chain, 1, 4, 3);
    (called.kind, called.upstream) = (Kind::Call.into(), vec![1; 32]);
    refused(&submit(&mut chain, 4, sign(called, &secret(1))), 11);
    let id = facts(&chain, 4)[0].attestations[0].clone();
    refused(&chain.deliver(4, &MsgWithdrawAttestation { signer: name(4), id: "x".into() }), 13);
    assert_eq!(chain.deliver(5, &MsgWithdrawAttestation { signer: name(5), id: id.clone() }).code, 4);
    ok(&chain.deliver(4, &MsgWithdrawAttestation { signer: name(4), id }));
    let mut third = attestation(&chain, 1, 5, 4);
    third.upstream = vec![1; 32];
    ok(&submit(&mut chain, 5, sign(third, &secret(1))));
}

#[test]
fn a_domain_needs_two_organisations_and_two_attesters_of_one_do_not_suffice() {
    let mut chain = chain();
    for (nonce, of) in [1u8, 2, 0].into_iter().enumerate() {
        assert!(facts(&chain, 4).is_empty());
        let mut given = attestation(&chain, of, 4, u8::try_from(nonce).expect("small") + 1);
        (given.kind, given.scope_id, given.upstream) = (Kind::Domain.into(), "example.org".into(), vec![9; 32]);
        ok(&submit(&mut chain, 4, sign(given, &secret(of))));
    }
    let facts = facts(&chain, 4);
    assert_eq!((facts.len(), facts[0].scope_id.as_str(), facts[0].attestations.len()), (1, "example.org", 3));
}

#[test]
fn a_new_key_waits_for_its_notice_and_overlaps_with_the_old_one() {
    let mut chain = chain();
    ok(&add_key(&mut chain, 0, &secret(10)));
    refused(&add_key(&mut chain, 0, &secret(10)), 7);
    let with_new = |chain: &TestChain, nonce: u8| {
        let mut given = attestation(chain, 0, 4, nonce);
        given.key_id = key_id(&secret(10).public());
        sign(given, &secret(10))
    };
    let early = with_new(&chain, 1);
    refused(&submit(&mut chain, 4, early), 7);
    jump(&mut chain, 3 * DAY + 10);
    let (new, old) = (with_new(&chain, 2), sign(attestation(&chain, 0, 4, 3), &secret(0)));
    ok(&submit(&mut chain, 4, new));
    ok(&submit(&mut chain, 4, old));
    jump(&mut chain, 7 * DAY + 10);
    let (new, old) = (with_new(&chain, 4), sign(attestation(&chain, 0, 4, 5), &secret(0)));
    ok(&submit(&mut chain, 4, new));
    refused(&submit(&mut chain, 4, old), 7);
    jump(&mut chain, 90 * DAY);
    let late = with_new(&chain, 6);
    refused(&submit(&mut chain, 4, late), 7);
}

#[test]
fn at_most_two_keys_are_announced_and_each_is_proven() {
    let mut chain = chain();
    ok(&add_key(&mut chain, 0, &secret(10)));
    ok(&add_key(&mut chain, 0, &secret(11)));
    refused(&add_key(&mut chain, 0, &secret(12)), 7);
    refused(&add_key(&mut chain, 5, &secret(12)), 2);
    let stolen = MsgAddSignerKey {
        attester: name(1),
        public_key: secret(12).public().to_vec(),
        proof_of_possession: secret(12).sign(&key_proof(CHAIN_ID, &name(0), &secret(12).public())).to_vec(),
    };
    refused(&chain.deliver(1, &stolen), 14);
}

#[test]
fn a_compromise_drops_what_was_signed_since_and_nothing_before() {
    let mut chain = chain();
    let before = sign(attestation(&chain, 0, 4, 1), &secret(0));
    ok(&submit(&mut chain, 4, before));
    jump(&mut chain, 600);
    let since = chain.time.unix();
    let mut after = attestation(&chain, 0, 4, 2);
    after.scope_id = "later".into();
    ok(&submit(&mut chain, 4, sign(after, &secret(0))));
    assert_eq!(facts(&chain, 4).len(), 2);
    let key_id = key_id(&secret(0).public());
    let foreign = MsgRevokeSignerKey { attester: name(1), key_id: key_id.clone(), compromised_since: since };
    refused(&chain.deliver(1, &foreign), 7);
    ok(&chain.deliver(0, &MsgRevokeSignerKey { attester: name(0), key_id, compromised_since: since }));
    let left = facts(&chain, 4);
    assert_eq!((left.len(), left[0].scope_id.as_str()), (1, ""));
    let stolen = sign(attestation(&chain, 0, 5, 3), &secret(0));
    refused(&submit(&mut chain, 5, stolen), 7);
}

#[test]
fn two_attestations_under_one_nonce_cost_the_bond_and_the_right() {
    let mut chain = chain();
    let first = sign(attestation(&chain, 0, 4, 1), &secret(0));
    let second = sign(attestation(&chain, 0, 5, 1), &secret(0));
    let report = |first: &Attestation, second: &Attestation| MsgReportEquivocation {
        reporter: name(3),
        first: Some(first.clone()),
        second: Some(second.clone()),
    };
    refused(&chain.deliver(3, &report(&first, &first)), 15);
    let mut forged = second.clone();
    forged.signature = secret(9).sign(b"forged").to_vec();
    refused(&chain.deliver(3, &report(&first, &forged)), 14);
    ok(&chain.deliver(3, &report(&first, &second)));
    let punished = attester(&chain, 0).attester.expect("it is known");
    assert_eq!(punished.state(), AttesterState::Revoked);
    assert_eq!((punished.bond.as_str(), punished.slashed.as_str()), ("900000000", "100000000"));
    refused(&chain.deliver(3, &report(&first, &second)), 4);
    refused(&submit(&mut chain, 4, first), 4);
}

#[test]
fn nobody_attests_without_the_approval_of_governance() {
    let mut chain = chain();
    let register = |bond: &str| MsgRegisterAttester {
        attester: name(5),
        name: "new".into(),
        organisation: "new".into(),
        kinds: vec![Kind::Email.into()],
        bond: bond.into(),
    };
    refused(&chain.deliver(5, &register("999999999")), 5);
    ok(&chain.deliver(5, &register("1000000000")));
    refused(&chain.deliver(5, &register("1000000000")), 3);
    ok(&add_key(&mut chain, 5, &secret(5)));
    let given = sign(attestation(&chain, 5, 4, 1), &secret(5));
    refused(&submit(&mut chain, 4, given), 4);
    let approve = MsgApproveAttester {
        authority: name(5),
        attester: name(5),
        organisation: "new".into(),
        kinds: vec![Kind::Email.into()],
    };
    assert_eq!(chain.deliver(5, &approve).code, 4, "only governance approves");
}

#[test]
fn a_bond_comes_back_after_the_unbonding_time() {
    let mut chain = chain();
    let message = MsgExitAttester { attester: name(0) };
    ok(&chain.deliver(0, &message));
    refused(&chain.deliver(0, &message), 4);
    let given = sign(attestation(&chain, 0, 4, 1), &secret(0));
    refused(&submit(&mut chain, 4, given), 4);
    let before = chain.balance(&chain.accounts[0].address);
    assert!(before < Amount::from(ENDOWMENT));
    jump(&mut chain, 21 * DAY - 60);
    assert_eq!(chain.balance(&chain.accounts[0].address), before);
    jump(&mut chain, 120);
    let after = chain.balance(&chain.accounts[0].address);
    assert_eq!(after, before.checked_add(Amount::from(BOND)).expect("it fits"));
}

#[test]
fn an_emergency_stops_an_attester_until_governance_speaks() {
    let mut chain = TestChain::with_genesis(6, |state| {
        let accounts: Vec<Account> = (0..6).map(Account::number).collect();
        ve_testkit::chain::seat(state, &accounts);
        genesis(state);
    });
    ok(&add_key(&mut chain, 2, &secret(2)));
    let propose = MsgProposeAction {
        proposer: name(0),
        kind: ActionKind::EmergencyRevoke.into(),
        emergency: EmergencyTarget::Attester.into(),
        resource_id: name(2),
        reason_commit: vec![1; 32],
        ..MsgProposeAction::default()
    };
    let unknown = MsgProposeAction { resource_id: name(5), ..propose.clone() };
    assert_ne!(chain.deliver(0, &unknown).code, 0, "no attester");
    ok(&chain.deliver(0, &propose));
    let given = sign(attestation(&chain, 2, 4, 1), &secret(2));
    ok(&submit(&mut chain, 4, given));
    let actions: QueryActionsResponse =
        chain.query("/ve.roles.v1.Query/Actions", &QueryActionsRequest::default()).expect("it answers");
    let action_id = actions.actions.last().expect("the proposal").id;
    ok(&chain.deliver(1, &MsgApproveAction { approver: name(1), action_id, delegation_id: 0 }));
    let given = sign(attestation(&chain, 2, 4, 2), &secret(2));
    refused(&submit(&mut chain, 4, given), 4);
    // Nobody ratifies it.
    jump(&mut chain, 15 * DAY);
    let given = sign(attestation(&chain, 2, 4, 3), &secret(2));
    ok(&submit(&mut chain, 4, given));
}
