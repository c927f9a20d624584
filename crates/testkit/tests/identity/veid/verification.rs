use ve_base::Amount;
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_inference::features::id;
use ve_proto::ve::slashing::v1::{QuerySlashRecordsRequest, QuerySlashRecordsResponse, Reason, SlashRecord};
use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::{Account, TestChain};

use ve_testkit::veid::members::*;
use ve_testkit::veid::*;

/// A chain on which verification was asked for; its committees have this size.
pub fn asked(size: u32) -> TestChain {
    let mut chain = staked(size, |_| {});
    requested(&mut chain);
    chain
}

/// A chain whose members have stake, and with a short time for votes.
pub fn staked(size: u32, change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
    chain_with(|state| {
        state["veid"]["params"]["committee_size"] = size.into();
        state["gov"]["params"]["voting_period"] = "300s".into();
        state["gov"]["params"]["expedited_voting_period"] = "100s".into();
        for index in 0..7u8 {
            let account = Account::number(index.into()).address;
            let new = GenesisValidator {
                account,
                consensus_key: consensus_key(index),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(1_000_000_000u64),
            };
            add_validator(state, &new).expect("the account can bond");
        }
        change(state);
    })
}

fn consensus_key(index: u8) -> [u8; 32] {
    ve_base::keys::ConsensusSecret::from_seed([index + 50; 32]).public()
}

/// What a member was punished for until a day from now.
pub fn punishments(chain: &mut TestChain, member: usize) -> Vec<SlashRecord> {
    chain.time = chain.time.plus_seconds(DAY);
    chain.run(Vec::new());
    let operator = chain.accounts[member].address.to_bech32(ve_base::OPERATOR_PREFIX);
    let request = QuerySlashRecordsRequest { operator, pagination: None };
    let response: QuerySlashRecordsResponse =
        chain.query("/ve.slashing.v1.Query/SlashRecords", &request).expect("it answers");
    response.records
}

#[test]
fn a_quorum_of_equal_attestations_gives_the_score_and_nothing_else_does() {
    let mut chain = asked(7);
    let members = seated(&chain);
    assert_eq!((members.len(), request(&chain).status()), (7, RequestStatus::Assigned));
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Pending);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(&chain, &opened);
    for member in &members[..4] {
        good(attest(&mut chain, *member, &right));
        assert_eq!(wallet(&chain, OWNER).score_milli, 0, "four of seven are no quorum");
    }
    good(attest(&mut chain, members[4], &right));
    let made = wallet(&chain, OWNER);
    assert_eq!((made.state(), made.score_milli), (VerificationState::Verified, right.score * 1_000));
    assert!(right.score >= 50, "score {}", right.score);
    assert!(scopes(&chain, OWNER).iter().all(|scope| scope.status() == ScopeStatus::Verified));
    assert_eq!(request(&chain).status(), RequestStatus::Final);
    assert_eq!(code(&attest(&mut chain, members[5], &right)), veid(33), "the run is over");
    let query = QueryScoreRequest { owner: name(&chain, OWNER) };
    let score: QueryScoreResponse = chain.query("/ve.veid.v1.Query/Score", &query).expect("it answers");
    assert_eq!((score.score, score.tier), (right.score, 1));
    let query = QueryScoreRecordRequest { owner: name(&chain, OWNER) };
    let record: QueryScoreRecordResponse = chain.query("/ve.veid.v1.Query/ScoreRecord", &query).expect("it answers");
    assert_eq!(record.record.map(|record| record.members.len()), Some(5));
    assert!(members.iter().all(|member| record_of(&chain, *member).agreed == 1));
}

#[test]
fn one_liar_of_four_is_outvoted_and_loses_stake() {
    let mut chain = asked(4);
    let members = seated(&chain);
    let (liar, honest) = (members[0], &members[1..]);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(&chain, &opened);
    let wrong = ScoreAttestation { score: 100, ..right.clone() };
    good(attest(&mut chain, liar, &wrong));
    honest.iter().for_each(|member| good(attest(&mut chain, *member, &right)));
    assert_eq!(wallet(&chain, OWNER).score_milli, right.score * 1_000);
    let records = punishments(&mut chain, liar);
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].reason(), records[0].burned.as_str()), (Reason::InconsistentScore, "20000000"), "2 %");
    assert!(honest.iter().all(|member| punishments(&mut chain, *member).is_empty()));
    assert_eq!((record_of(&chain, liar).divergent, record_of(&chain, honest[0]).divergent), (1, 0));
}

#[test]
fn a_member_that_copies_what_others_opened_is_found_out_and_punished() {
    let mut chain = asked(7);
    let members = seated(&chain);
    let (copier, honest) = (members[0], &members[1..]);
    honest.iter().for_each(|member| good(commit(&mut chain, *member, flawless())));
    good(commit(&mut chain, copier, with(&[(id::DOC_SHARPNESS, 1)])));
    honest.iter().for_each(|member| good(reveal(&mut chain, *member, flawless())));
    good(reveal(&mut chain, copier, flawless()));
    assert_eq!(run(&chain).state(), RunState::Attesting);
    let opened: Vec<_> = honest.iter().map(|member| (*member, flawless())).collect();
    let found = ScoreAttestation { mismatched: vec![name(&chain, copier)], ..attestation(&chain, &opened) };
    honest[..5].iter().for_each(|member| good(attest(&mut chain, *member, &found)));
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    assert_eq!(punishments(&mut chain, copier)[0].reason(), Reason::InconsistentScore);
}

#[test]
fn one_silent_member_of_four_delays_but_does_not_stop() {
    let mut chain = asked(4);
    let members = seated(&chain);
    let (dead, alive) = (members[3], members[..3].to_vec());
    verified(&mut chain, &alive, flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    assert_eq!((record_of(&chain, dead).silent, record_of(&chain, alive[0]).silent), (1, 0));
    assert!(punishments(&mut chain, dead).is_empty(), "a missed run alone costs nothing");
}

#[test]
fn two_silent_members_of_four_defer_it_and_give_the_owner_his_state_back() {
    let mut chain = asked(4);
    for member in &seated(&chain)[..2] {
        good(commit(&mut chain, *member, flawless()));
    }
    let first = run(&chain).run_id;
    chain.wait(100);
    assert_ne!(run(&chain).run_id, first, "another committee was drawn at once");
    chain.wait(105);
    assert_eq!(request(&chain).status(), RequestStatus::Deferred);
    chain.wait(600);
    assert_eq!((request(&chain).status(), request(&chain).attempts), (RequestStatus::Assigned, 3));
    chain.wait(105);
    assert_eq!(request(&chain).status(), RequestStatus::Timeout);
    let left = wallet(&chain, OWNER);
    assert_eq!((left.state(), left.score_milli, left.cooldown_until), (VerificationState::Unverified, 0, 0));
}

#[test]
fn only_seats_enclaves_and_turns_count() {
    let mut chain = asked(4);
    let members = seated(&chain);
    let outsider = (0..7).find(|at| !members.contains(at)).expect("three have no seat");
    assert_eq!(code(&commit(&mut chain, outsider, flawless())), veid(31));
    good(commit(&mut chain, members[0], flawless()));
    assert_eq!(code(&commit(&mut chain, members[0], with(&[(id::DOC_SHARPNESS, 1)]))), veid(32), "bound once");
    assert_eq!(code(&reveal(&mut chain, members[0], flawless())), veid(33), "the others are not bound yet");
    let who = name(&chain, members[1]);
    let forged = MsgCommitFeatures {
        member: who,
        run_id: run(&chain).run_id,
        commit: vec![1; 32],
        enclave_signature: vec![7; 64],
    };
    assert_eq!(code(&chain.deliver(members[1], &forged)), veid(34));
    assert_eq!(
        code(&chain.deliver(
            outsider,
            &MsgRequestVerification { owner: name(&chain, outsider), scope_ids: vec!["scope-of-a-person-0".into()] }
        )),
        veid(3)
    );
}

#[test]
fn an_attestation_names_the_model_the_scopes_and_the_members_of_its_run() {
    let mut chain = asked(4);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(&chain, &opened);
    let other_model = ScoreAttestation { model_id: vec![9; 32], ..right.clone() };
    assert_eq!(code(&attest(&mut chain, members[0], &other_model)), veid(35));
    let foreign = ScoreAttestation { accepted_scopes: vec!["scope-of-another".into()], ..right.clone() };
    assert_eq!(code(&attest(&mut chain, members[0], &foreign)), veid(19));
    let few = ScoreAttestation { members: right.members[..2].to_vec(), ..right.clone() };
    assert_eq!(code(&attest(&mut chain, members[0], &few)), veid(19));
    let beyond = ScoreAttestation { score: 101, ..right };
    assert_eq!(code(&attest(&mut chain, members[0], &beyond)), veid(19));
}

#[test]
fn withdrawn_consent_ends_a_verification_in_its_block() {
    let mut chain = asked(4);
    let members = seated(&chain);
    good(commit(&mut chain, members[0], flawless()));
    let withdrawal = withdrawal(&chain);
    accept(&mut chain, OWNER, &withdrawal);
    let ended = request(&chain);
    assert_eq!((ended.status(), ended.reason_codes), (RequestStatus::Cancelled, vec!["CONSENT_WITHDRAWN".to_owned()]));
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Unverified);
    assert_eq!(code(&commit(&mut chain, members[1], flawless())), veid(33));
}

#[test]
fn members_that_cannot_read_the_evidence_send_the_owner_back_without_a_cooldown() {
    let mut chain = asked(4);
    let members = seated(&chain);
    members[..3].iter().for_each(|member| good(fail(&mut chain, *member, "RETAKE_BLUR")));
    let ended = request(&chain);
    assert_eq!((ended.status(), ended.reason_codes), (RequestStatus::Final, vec!["RETAKE_BLUR".to_owned()]));
    let left = wallet(&chain, OWNER);
    assert_eq!((left.state(), left.cooldown_until), (VerificationState::Unverified, 0));
}

#[test]
fn evidence_that_only_some_members_can_open_costs_none_of_them_anything() {
    let mut chain = asked(7);
    let members = seated(&chain);
    members[..2].iter().for_each(|member| good(commit(&mut chain, *member, flawless())));
    good(fail(&mut chain, members[2], "UNREADABLE_EVIDENCE"));
    chain.wait(100);
    let members = seated(&chain);
    good(commit(&mut chain, members[0], flawless()));
    good(fail(&mut chain, members[1], "UNREADABLE_EVIDENCE"));
    members[2..].iter().for_each(|member| good(fail(&mut chain, *member, "ENVELOPE_INVALID")));
    assert_eq!(request(&chain).reason_codes, ["ENVELOPE_INVALID"]);
    assert!(members.iter().all(|member| record_of(&chain, *member).divergent == 0));

    let mut chain = asked(4);
    let members = seated(&chain);
    good(fail(&mut chain, members[3], "ENVELOPE_INVALID"));
    verified(&mut chain, &members[..3], flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    let left = record_of(&chain, members[3]);
    assert_eq!((left.silent, left.missed, left.agreed), (0, 0, 0));
}

#[test]
fn nobody_has_a_seat_in_the_verification_of_himself() {
    let mut chain = chain_with(|state| state["veid"]["params"]["committee_size"] = 7.into());
    let member = 0;
    open_wallet(&mut chain, member);
    let mut upload = Upload::new(&chain, member, "scope-of-a-member", ScopeType::Selfie);
    upload.inline = false;
    let message = upload.sign(&chain, member);
    accept(&mut chain, member, &message);
    rest(&mut chain);
    let owner = name(&chain, member);
    let ask = MsgRequestVerification { owner: owner.clone(), scope_ids: vec!["scope-of-a-member".into()] };
    accept(&mut chain, member, &ask);
    let query = QueryRunsRequest { member: name(&chain, 1), pagination: None };
    let open: QueryRunsResponse = chain.query("/ve.veid.v1.Query/Runs", &query).expect("it answers");
    let run = open.requests[0].run.clone().expect("a committee was drawn");
    assert_eq!(run.seats.len(), 6);
    assert!(run.seats.iter().all(|seat| seat.member != owner));
    let query = QueryRunsRequest { member: owner, pagination: None };
    let none: QueryRunsResponse = chain.query("/ve.veid.v1.Query/Runs", &query).expect("it answers");
    assert!(none.requests.is_empty());
}

#[test]
fn a_document_serves_one_account() {
    let mut chain = asked(4);
    let members = seated(&chain);
    verified(&mut chain, &members, flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    // The same document at the same account is no other person.
    chain.wait(30);
    let scope_ids = request(&chain).scope_ids;
    let again = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids };
    accept(&mut chain, OWNER, &again);
    assert!(wallet(&chain, OWNER).shadow);
    let members = seated(&chain);
    verified(&mut chain, &members, flawless());
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Verified);
    assert!(!wallet(&chain, OWNER).shadow);
}

#[test]
fn a_result_that_recomputation_contradicts_is_overturned() {
    let mut chain = asked(4);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let right = attestation(&chain, &opened);
    let wrong = ScoreAttestation { score: 20, ..right.clone() };
    members[..3].iter().for_each(|member| good(attest(&mut chain, *member, &wrong)));
    let rejected = wallet(&chain, OWNER);
    assert_eq!((rejected.state(), rejected.rejections), (VerificationState::Rejected, 1));
    assert!(rejected.cooldown_until > chain.time.unix());
    let state: Vec<(usize, u16)> = run(&chain)
        .state_features
        .iter()
        .map(|feature| (usize::try_from(feature.index).expect("small"), u16::try_from(feature.value).expect("small")))
        .collect();
    let mut nonces: Vec<[u8; 32]> = members.iter().map(|member| reveal_of(*member, flawless()).nonce).collect();
    nonces.sort_unstable();
    let salt = ring::digest::digest(&ring::digest::SHA256, &nonces.concat());
    let challenge = MsgChallengeScore {
        owner: name(&chain, OWNER),
        run_id: run(&chain).run_id,
        features: with(&state).encode().to_vec(),
        salt: salt.as_ref().to_vec(),
        findings: 0,
    };
    let crossed = MsgChallengeScore { salt: vec![1; 32], ..challenge.clone() };
    assert_eq!(code(&chain.deliver(OWNER, &crossed)), veid(19));
    accept(&mut chain, OWNER, &challenge);
    let freed = wallet(&chain, OWNER);
    assert_eq!((freed.rejections, freed.cooldown_until), (0, 0), "it may ask again at once");
    assert_eq!(code(&chain.deliver(OWNER, &challenge)), veid(33), "once");
    for member in &members[..3] {
        assert_eq!(punishments(&mut chain, *member)[0].reason(), Reason::InvalidIdentityAttestation);
    }
}
