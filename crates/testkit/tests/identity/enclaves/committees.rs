use ve_chain_identity::veid::EnclaveCommittee;
use ve_chain_identity::veid::committee::CommitteeSource as _;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::MsgUndelegate;
use ve_proto::ve::enclave::v1::*;
use ve_sdk::application::Application as _;
use ve_store::Read;
use ve_testkit::chain::TestChain;

use super::support::*;

#[test]
fn a_committee_is_drawn_from_healthy_enclaves_and_evidence_is_sealed_to_it() {
    let mut chain = chain();
    assert_eq!(committee(&chain, 0).members, [], "nobody is registered");
    activate_all(&mut chain);
    next_epoch(&mut chain);
    let drawn = committee(&chain, 0);
    assert_eq!((drawn.epoch, drawn.members.len(), drawn.candidates.len()), (2, VALIDATORS, VALIDATORS));
    assert!(drawn.members.is_sorted_by_key(|member| member.validator.clone()));
    assert!(drawn.members.iter().all(|member| member.tee() == Tee::Simulated));

    let sealed_to = |epoch| {
        let members = chain.app.read(|ctx| EnclaveCommittee.committee(ctx, epoch).expect("state is readable"));
        members.expect("there is a state")
    };
    let members = sealed_to(2).expect("they are enough");
    let keys: Vec<Vec<u8>> = (1..=5).map(|key| vec![key; 32]).collect();
    assert!(members.iter().all(|member| keys.contains(&member.sealing_key) && member.simulated));
    assert!(members.is_sorted_by_key(|member| member.operator.clone()));
    assert_eq!(sealed_to(1), None, "too few");
    assert_eq!(sealed_to(3), None, "unknown");
}

#[test]
fn a_member_that_loses_its_enclave_or_its_stake_has_no_key_of_the_committee_any_more() {
    let mut chain = chain();
    activate_all(&mut chain);
    next_epoch(&mut chain);
    let read = |chain: &TestChain| {
        let members = chain.app.read(|ctx| EnclaveCommittee.committee(ctx, 2).expect("state is readable"));
        members.expect("there is a state")
    };
    let members = read(&chain).expect("they are enough");
    let hold = |chain: &TestChain| -> Vec<bool> {
        let holds = |ctx: &dyn Read| {
            let all = members.iter().map(|member| EnclaveCommittee.holds(ctx, &member.operator, &member.key_id));
            all.map(|held| held.expect("state is readable")).collect()
        };
        chain.app.read(|ctx| holds(ctx)).expect("there is a state")
    };
    assert_eq!(hold(&chain), [true; VALIDATORS]);
    let at = |number: usize| {
        let name = name(&chain, number);
        members.iter().position(|member| member.operator.to_string() == name).expect("a member")
    };
    let (lost, left) = (at(0), at(1));
    let operator = chain.accounts[1].address.to_bech32(ve_base::OPERATOR_PREFIX);
    let validator = name(&chain, 0);
    ok(&chain.deliver(0, &MsgRetireEnclave { validator, enclave_id: 1, compromised: true }));
    let everything = MsgUndelegate {
        delegator_address: name(&chain, 1),
        validator_address: operator,
        amount: Some(Coin { denom: "uve".into(), amount: "1000000000".into() }),
    };
    ok(&chain.deliver(1, &everything));
    let expected: Vec<bool> = (0..VALIDATORS).map(|place| place != lost && place != left).collect();
    assert_eq!(hold(&chain), expected);
    assert_eq!(read(&chain), None, "three are too few");
}

#[test]
fn too_few_members_pause_verification() {
    let mut chain = chain();
    activate_all(&mut chain);
    next_epoch(&mut chain);
    for of in 0..2usize {
        let enclave_id = u64::try_from(of).expect("few") + 1;
        let validator = name(&chain, of);
        ok(&chain.deliver(of, &MsgRetireEnclave { validator, enclave_id, compromised: true }));
    }
    assert_eq!(keys(&chain), Vec::<String>::new());
    let response: QueryCommitteeResponse =
        chain.query("/ve.enclave.v1.Query/Committee", &QueryCommitteeRequest { epoch: 0 }).expect("it is known");
    assert!(response.paused);
}

#[test]
fn validators_below_the_score_are_not_drawn() {
    let mut chain = chain_with(|state| state["enclave"]["params"]["candidate_score"] = 85.into());
    activate_all(&mut chain);
    next_epoch(&mut chain);
    assert_eq!(committee(&chain, 0).candidates, [], "nobody is verified");
}

#[test]
fn one_operator_has_at_most_a_third() {
    let mut chain = chain();
    for of in 0..VALIDATORS {
        let key = u8::try_from(of).expect("few") + 1;
        let mut message = registration(&chain, of, key);
        message.operator_group = if of < 3 { "one house".into() } else { String::new() };
        ok(&chain.deliver(of, &message));
        let known = of_validator(&chain, of).remove(0);
        let message = beat(&chain, &known, |_| {});
        sent(&mut chain, of, &message);
    }
    next_epoch(&mut chain);
    let drawn = committee(&chain, 0);
    let house = drawn.members.iter().filter(|member| member.operator_group == "one house").count();
    assert_eq!((drawn.members.len(), house), (3, 1));
}

#[test]
fn revoked_code_leaves_the_committee_at_once_and_never_comes_back() {
    let mut chain = chain();
    activate_all(&mut chain);
    next_epoch(&mut chain);
    refresh_all(&mut chain);
    assert_eq!(keys(&chain).len(), VALIDATORS);
    govern(&mut chain, &MsgRevokeMeasurement { authority: authority(), hash: MEASUREMENT.to_vec() });
    assert_eq!(keys(&chain), Vec::<String>::new());
    assert!((1..=5).all(|id| enclave(&chain, id).status() == EnclaveStatus::Revoked));
    let message = registration(&chain, 0, 9);
    refused(&chain.deliver(0, &message), 3);
    let measurement = Measurement { hash: MEASUREMENT.to_vec(), tee: Tee::Simulated.into(), ..Measurement::default() };
    govern(&mut chain, &MsgSetMeasurement { authority: authority(), measurement: Some(measurement) });
    let message = registration(&chain, 0, 9);
    refused(&chain.deliver(0, &message), 3);
}

#[test]
fn a_raised_floor_gives_enclaves_a_grace_time_to_update_their_platform() {
    let mut chain = chain();
    activate_all(&mut chain);
    govern(&mut chain, &MsgSetTcbFloor { authority: authority(), tee: Tee::Simulated.into(), least: vec![2] });
    jump(&mut chain, 500);
    let message = registration(&chain, 0, 9);
    refused(&chain.deliver(0, &message), 5);
    assert!(found(&chain, 1).valid && found(&chain, 2).valid, "the grace time runs");
    let known = enclave(&chain, 1);
    let updated = beat(&chain, &known, fresh(&chain, &known, 2));
    sent(&mut chain, 0, &updated);
    let known = enclave(&chain, 2);
    let old = beat(&chain, &known, fresh(&chain, &known, 1));
    sent(&mut chain, 1, &old);
    assert_eq!(health(&chain, 1).expect("known").failures, 1);
    jump(&mut chain, 2_500);
    assert!(found(&chain, 1).valid);
    assert!(!found(&chain, 2).valid, "the grace time is over");
    assert_eq!(enclave(&chain, 1).tcb, [2]);
}

#[test]
fn an_export_goes_on_as_the_same_chain() {
    let mut chain = chain();
    activate_all(&mut chain);
    next_epoch(&mut chain);
    let exported = chain.app.export().expect("the state exports");
    let accounts = (0..=5).map(ve_testkit::chain::Account::number).collect();
    let options = ve_testkit::chain::checked_options();
    let copy = ve_testkit::chain::TestChain::from_state(accounts, exported.clone(), options, chain.height, chain.time);
    assert_eq!(copy.app.export().expect("the state exports"), exported);
    assert_eq!(exported["enclave"]["enclaves"].as_array().map(Vec::len), Some(VALIDATORS));
}
