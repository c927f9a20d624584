use ve_base::envelope::{self, Content, EncryptionKey, Recipients, Subject};
use ve_proto::ve::encryption::v1::{Envelope, Mode, MsgRegisterKey, Suite};
use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::{CHAIN_ID, TestChain};

use ve_testkit::veid::members::*;
use ve_testkit::veid::*;

const MODERATOR: usize = 9;
const OTHER_MODERATOR: usize = 10;

fn reader() -> EncryptionKey {
    EncryptionKey::from_bytes(Suite::X25519, [9; 32]).expect("a known suite")
}

/// A chain with two moderators, one of whom can read, on which three of four members attested this score.
fn scored(score: u32) -> TestChain {
    let mut chain = chain_with(|state| {
        state["veid"]["params"]["committee_size"] = 4.into();
        let role = |at: u32, role: &str| {
            let account = ve_testkit::chain::Account::number(at).address.to_string();
            serde_json::json!({"account": account, "role": role, "assigned_at": "0", "cause": "genesis"})
        };
        state["roles"]["assignments"] = serde_json::json!([
            role(0, "ROLE_GENESIS_ACCOUNT"),
            role(0, "ROLE_ADMINISTRATOR"),
            role(1, "ROLE_ADMINISTRATOR"),
            role(9, "ROLE_MODERATOR"),
            role(10, "ROLE_MODERATOR"),
        ]);
    });
    let who = name(&chain, MODERATOR);
    let public = reader().public().expect("a valid key");
    accept(
        &mut chain,
        MODERATOR,
        &MsgRegisterKey {
            suite: Suite::X25519.into(),
            public_key: public.bytes().to_vec(),
            proof_of_possession: reader().prove(CHAIN_ID, &who, &[1; 64]).expect("it proves").to_vec(),
            label: "desk".into(),
            owner: who,
        },
    );
    requested(&mut chain);
    let members = seated(&chain);
    open_alike(&mut chain, &members, flawless());
    let opened: Vec<_> = members.iter().map(|member| (*member, flawless())).collect();
    let codes = vec!["BELOW_PASS_THRESHOLD".to_owned()];
    let low = ScoreAttestation { score, reason_codes: codes, ..attestation(&chain, &opened) };
    members[..3].iter().for_each(|member| good(attest(&mut chain, *member, &low)));
    chain
}

fn reason(chain: &TestChain) -> Envelope {
    let owner = name(chain, OWNER);
    let object_id = format!("appeal/{}", request(chain).request_id);
    let subject = Subject { chain_id: CHAIN_ID, module: "veid", object_id: &object_id, owner: &owner };
    let public = reader().public().expect("a valid key");
    let keys = [(envelope::key_id(public.bytes(), 1), public)].into_iter().collect();
    let recipients = Recipients { mode: Mode::Specific, epoch: 0, keys };
    let text = b"The picture was taken in bad light; please look at it again, I attach a better one.";
    let content = Content { plaintext: text, content_type: "text/plain", data_class: 3, retention_seconds: 0 };
    let mut filler = 0u8;
    let mut entropy = |buffer: &mut [u8]| {
        filler = filler.wrapping_add(1);
        buffer.fill(filler);
    };
    envelope::seal(&subject, &recipients, &content, &chain.accounts[OWNER].key, &mut entropy).expect("it seals")
}

fn appeal(chain: &TestChain) -> MsgSubmitAppeal {
    MsgSubmitAppeal { owner: name(chain, OWNER), reason: Some(reason(chain)), evidence_hashes: vec![vec![3; 32]] }
}

fn claim(chain: &TestChain, reviewer: usize) -> MsgClaimAppeal {
    MsgClaimAppeal { reviewer: name(chain, reviewer), appeal_id: 1 }
}

fn resolve(chain: &TestChain, reviewer: usize, approve: bool) -> MsgResolveAppeal {
    MsgResolveAppeal { reviewer: name(chain, reviewer), appeal_id: 1, approve, opinion_hash: vec![4; 32] }
}

fn kept(chain: &TestChain) -> Appeal {
    let request = QueryAppealsRequest { owner: name(chain, OWNER), ..QueryAppealsRequest::default() };
    let mut found: QueryAppealsResponse = chain.query("/ve.veid.v1.Query/Appeals", &request).expect("it answers");
    found.appeals.remove(0)
}

#[test]
fn an_approved_appeal_has_the_verification_done_again_by_others_where_there_are_enough() {
    let mut chain = scored(20);
    let before = seated(&chain);
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Rejected);
    let message = appeal(&chain);
    accept(&mut chain, OWNER, &message);
    let message = resolve(&chain, MODERATOR, true);
    assert_eq!(code(&chain.deliver(MODERATOR, &message)), veid(16), "nobody reviews it yet");
    let message = claim(&chain, MODERATOR);
    accept(&mut chain, MODERATOR, &message);
    let message = resolve(&chain, OTHER_MODERATOR, true);
    assert_eq!(code(&chain.deliver(OTHER_MODERATOR, &message)), veid(38), "another one took it");
    let message = resolve(&chain, MODERATOR, true);
    accept(&mut chain, MODERATOR, &message);
    let ended = kept(&chain);
    assert_eq!((ended.status(), ended.reason), (AppealStatus::Approved, None), "what it told is gone");
    let again = wallet(&chain, OWNER);
    assert_eq!((again.state(), again.score_milli), (VerificationState::Pending, 20_000), "no appeal writes a score");
    assert!(request(&chain).manual_review);
    // Of seven members three are left, too few for a committee.
    assert_eq!(request(&chain).excluded.len(), before.len());
    let members = seated(&chain);
    verified(&mut chain, &members, flawless());
    let made = wallet(&chain, OWNER);
    assert_eq!((made.state(), made.rejections), (VerificationState::Verified, 0));
    assert!(scopes(&chain, OWNER).iter().all(|scope| scope.status() == ScopeStatus::Verified));
}

#[test]
fn moderators_alone_review_and_never_their_own_case() {
    let mut chain = scored(20);
    let message = appeal(&chain);
    accept(&mut chain, OWNER, &message);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(37), "one at a time");
    for stranger in [OWNER, 11, seated(&chain)[0]] {
        let message = claim(&chain, stranger);
        assert_eq!(code(&chain.deliver(stranger, &message)), veid(38));
    }
    let theft = MsgWithdrawAppeal { owner: name(&chain, 11), appeal_id: 1 };
    assert_eq!(code(&chain.deliver(11, &theft)), veid(36));
    let withdrawal = MsgWithdrawAppeal { owner: name(&chain, OWNER), appeal_id: 1 };
    accept(&mut chain, OWNER, &withdrawal);
    assert_eq!(kept(&chain).status(), AppealStatus::Withdrawn);
    let message = claim(&chain, MODERATOR);
    assert_eq!(code(&chain.deliver(MODERATOR, &message)), veid(16));
}

#[test]
fn a_review_that_takes_too_long_is_open_to_others_again() {
    let mut chain = scored(20);
    let message = appeal(&chain);
    accept(&mut chain, OWNER, &message);
    let message = claim(&chain, MODERATOR);
    accept(&mut chain, MODERATOR, &message);
    chain.time = chain.time.plus_seconds(252_000);
    chain.run(Vec::new());
    let reopened = kept(&chain);
    assert_eq!((reopened.status(), reopened.reviewer.as_str()), (AppealStatus::Pending, ""));
    chain.time = chain.time.plus_seconds(30 * DAY);
    chain.run(Vec::new());
    assert_eq!(kept(&chain).status(), AppealStatus::Expired);
}

#[test]
fn a_rejected_appeal_leaves_the_rejection_and_three_appeals_are_all() {
    let mut chain = scored(20);
    for number in 1..=3 {
        let message = appeal(&chain);
        accept(&mut chain, OWNER, &message);
        let message = MsgClaimAppeal { appeal_id: number, ..claim(&chain, MODERATOR) };
        accept(&mut chain, MODERATOR, &message);
        let message = MsgResolveAppeal { appeal_id: number, ..resolve(&chain, MODERATOR, false) };
        accept(&mut chain, MODERATOR, &message);
    }
    assert_eq!(wallet(&chain, OWNER).state(), VerificationState::Rejected);
    let message = appeal(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(37));
}

#[test]
fn nothing_but_a_rejection_can_be_appealed_against_and_not_for_ever() {
    let mut chain = scored(60);
    let message = appeal(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(37));
    let mut chain = scored(20);
    chain.time = chain.time.plus_seconds(504_001);
    let message = appeal(&chain);
    assert_eq!(code(&chain.deliver(OWNER, &message)), veid(37));
    let plain = MsgSubmitAppeal { reason: Some(Envelope::default()), ..message };
    assert_eq!(code(&chain.deliver(OWNER, &plain)), veid(19), "a reason is sealed");
}

#[test]
fn a_near_miss_waits_for_further_factors_and_ends_as_a_rejection_without_them() {
    let mut chain = scored(47);
    let waiting = wallet(&chain, OWNER);
    assert_eq!(waiting.state(), VerificationState::Secondary);
    let message = MsgCompleteSecondary { owner: name(&chain, OWNER) };
    assert_eq!(code(&chain.deliver(OWNER, &message)), ("mfa".to_owned(), 2), "no factor was proven");
    chain.wait(250);
    let ended = wallet(&chain, OWNER);
    assert_eq!((ended.state(), ended.rejections), (VerificationState::Rejected, 1));
    assert!(scopes(&chain, OWNER).iter().all(|scope| scope.status() == ScopeStatus::Rejected));
}
