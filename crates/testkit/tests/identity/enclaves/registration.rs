use ve_proto::ve::enclave::v1::*;
use ve_testkit::chain::TestChain;

use super::support::*;

#[test]
fn an_enclave_is_active_after_its_first_heartbeat() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    assert_eq!(enclave(&chain, id).status(), EnclaveStatus::Pending);
    assert!(!found(&chain, id).valid);
    let message = beat(&chain, &enclave(&chain, id), |_| {});
    assert_eq!(sent(&mut chain, 0, &message), HealthStatus::Healthy);
    let active = found(&chain, id);
    let known = active.enclave.expect("it is there");
    assert!(active.valid);
    assert_eq!((known.status(), known.svn, known.tcb.clone()), (EnclaveStatus::Active, 2, vec![1]));
    assert_eq!((known.tee(), known.tcb_status.as_str()), (Tee::Simulated, "Simulated"));
}

#[test]
fn simulated_enclaves_are_refused_where_genesis_does_not_allow_them() {
    let mut chain = chain_with(|state| state["enclave"]["allow_simulated"] = false.into());
    let message = registration(&chain, 0, 1);
    refused(&chain.deliver(0, &message), 15);
}

#[test]
fn a_quote_about_anything_else_is_refused() {
    let mut chain = chain();
    type Change = fn(&mut MsgRegisterEnclave);
    let changes: [(Change, u32); 8] = [
        (|message| message.enc_pubkey = vec![9; 32], 2),
        (|message| message.sig_pubkey = vec![9; 32], 2),
        (|message| *message.quote.last_mut().expect("bytes") ^= 1, 2),
        // The first byte of the measurement.
        (|message| message.quote[20] ^= 1, 3),
        (|message| message.anchor_height += 5, 6),
        (|message| message.epoch += 1, 8),
        (|message| message.quote[0] ^= 1, 102),
        (|message| message.replaces = 77, 14),
    ];
    for (change, code) in changes {
        let mut message = registration(&chain, 0, 1);
        change(&mut message);
        refused(&chain.deliver(0, &message), code);
    }
    // In the name of another validator.
    let stolen = MsgRegisterEnclave { validator: name(&chain, 1), ..registration(&chain, 0, 1) };
    refused(&chain.deliver(1, &stolen), 2);
    let old = registration_with(&chain, 0, 1, |quote| quote.svn = 1);
    refused(&chain.deliver(0, &old), 4);
    let message = registration(&chain, OUTSIDER, 1);
    refused(&chain.deliver(OUTSIDER, &message), 9);
}

#[test]
fn a_quote_is_good_for_ten_minutes_and_once() {
    let mut chain = chain();
    let message = registration(&chain, 0, 1);
    jump(&mut chain, 601);
    refused(&chain.deliver(0, &message), 6);
    let message = registration(&chain, 0, 1);
    ok(&chain.deliver(0, &message));
    refused(&chain.deliver(0, &message), 12);
    jump(&mut chain, 550);
    refused(&chain.deliver(0, &message), 10);
}

#[test]
fn malformed_registrations_are_refused_before_state_is_asked() {
    let mut chain = chain();
    let changes: [fn(&mut MsgRegisterEnclave); 6] = [
        |message| message.tee = 0,
        |message| message.enc_pubkey.clone_from(&message.sig_pubkey),
        |message| message.enc_pubkey.push(1),
        |message| message.quote.clear(),
        |message| message.quote = vec![1; 16_385],
        |message| message.operator_group = "a\nb".into(),
    ];
    for change in changes {
        let mut message = registration(&chain, 0, 1);
        change(&mut message);
        refused(&chain.deliver(0, &message), 17);
    }
}

#[test]
fn a_validator_has_few_enclaves_and_rotates_with_an_overlap() {
    let mut chain = chain();
    let first = register(&mut chain, 0, 1);
    let message = beat(&chain, &enclave(&chain, first), |_| {});
    sent(&mut chain, 0, &message);
    jump(&mut chain, 500);
    let message = MsgRegisterEnclave { replaces: first, ..registration(&chain, 0, 2) };
    ok(&chain.deliver(0, &message));
    let (old, new) = (found(&chain, first), found(&chain, first + 1));
    assert_eq!(old.enclave.as_ref().expect("it is there").status(), EnclaveStatus::Rotating);
    assert!(old.valid && !new.valid, "the new one shows no sign of life yet");
    jump(&mut chain, 500);
    let third = registration(&chain, 0, 3);
    refused(&chain.deliver(0, &third), 11);
    let message = beat(&chain, &enclave(&chain, first + 1), |_| {});
    sent(&mut chain, 0, &message);
    assert!(found(&chain, first + 1).valid);
    jump(&mut chain, 72_000);
    assert_eq!(enclave(&chain, first).status(), EnclaveStatus::Expired);
}

#[test]
fn keys_expire() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    jump(&mut chain, 504_000);
    assert_eq!(enclave(&chain, id).status(), EnclaveStatus::Expired);
    let message = beat(&chain, &enclave(&chain, id), |_| {});
    refused(&chain.deliver(0, &message), 14);
    assert_eq!(health(&chain, 0).expect("it is kept").next_due, 0, "nobody waits for its heartbeats");
}

fn retire(chain: &mut TestChain, of: usize, enclave_id: u64, compromised: bool) -> ve_sdk::application::TxResult {
    let validator = name(chain, of);
    chain.deliver(of, &MsgRetireEnclave { validator, enclave_id, compromised })
}

#[test]
fn a_compromised_enclave_ends_at_once_and_only_for_its_validator() {
    let mut chain = chain();
    activate_all(&mut chain);
    refused(&retire(&mut chain, 1, 1, true), 14);
    ok(&retire(&mut chain, 0, 1, true));
    assert_eq!(enclave(&chain, 1).status(), EnclaveStatus::Revoked);
    ok(&retire(&mut chain, 1, 2, false));
    assert!(found(&chain, 2).valid, "until the overlap ends");
    refused(&retire(&mut chain, 1, 2, false), 17);
}

#[test]
fn only_governance_lists_code() {
    let mut chain = chain();
    let anybody = name(&chain, 0);
    let measurement = Measurement { hash: vec![8; 32], tee: Tee::Simulated.into(), ..Measurement::default() };
    let set = MsgSetMeasurement { authority: anybody.clone(), measurement: Some(measurement.clone()) };
    assert_ne!(chain.deliver(0, &set).code, 0);
    let revoke = MsgRevokeMeasurement { authority: anybody.clone(), hash: MEASUREMENT.to_vec() };
    assert_ne!(chain.deliver(0, &revoke).code, 0);
    let floor = MsgSetTcbFloor { authority: anybody, tee: Tee::Simulated.into(), least: vec![2] };
    assert_ne!(chain.deliver(0, &floor).code, 0);

    let other = registration_with(&chain, 0, 1, |quote| quote.measurement = [8; 32]);
    refused(&chain.deliver(0, &other), 3);
    govern(&mut chain, &MsgSetMeasurement { authority: authority(), measurement: Some(measurement) });
    let other = registration_with(&chain, 0, 1, |quote| quote.measurement = [8; 32]);
    ok(&chain.deliver(0, &other));
}
