//! What the enclaves of a committee do, by hand, so that tests can have them do anything else.

use std::collections::BTreeMap;

use prost::Message as _;
use ve_base::envelope::{PublicEncryptionKey, Recipients};
use ve_base::keys::ConsensusSecret;
use ve_base::verification::{self, Opened, RunSubject};
use ve_inference::agreement::{Reveal, Tolerance, agree, commitment, exact_digest};
use ve_inference::{Features, Findings, Model, features::id};
use ve_proto::ve::encryption::v1::Mode;
use ve_proto::ve::veid::v1::*;
use ve_sdk::application::TxResult;

use super::*;
use crate::chain::{CHAIN_ID, TestChain, any, sign_changed};
use crate::committee;

/// Whoever is verified in these tests; the members are the first seven accounts.
pub const OWNER: usize = 8;

/// Evidence without a flaw: 69, the most that a model allows which is not proven on enough data.
pub fn flawless() -> Features {
    with(&[])
}

/// As [`flawless`] with other values.
pub fn with(changes: &[(usize, u16)]) -> Features {
    let own = |index: &usize| !matches!(*index, id::CAPTURE_BINDING..=id::GOV_DATA_MATCH);
    let mut pairs: BTreeMap<usize, u16> = (0..64).filter(own).map(|index| (index, 10_000)).collect();
    pairs.extend(changes.iter().copied());
    Features::from_pairs(&pairs.into_iter().collect::<Vec<_>>()).expect("valid features")
}

/// Evidence uploaded and put before a committee.
pub fn requested(chain: &mut TestChain) {
    let scope_ids = uploaded(chain, [committee::EPOCH; 2]);
    accept(chain, OWNER, &MsgRequestVerification { owner: name(chain, OWNER), scope_ids });
}

/// A document and a selfie, sealed to the committees of these epochs.
pub fn uploaded(chain: &mut TestChain, epochs: [u64; 2]) -> Vec<String> {
    open_wallet(chain, OWNER);
    let kinds = [ScopeType::IdDocument, ScopeType::Selfie];
    let mut scope_ids = Vec::new();
    for (number, (kind, epoch)) in kinds.into_iter().zip(epochs).enumerate() {
        let scope_id = format!("scope-of-a-person-{number}");
        let mut upload = Upload::new(chain, OWNER, &scope_id, kind);
        upload.inline = false;
        upload.epoch = epoch;
        let message = upload.sign(chain, OWNER);
        accept(chain, OWNER, &message);
        rest(chain);
        scope_ids.push(scope_id);
    }
    scope_ids
}

/// The same evidence once more.
pub fn again(chain: &TestChain) -> MsgRequestVerification {
    MsgRequestVerification { owner: name(chain, OWNER), scope_ids: request(chain).scope_ids }
}

/// Withdraws the only consent.
pub fn withdrawal(chain: &TestChain) -> MsgUpdateConsent {
    let version = wallet(chain, OWNER).consent_version;
    MsgUpdateConsent { owner: name(chain, OWNER), version, withdraw: vec![1], ..MsgUpdateConsent::default() }
}

pub fn request(chain: &TestChain) -> VerificationRequest {
    let request = QueryRequestRequest { owner: name(chain, OWNER) };
    let response: QueryRequestResponse = chain.query("/ve.veid.v1.Query/Request", &request).expect("it answers");
    response.request.expect("verification was asked for")
}

pub fn run(chain: &TestChain) -> Run {
    request(chain).run.expect("a committee was drawn")
}

/// Numbers of the accounts that have a seat, in the order of seats.
pub fn seated(chain: &TestChain) -> Vec<usize> {
    let number = |seat: &Seat| (0..7).find(|at| name(chain, *at) == seat.member).expect("a member");
    run(chain).seats.iter().map(number).collect()
}

pub fn record_of(chain: &TestChain, member: usize) -> MemberRecord {
    let all: QueryMembersResponse =
        chain.query("/ve.veid.v1.Query/Members", &QueryMembersRequest::default()).expect("it answers");
    all.members.into_iter().find(|record| record.member == name(chain, member)).unwrap_or_default()
}

/// The key of a member's enclave.
pub fn enclave(member: usize) -> ConsensusSecret {
    committee::signing_key(u32::try_from(member).expect("few"))
}

fn nonce(member: usize) -> [u8; 32] {
    [u8::try_from(member).expect("few") + 1; 32]
}

pub fn reveal_of(member: usize, features: Features) -> Reveal {
    Reveal { nonce: nonce(member), features }
}

pub fn commit(chain: &mut TestChain, member: usize, features: Features) -> TxResult {
    let (run, who) = (run(chain), name(chain, member));
    let id = run.run_id.as_slice().try_into().expect("32 bytes");
    let commit = commitment(&id, who.as_bytes(), &reveal_of(member, features)).to_vec();
    let digest = verification::commit_signed(CHAIN_ID, &run.run_id, &who, &commit);
    let enclave_signature = enclave(member).sign(&digest).to_vec();
    chain.deliver(member, &MsgCommitFeatures { member: who, run_id: run.run_id, commit, enclave_signature })
}

pub fn reveal(chain: &mut TestChain, member: usize, features: Features) -> TxResult {
    reveal_as(chain, member, features, exact_digest(&features))
}

/// Opens features and claims a digest for them.
pub fn reveal_as(chain: &mut TestChain, member: usize, features: Features, e_digest: [u8; 32]) -> TxResult {
    let (run, who, owner) = (run(chain), name(chain, member), name(chain, OWNER));
    let key = |seat: &Seat| {
        (seat.key_id.clone(), PublicEncryptionKey::new(seat.suite(), &seat.sealing_key).expect("a valid key"))
    };
    let recipients = Recipients { mode: Mode::Committee, epoch: run.epoch, keys: run.seats.iter().map(key).collect() };
    let subject = RunSubject { chain_id: CHAIN_ID, run_id: &run.run_id, owner: &owner };
    let opened = Opened { nonce: nonce(member), features: features.encode() };
    let sealed = verification::seal_opened(&subject, &recipients, &opened).expect("it seals");
    let hash = ring::digest::digest(&ring::digest::SHA256, &sealed.encode_to_vec());
    let digest = verification::reveal_signed(CHAIN_ID, &run.run_id, &who, hash.as_ref(), &e_digest);
    let enclave_signature = enclave(member).sign(&digest).to_vec();
    chain.deliver(
        member,
        &MsgRevealFeatures {
            member: who,
            run_id: run.run_id,
            features: Some(sealed),
            e_digest: e_digest.to_vec(),
            enclave_signature,
        },
    )
}

/// What honest members attest when these have opened these features; who opened others is not of them.
pub fn attestation(chain: &TestChain, opened: &[(usize, Features)]) -> ScoreAttestation {
    let run = run(chain);
    let reveals =
        opened.iter().map(|(member, features)| (name(chain, *member).into_bytes(), reveal_of(*member, *features)));
    let state = run
        .state_features
        .iter()
        .map(|feature| (usize::try_from(feature.index).expect("small"), u16::try_from(feature.value).expect("small")));
    let agreed =
        agree(run.seats.len(), &reveals.collect(), &state.collect(), Tolerance::default()).expect("they agree");
    let outcome = ve_inference::score(&agreed.features, Findings::default(), &Model::genesis());
    ScoreAttestation {
        f_digest: agreed.features.salted_digest(&agreed.salt).to_vec(),
        score: u32::try_from(outcome.score).expect("small"),
        bp: u32::try_from(outcome.bp).expect("small"),
        reason_codes: outcome.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        input_hash: outcome.input_hash.to_vec(),
        model_id: outcome.model.to_vec(),
        accepted_scopes: request(chain).scope_ids,
        doc_nullifier: vec![8; 32],
        members: agreed.members.into_iter().map(|member| String::from_utf8(member).expect("text")).collect(),
        ..ScoreAttestation::default()
    }
}

pub fn attest(chain: &mut TestChain, member: usize, attestation: &ScoreAttestation) -> TxResult {
    let (run_id, who) = (run(chain).run_id, name(chain, member));
    let digest = verification::attestation_digest(&run_id, attestation);
    let signed = verification::attestation_signed(CHAIN_ID, &who, &digest);
    let enclave_signature = enclave(member).sign(&signed).to_vec();
    let message = MsgAttestScore { member: who, run_id, attestation: Some(attestation.clone()), enclave_signature };
    // The run with the attestations of all its seats is written: more than the gas that these tests usually give.
    let (signer, gas) = (&chain.accounts[member], 2 * crate::chain::GAS);
    let account = chain.account(&signer.address);
    let tx = sign_changed(signer, account.account_number, account.sequence, vec![any(&message)], |_, auth_info| {
        let fee = auth_info.fee.get_or_insert_default();
        fee.gas_limit = gas;
        fee.amount[0].amount = (2 * crate::chain::FEE).to_string();
    });
    chain.run(vec![tx]).tx_results.remove(0)
}

pub fn fail(chain: &mut TestChain, member: usize, code: &str) -> TxResult {
    let (run_id, who, evidence_hash) = (run(chain).run_id, name(chain, member), vec![1; 32]);
    let digest = verification::failure_signed(CHAIN_ID, &run_id, &who, code, &evidence_hash);
    let enclave_signature = enclave(member).sign(&digest).to_vec();
    chain.deliver(
        member,
        &MsgReportRunFailure { member: who, run_id, code: code.into(), evidence_hash, enclave_signature },
    )
}

pub fn good(result: TxResult) {
    assert_eq!(result.code, 0, "{}", result.log);
}

/// All these members extract and open the same.
pub fn open_alike(chain: &mut TestChain, members: &[usize], features: Features) {
    members.iter().for_each(|member| good(commit(chain, *member, features)));
    settle(chain, RunState::Revealing);
    members.iter().for_each(|member| good(reveal(chain, *member, features)));
    settle(chain, RunState::Attesting);
}

/// Until the present phase is over, unless it is over already.
pub fn settle(chain: &mut TestChain, next: RunState) {
    if run(chain).state() != next {
        chain.wait(100);
    }
    assert_eq!(run(chain).state(), next);
}

/// Enough equal attestations of these members.
pub fn verified(chain: &mut TestChain, members: &[usize], features: Features) {
    open_alike(chain, members, features);
    let opened: Vec<_> = members.iter().map(|member| (*member, features)).collect();
    let attestation = attestation(chain, &opened);
    for member in members {
        if request(chain).status() == RequestStatus::Assigned {
            good(attest(chain, *member, &attestation));
        }
    }
}
