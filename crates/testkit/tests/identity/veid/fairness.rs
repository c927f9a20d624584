//! What neither owners nor members can do to a verification.

use std::collections::BTreeSet;

use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use ve_proto::ve::veid::v1::*;
use ve_proto::{Message, Name};
use ve_sdk::application::Application as _;
use ve_testkit::chain::{TestChain, any};
use ve_testkit::committee;

use super::verification::{asked, punishments, staked};
use ve_testkit::veid::members::*;
use ve_testkit::veid::*;

fn kept(chain: &TestChain, what: &str) -> Vec<serde_json::Value> {
    let exported = chain.app.export().expect("the state exports");
    exported["veid"][what].as_array().cloned().unwrap_or_default()
}

/// Lets governance send a message.
fn govern<M: Message + Name>(chain: &mut TestChain, message: &M) {
    let proposal = MsgSubmitProposal {
        messages: vec![any(message)],
        initial_deposit: vec![Coin { denom: "uve".into(), amount: "3000000000".into() }],
        proposer: name(chain, 0),
        title: "a change".into(),
        summary: "for the better".into(),
        ..MsgSubmitProposal::default()
    };
    let result = chain.deliver(0, &proposal);
    assert_eq!(result.code, 0, "{}", result.log);
    let event = result.events.iter().find(|event| event.kind == "submit_proposal").expect("an event");
    let id = event.attributes.iter().find(|(key, _)| key == "proposal_id").expect("the id");
    let proposal_id = id.1.parse().expect("a number");
    for voter in 0..7 {
        let option = VoteOption::Yes as i32;
        let vote = MsgVote { proposal_id, voter: name(chain, voter), option, metadata: String::new() };
        good(chain.deliver(voter, &vote));
    }
    chain.time = chain.time.plus_seconds(300);
    chain.run(Vec::new());
    chain.run(Vec::new());
}

fn authority_name() -> String {
    ve_base::module_address("gov").to_string()
}

#[test]
fn neither_the_owner_nor_its_request_chooses_who_decides() {
    let drawn = |hash: u8| {
        let mut chain = staked(4, |_| {});
        let scope_ids = uploaded(&mut chain, [committee::EPOCH; 2]);
        let message = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids };
        let mut block = chain.block(vec![chain.tx(OWNER, &message)]);
        block.hash = vec![hash; 32];
        chain.run_block(&block);
        let mut seats = seated(&chain);
        seats.sort_unstable();
        (request(&chain).request_id, seats)
    };
    assert_eq!(drawn(1), drawn(1), "everybody can repeat the draw");
    let draws: Vec<_> = (1..=5).map(drawn).collect();
    let ids: BTreeSet<_> = draws.iter().map(|(id, _)| id).collect();
    let seats: BTreeSet<_> = draws.iter().map(|(_, seats)| seats).collect();
    assert_eq!(ids.len(), 1, "the same request");
    assert!(seats.len() > 1, "always the same members: {seats:?}");
}

#[test]
fn seats_go_to_members_who_can_open_the_evidence_and_without_them_it_is_captured_again() {
    let before = committee::EPOCH - 1;
    let mut chain = staked(4, |_| {});
    let scope_ids = uploaded(&mut chain, [before; 2]);
    let message = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids };
    accept(&mut chain, OWNER, &message);
    let keys: Vec<String> = committee::members(before).into_iter().map(|member| member.key_id).collect();
    assert_eq!((run(&chain).epoch, run(&chain).seats.len()), (before, 4));
    assert!(run(&chain).seats.iter().all(|seat| keys.contains(&seat.key_id)));

    let mut chain = staked(4, |_| {});
    let scope_ids = uploaded(&mut chain, [before, committee::EPOCH]);
    let message = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids };
    accept(&mut chain, OWNER, &message);
    let ended = request(&chain);
    assert_eq!(ended.status(), RequestStatus::Cancelled);
    assert_eq!((ended.reason_codes, ended.run), (vec!["RETAKE_COMMITTEE_CHANGED".to_owned()], None));
    let left = wallet(&chain, OWNER);
    assert_eq!((left.state(), left.cooldown_until), (VerificationState::Unverified, 0));
}

#[test]
fn evidence_for_a_committee_that_nobody_remembers_is_captured_again() {
    let before = committee::EPOCH - 1;
    let mut chain = staked(4, |_| {});
    let scope_ids = uploaded(&mut chain, [before; 2]);
    let _kept = committee::KeptSince::epoch(committee::EPOCH);
    let message = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids };
    accept(&mut chain, OWNER, &message);
    assert_eq!(request(&chain).reason_codes, ["RETAKE_COMMITTEE_CHANGED"]);
    chain.run(Vec::new());
}

#[test]
fn who_is_out_of_office_misses_nothing() {
    let mut chain = asked(4);
    let members = seated(&chain);
    let absent = members[3];
    let out = committee::Ejected::new(u32::try_from(absent).expect("few"));
    verified(&mut chain, &members[..3], flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    let record = record_of(&chain, absent);
    assert_eq!((record.silent, record.missed), (0, 0));
    drop(out);
}

#[test]
fn while_a_sentence_waits_there_is_no_second_one_of_its_kind() {
    let mut chain = asked(4);
    let liar = {
        let members = seated(&chain);
        lie(&mut chain, &members);
        members[0]
    };
    assert_eq!(kept(&chain, "sentences").len(), 1);
    // Another verification, for which the liar answers wrongly again if it has a seat.
    chain.wait(30);
    let again = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids: request(&chain).scope_ids };
    accept(&mut chain, OWNER, &again);
    let members = seated(&chain);
    assert!(!members.contains(&liar), "six others are enough for four seats");
}

#[test]
fn an_owner_who_divides_the_members_costs_them_nothing() {
    let mut chain = asked(4);
    let members = seated(&chain);
    let (apart, alike) = (members[0], members[1..].to_vec());
    good(fail(&mut chain, apart, "CANNOT_OPEN"));
    verified(&mut chain, &alike, flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    let record = record_of(&chain, apart);
    assert_eq!((record.silent, record.divergent), (0, 0), "it answered");

    let mut chain = asked(4);
    let members = seated(&chain);
    good(commit(&mut chain, members[0], flawless()));
    members[1..].iter().for_each(|member| good(fail(&mut chain, *member, "CANNOT_OPEN")));
    assert_eq!(request(&chain).status(), RequestStatus::Final);
    let record = record_of(&chain, members[0]);
    assert_eq!((record.silent, record.divergent), (0, 0), "it could open it");
}

#[test]
fn an_enclave_that_was_revoked_decides_nothing_in_open_runs() {
    let mut chain = asked(4);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(&chain, &opened);
    good(attest(&mut chain, members[0], &right));
    good(attest(&mut chain, members[1], &right));
    let eject = |member: usize| committee::Ejected::new(u32::try_from(member).expect("few"));
    let _out = (eject(members[0]), eject(members[3]));
    good(attest(&mut chain, members[2], &right));
    assert_eq!(wallet(&chain, OWNER).score_milli, 0, "one of three equal attestations counts no longer");
    assert_eq!(code(&attest(&mut chain, members[3], &right)), veid(31), "its code was revoked");
}

#[test]
fn an_open_request_is_not_overwritten_by_another() {
    let mut chain = asked(4);
    let members = seated(&chain);
    verified(&mut chain, &members, flawless());
    rest(&mut chain);
    let message = again(&chain);
    accept(&mut chain, OWNER, &message);
    let members = seated(&chain);
    members.iter().for_each(|member| good(commit(&mut chain, *member, flawless())));
    good(reveal(&mut chain, members[0], flawless()));
    let revoke = |number: usize, chain: &TestChain| MsgRevokeScope {
        owner: name(chain, OWNER),
        scope_id: message.scope_ids[number].clone(),
        reason: String::new(),
    };
    let next = MsgRequestVerification { scope_ids: message.scope_ids[1..].to_vec(), ..message.clone() };
    let sequence = chain.account(&chain.accounts[OWNER].address).sequence;
    let tx = chain.tx_with(OWNER, sequence, vec![any(&revoke(0, &chain)), any(&next)]);
    assert_eq!(code(&chain.run(vec![tx]).tx_results.remove(0)), veid(39));
    let revocation = revoke(0, &chain);
    accept(&mut chain, OWNER, &revocation);
    assert_eq!(request(&chain).status(), RequestStatus::Cancelled);
    assert_eq!(kept(&chain, "reveals"), Vec::<serde_json::Value>::new(), "what members opened is gone");
}

#[test]
fn a_document_is_held_while_a_second_chance_runs_and_free_when_it_fails() {
    let mut chain = asked(4);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let codes = vec!["BELOW_PASS_THRESHOLD".to_owned()];
    let near = ScoreAttestation { score: 47, reason_codes: codes, ..attestation(&chain, &opened) };
    members[..3].iter().for_each(|member| good(attest(&mut chain, *member, &near)));
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Secondary);
    let held = kept(&chain, "nullifiers");
    assert_eq!(held.len(), 1, "no other account gets a chance with it");
    assert_eq!(
        (held[0]["owner"].as_str(), held[0]["provisional"].as_bool()),
        (Some(&*name(&chain, OWNER)), Some(true))
    );
    chain.wait(250);
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Rejected);
    assert_eq!(kept(&chain, "nullifiers").len(), 0);
}

#[test]
fn evidence_of_a_compromised_client_is_verified_no_more() {
    let mut chain = staked(4, |state| state["veid"]["params"]["phase_seconds"] = "80000".into());
    requested(&mut chain);
    let members = seated(&chain);
    good(commit(&mut chain, members[0], flawless()));
    let revocation = MsgRevokeClient {
        authority: authority_name(),
        client_id: CLIENT.into(),
        reason: "its keys were stolen".into(),
        compromised_since: 1,
    };
    govern(&mut chain, &revocation);
    let ended = request(&chain);
    assert_eq!(ended.reason_codes, ["CLIENT_COMPROMISED"]);
    assert_eq!(ended.status(), RequestStatus::Cancelled);
    assert!(scopes(&chain, OWNER).iter().all(|scope| scope.status() == ScopeStatus::Rejected));
    let message = again(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(16), "nothing is left to verify");
}

#[test]
fn who_withdraws_when_a_bad_score_is_in_sight_waits_as_after_a_rejection() {
    let mut chain = asked(4);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let bad = ScoreAttestation { score: 20, ..attestation(&chain, &opened) };
    good(attest(&mut chain, members[0], &bad));
    let message = withdrawal(&chain);
    accept(&mut chain, OWNER, &message);
    assert_eq!(request(&chain).status(), RequestStatus::Cancelled);
    let left = wallet(&chain, OWNER);
    assert_eq!((left.state(), left.rejections), (VerificationState::Unverified, 1));
    assert_eq!(left.cooldown_until, chain.time.unix() + DAY);
    let message = agree(&chain, OWNER, left.consent_version);
    rest(&mut chain);
    accept(&mut chain, OWNER, &message);
    rest(&mut chain);
    let message = again(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(8));
}

#[test]
fn a_model_that_changes_costs_nobody_anything_and_scores_nothing_more() {
    let mut chain = staked(4, |state| state["veid"]["params"]["phase_seconds"] = "80000".into());
    requested(&mut chain);
    let members = seated(&chain);
    good(commit(&mut chain, members[0], flawless()));
    let query = QueryParamsRequest {};
    let known: QueryParamsResponse = chain.query("/ve.veid.v1.Query/Params", &query).expect("it answers");
    let mut params = known.params.expect("they are known");
    params.model_id = vec![9; 32];
    let first = run(&chain).run_id;
    govern(&mut chain, &MsgUpdateParams { authority: authority_name(), params: Some(params) });
    good(commit(&mut chain, members[1], flawless()));
    let next = run(&chain);
    assert_ne!(next.run_id, first, "another committee works with the new model");
    assert_eq!((next.state(), next.model_id), (RunState::Extracting, vec![9; 32]));
    assert!(members.iter().all(|member| record_of(&chain, *member).silent == 0));
}

#[test]
fn five_captures_that_nobody_can_read_are_enough_for_a_day() {
    let mut chain = asked(4);
    for _ in 0..5 {
        let members = seated(&chain);
        members[..3].iter().for_each(|member| good(fail(&mut chain, *member, "RETAKE_BLUR")));
        assert_eq!(request(&chain).status(), RequestStatus::Final);
        rest(&mut chain);
        if wallet(&chain, OWNER).cooldown_until == 0 {
            let message = again(&chain);
            accept(&mut chain, OWNER, &message);
        }
    }
    let message = again(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(8));
    chain.time = chain.time.plus_seconds(DAY);
    accept(&mut chain, OWNER, &message);
}

/// The first member attests another score than the others.
fn lie(chain: &mut TestChain, members: &[usize]) {
    open_alike(chain, members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(chain, &opened);
    let wrong = ScoreAttestation { score: 100, ..right.clone() };
    good(attest(chain, members[0], &wrong));
    members[1..].iter().for_each(|member| good(attest(chain, *member, &right)));
}

#[test]
fn a_fault_costs_stake_a_day_later_and_outlives_an_export() {
    let mut chain = asked(4);
    let members = seated(&chain);
    lie(&mut chain, &members);
    let waiting = kept(&chain, "sentences");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["member"].as_str(), Some(&*name(&chain, members[0])));
    assert_eq!(punishments(&mut chain, members[0]).len(), 1);
    assert_eq!(kept(&chain, "sentences").len(), 0, "once");
}
