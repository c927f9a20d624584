//! The audit log through the whole application: registrations of keys fill it.

use ve_base::audit::{check_next, merkle};
use ve_base::envelope::EncryptionKey;
use ve_proto::ve::audit::v1::*;
use ve_proto::ve::encryption::v1::{MsgRegisterKey, MsgRevokeKey, Suite};
use ve_sdk::application::{Application as _, ConsensusParams, InitChain};
use ve_testkit::chain::{CHAIN_ID, TestChain, checked_options};

const YEAR: u64 = 365 * 86_400;

/// Registers the key of a seed and revokes it: two entries.
fn register_and_revoke(chain: &mut TestChain, of: usize, seed: u16) {
    let mut secret = [1; 32];
    secret[..2].copy_from_slice(&seed.to_be_bytes());
    let owner = chain.accounts[of].address.to_string();
    let key = EncryptionKey::from_bytes(Suite::X25519, secret).expect("a known suite");
    let register = MsgRegisterKey {
        suite: key.suite().into(),
        public_key: key.public().expect("a valid key").bytes().to_vec(),
        proof_of_possession: key.prove(CHAIN_ID, &owner, &[1; 64]).expect("it proves").to_vec(),
        label: "laptop".into(),
        owner: owner.clone(),
    };
    assert_eq!(chain.deliver(of, &register).code, 0);
    let public = key.public().expect("a valid key");
    let version = u32::from(seed) + 1;
    let revoke = MsgRevokeKey { owner, key_id: ve_base::envelope::key_id(public.bytes(), version) };
    assert_eq!(chain.deliver(of, &revoke).code, 0);
}

fn entries(chain: &TestChain, request: QueryEntriesRequest) -> Vec<Entry> {
    let response: QueryEntriesResponse = chain.query("/ve.audit.v1.Query/Entries", &request).expect("it answers");
    response.entries
}

fn head(chain: &TestChain) -> QueryHeadResponse {
    chain.query("/ve.audit.v1.Query/Head", &QueryHeadRequest {}).expect("it answers")
}

fn hash(bytes: &[u8]) -> merkle::Hash {
    bytes.try_into().expect("32 bytes")
}

fn hashes(path: &[Vec<u8>]) -> Vec<merkle::Hash> {
    path.iter().map(|bytes| hash(bytes)).collect()
}

#[test]
fn acts_stand_in_the_log_in_order_and_are_found_by_actor_action_resource_and_time() {
    let mut chain = TestChain::new(2);
    (0..3).for_each(|seed| register_and_revoke(&mut chain, 0, seed));
    let actor = chain.accounts[0].address.to_string();
    let all = entries(&chain, QueryEntriesRequest::default());
    assert_eq!(all.len(), 6);
    all.windows(2).for_each(|pair| {
        check_next(&pair[0], &pair[1]).expect("the chain of hashes is whole");
    });
    assert_eq!((all[1].module.as_str(), all[1].action.as_str()), ("encryption", "key_revoked"));
    assert_eq!((all[1].actor.as_str(), all[1].outcome()), (actor.as_str(), Outcome::Done));
    let of = |request| entries(&chain, request).iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(of(QueryEntriesRequest { action: "key_registered".into(), ..Default::default() }), [0, 2, 4]);
    assert_eq!(of(QueryEntriesRequest { actor: actor.clone(), ..Default::default() }), [0, 1, 2, 3, 4, 5]);
    let stranger = chain.accounts[1].address.to_string();
    assert!(of(QueryEntriesRequest { actor: stranger, ..Default::default() }).is_empty());
    let resource_id = all[2].resource_id.clone();
    assert_eq!(of(QueryEntriesRequest { resource_id, ..Default::default() }), [2, 3]);
    assert_eq!(of(QueryEntriesRequest { since: all[2].time, until: all[3].time, ..Default::default() }), [2, 3]);
    assert!(of(QueryEntriesRequest { module: "roles".into(), actor, ..Default::default() }).is_empty());
}

#[test]
fn a_failed_transaction_leaves_no_entry() {
    let mut chain = TestChain::new(1);
    register_and_revoke(&mut chain, 0, 0);
    let revoke = MsgRevokeKey { owner: chain.accounts[0].address.to_string(), key_id: "ff:v1".into() };
    assert_ne!(chain.deliver(0, &revoke).code, 0);
    assert_eq!(head(&chain).size, 2);
}

#[test]
fn every_entry_is_proven_in_the_tree_and_every_tree_continues_the_earlier_ones() {
    let mut chain = TestChain::new(1);
    (0..6).for_each(|seed| register_and_revoke(&mut chain, 0, seed));
    let root = hash(&head(&chain).root);
    for entry in entries(&chain, QueryEntriesRequest::default()) {
        let request = QueryInclusionProofRequest { seq: entry.seq, size: 0 };
        let proof: QueryInclusionProofResponse =
            chain.query("/ve.audit.v1.Query/InclusionProof", &request).expect("it is proven");
        assert_eq!((hash(&proof.root), &proof.hash), (root, &entry.hash));
        assert!(merkle::verify_inclusion(&hash(&entry.hash), entry.seq, proof.size, &hashes(&proof.path), &root));
    }
    for first in 1..=12 {
        let request = QueryConsistencyProofRequest { first, second: 12 };
        let proof: QueryConsistencyProofResponse =
            chain.query("/ve.audit.v1.Query/ConsistencyProof", &request).expect("it is proven");
        let (old, new) = (hash(&proof.first_root), hash(&proof.second_root));
        assert_eq!(new, root);
        assert!(merkle::verify_consistency((first, &old), (12, &new), &hashes(&proof.path)), "{first}");
    }
    let beyond = QueryInclusionProofRequest { seq: 12, size: 0 };
    assert!(chain.query::<_, QueryInclusionProofResponse>("/ve.audit.v1.Query/InclusionProof", &beyond).is_err());
    for (first, second) in [(0, 3), (4, 3), (3, 13)] {
        let request = QueryConsistencyProofRequest { first, second };
        let answer = chain.query::<_, QueryConsistencyProofResponse>("/ve.audit.v1.Query/ConsistencyProof", &request);
        assert!(answer.is_err(), "{first} of {second}");
    }
}

#[test]
fn a_body_goes_after_its_retention_and_its_hash_stays_provable_also_after_an_import() {
    let mut chain = TestChain::new(1);
    register_and_revoke(&mut chain, 0, 0);
    let old = entries(&chain, QueryEntriesRequest::default());
    chain.time = chain.time.plus_seconds(7 * YEAR - 60);
    register_and_revoke(&mut chain, 0, 1);
    assert_eq!(entries(&chain, QueryEntriesRequest::default()).len(), 4, "not before its time");
    chain.time = chain.time.plus_seconds(120);
    chain.run(Vec::new());
    assert_eq!(head(&chain).first_kept, 2);
    let exported = chain.app.export().expect("the state exports");
    let accounts = vec![ve_testkit::chain::Account::number(0)];
    let copy = TestChain::from_state(accounts, exported.clone(), checked_options(), chain.height, chain.time);
    assert_eq!(copy.app.export().expect("the state exports"), exported);
    for chain in [chain, copy] {
        let gone: QueryEntryResponse =
            chain.query("/ve.audit.v1.Query/Entry", &QueryEntryRequest { seq: 0 }).expect("its hash is known");
        assert_eq!((gone.entry, &gone.hash), (None, &old[0].hash));
        let request = QueryInclusionProofRequest { seq: 0, size: 4 };
        let proof: QueryInclusionProofResponse =
            chain.query("/ve.audit.v1.Query/InclusionProof", &request).expect("it is proven");
        let root = hash(&head(&chain).root);
        assert!(merkle::verify_inclusion(&hash(&old[0].hash), 0, 4, &hashes(&proof.path), &root));
    }
}

#[test]
fn a_genesis_with_a_changed_missing_or_added_entry_is_refused() {
    let mut chain = TestChain::new(1);
    register_and_revoke(&mut chain, 0, 0);
    let exported = chain.app.export().expect("the state exports");
    let changes: [fn(&mut serde_json::Value); 4] = [
        |log| log["entries"][0]["actor"] = "somebody else".into(),
        |log| log["hashes"][1] = log["hashes"][0].clone(),
        |log| {
            let twice = log["entries"][0].clone();
            log["entries"].as_array_mut().expect("a list").push(twice);
        },
        |log| {
            log["hashes"].as_array_mut().expect("a list").pop();
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut state = exported.clone();
        change(&mut state["audit"]);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let app = ve_app::App::open(directory.path(), checked_options()).expect("an empty directory opens");
        let refused = app.init_chain(InitChain {
            chain_id: CHAIN_ID.into(),
            genesis_time: chain.time,
            initial_height: 1,
            consensus_params: ConsensusParams::default(),
            app_state: state.into(),
        });
        assert!(refused.is_err(), "change {at}");
    }
}
