//! A chain whose first accounts are validators, with simulated enclaves whose keys the tests know.

use prost::{Message, Name};
use serde_json::json;
use ve_base::Amount;
use ve_base::enclave::{Claim, Simulated, heartbeat, report_data};
use ve_base::keys::ConsensusSecret;
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use ve_proto::ve::enclave::v1::*;
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain, any, consensus_key};

pub const VALIDATORS: usize = 5;
/// The code that governance lists at genesis.
pub const MEASUREMENT: [u8; 32] = [7; 32];
pub const EPOCH: u64 = 50_000;
/// An account that is no validator.
pub const OUTSIDER: usize = VALIDATORS;
const VOTING: u64 = 200;

/// A chain that allows simulated enclaves, with the hooks of this release and nothing else.
pub fn chain() -> TestChain {
    chain_with(|_| {})
}

pub fn chain_with(change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
    let mut chain = TestChain::with_genesis(u32::try_from(VALIDATORS).expect("few") + 1, |state| {
        state["gov"]["params"]["voting_period"] = format!("{VOTING}s").into();
        state["gov"]["params"]["expedited_voting_period"] = "100s".into();
        state["enclave"]["allow_simulated"] = true.into();
        state["enclave"]["params"]["candidate_score"] = 0.into();
        let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        state["enclave"]["measurements"] = json!([{"hash": hash, "tee": "TEE_SIMULATED", "min_svn": "2"}]);
        for index in 0..VALIDATORS {
            let new = GenesisValidator {
                account: Account::number(u32::try_from(index).expect("few")).address,
                consensus_key: consensus_key(u32::try_from(index).expect("few")),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(1_000_000_000u128),
            };
            add_validator(state, &new).expect("the account can bond");
        }
        change(state);
    });
    // The first block makes the genesis durable.
    chain.run(Vec::new());
    let mut chain = chain.restart_with(|path| {
        ve_app::App::open(path, ve_testkit::chain::checked_options()).expect("the directory opens")
    });
    chain.run(Vec::new());
    chain
}

pub fn name(chain: &TestChain, of: usize) -> String {
    chain.accounts[of].address.to_string()
}

/// The key that enclave number `key` signs with.
pub fn secret(key: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([key; 32])
}

/// A quote of a simulated enclave of this validator with the keys of number `key`, naming the last block.
pub fn registration(chain: &TestChain, of: usize, key: u8) -> MsgRegisterEnclave {
    registration_with(chain, of, key, |_| {})
}

/// As [`registration`] with another quote.
pub fn registration_with(
    chain: &TestChain,
    of: usize,
    key: u8,
    change: impl FnOnce(&mut Simulated),
) -> MsgRegisterEnclave {
    let validator = name(chain, of);
    let sig_pubkey = secret(key).public();
    let enc_pubkey = [key; 32];
    let epoch = epoch(chain);
    let claim = Claim { validator: &validator, enc_pubkey: &enc_pubkey, sig_pubkey: &sig_pubkey, epoch };
    // The hash of every block of a test chain.
    let report_data = report_data(CHAIN_ID, &claim, &[1; 32]);
    let mut quote = Simulated { measurement: MEASUREMENT, svn: 2, tcb: 1, report_data };
    change(&mut quote);
    MsgRegisterEnclave {
        validator,
        tee: Tee::Simulated.into(),
        enc_pubkey: enc_pubkey.to_vec(),
        sig_pubkey: sig_pubkey.to_vec(),
        epoch,
        anchor_height: chain.height,
        quote: quote.quote(),
        ..MsgRegisterEnclave::default()
    }
}

/// Registers an enclave whose keys are of number `key`; returns its id.
pub fn register(chain: &mut TestChain, of: usize, key: u8) -> u64 {
    let message = registration(chain, of, key);
    ok(&chain.deliver(of, &message));
    of_validator(chain, of).last().expect("it is registered").id
}

/// A heartbeat of an enclave, signed by it.
pub fn beat(
    chain: &TestChain,
    enclave: &EnclaveIdentity,
    change: impl FnOnce(&mut MsgEnclaveHeartbeat),
) -> MsgEnclaveHeartbeat {
    let of = chain.accounts.iter().position(|account| account.address.to_string() == enclave.validator);
    let seq = health(chain, of.expect("a validator")).expect("it has enclaves").seq + 1;
    let mut message = MsgEnclaveHeartbeat {
        validator: enclave.validator.clone(),
        enclave_id: enclave.id,
        seq,
        at: chain.time.unix(),
        load: 50,
        model_set_hash: vec![3; 32],
        ..MsgEnclaveHeartbeat::default()
    };
    change(&mut message);
    message.signature = secret(enclave.enc_pubkey[0]).sign(&heartbeat(CHAIN_ID, &message)).to_vec();
    message
}

/// A fresh quote of an enclave, on a platform of version `tcb`, for a heartbeat.
pub fn fresh(chain: &TestChain, enclave: &EnclaveIdentity, tcb: u32) -> impl FnOnce(&mut MsgEnclaveHeartbeat) + use<> {
    let claim = Claim {
        validator: &enclave.validator,
        enc_pubkey: &enclave.enc_pubkey,
        sig_pubkey: &enclave.sig_pubkey,
        epoch: enclave.epoch,
    };
    let report_data = report_data(CHAIN_ID, &claim, &[1; 32]);
    let quote = Simulated { measurement: MEASUREMENT, svn: 2, tcb, report_data }.quote();
    let height = chain.height;
    move |message| (message.quote, message.anchor_height) = (quote, height)
}

/// Delivers a heartbeat and returns what it was counted as.
pub fn sent(chain: &mut TestChain, of: usize, message: &MsgEnclaveHeartbeat) -> HealthStatus {
    ok(&chain.deliver(of, message));
    health(chain, of).expect("it has enclaves").status()
}

/// Registers and activates one enclave for each validator: number `of` gets the keys of number `of + 1`.
pub fn activate_all(chain: &mut TestChain) {
    for of in 0..VALIDATORS {
        let id = register(chain, of, u8::try_from(of).expect("few") + 1);
        let message = beat(chain, &enclave(chain, id), |_| {});
        assert_eq!(sent(chain, of, &message), HealthStatus::Healthy);
    }
}

/// Goes on to the next epoch, with heartbeats and fresh quotes of all active enclaves just before it begins.
pub fn next_epoch(chain: &mut TestChain) {
    let started = committee(chain, 0).started_at;
    chain.time = chain.time.plus_seconds((started + EPOCH).saturating_sub(chain.time.unix() + 300));
    chain.run(Vec::new());
    refresh_all(chain);
    jump(chain, 300);
}

/// Three heartbeats with fresh quotes of all active enclaves, so that their validators are healthy.
pub fn refresh_all(chain: &mut TestChain) {
    for _ in 0..3 {
        for of in 0..VALIDATORS {
            let active = of_validator(chain, of).into_iter().find(|known| known.status() == EnclaveStatus::Active);
            if let Some(enclave) = active {
                let message = beat(chain, &enclave, fresh(chain, &enclave, enclave.tcb[0]));
                sent(chain, of, &message);
            }
        }
        jump(chain, 60);
    }
}

pub fn jump(chain: &mut TestChain, seconds: u64) {
    chain.time = chain.time.plus_seconds(seconds);
    chain.run(Vec::new());
}

/// Lets governance send a message.
pub fn govern<M: Message + Name>(chain: &mut TestChain, message: &M) {
    let proposal = MsgSubmitProposal {
        messages: vec![any(message)],
        initial_deposit: vec![Coin { denom: "uve".into(), amount: "3000000000".into() }],
        proposer: name(chain, 0),
        title: "a change".into(),
        summary: "for the better".into(),
        ..MsgSubmitProposal::default()
    };
    let result = chain.deliver(0, &proposal);
    ok(&result);
    let event = result.events.iter().find(|event| event.kind == "submit_proposal").expect("an event");
    let id =
        event.attributes.iter().find(|(key, _)| key == "proposal_id").expect("the id").1.parse().expect("a number");
    for voter in 0..VALIDATORS {
        let vote = MsgVote {
            proposal_id: id,
            voter: name(chain, voter),
            option: VoteOption::Yes as i32,
            metadata: String::new(),
        };
        ok(&chain.deliver(voter, &vote));
    }
    jump(chain, VOTING);
}

pub fn authority() -> String {
    ve_base::module_address("gov").to_string()
}

#[track_caller]
pub fn ok(result: &TxResult) {
    assert_eq!(result.code, 0, "{}", result.log);
}

#[track_caller]
pub fn refused(result: &TxResult, code: u32) {
    assert_eq!((result.codespace.as_str(), result.code), ("enclave", code), "{}", result.log);
}

pub fn found(chain: &TestChain, id: u64) -> QueryEnclaveResponse {
    chain.query("/ve.enclave.v1.Query/Enclave", &QueryEnclaveRequest { id }).expect("it is known")
}

pub fn enclave(chain: &TestChain, id: u64) -> EnclaveIdentity {
    found(chain, id).enclave.expect("it is there")
}

/// Enclaves of a validator that are in use or ended, the oldest first.
pub fn of_validator(chain: &TestChain, of: usize) -> Vec<EnclaveIdentity> {
    let validator = name(chain, of);
    let all = (1..100).map_while(|id| {
        let found: Result<QueryEnclaveResponse, _> =
            chain.query("/ve.enclave.v1.Query/Enclave", &QueryEnclaveRequest { id });
        found.ok().and_then(|found| found.enclave)
    });
    all.filter(|enclave| enclave.validator == validator).collect()
}

pub fn health(chain: &TestChain, of: usize) -> Option<Health> {
    let request = QueryHealthRequest { validator: name(chain, of) };
    let response: QueryHealthResponse = chain.query("/ve.enclave.v1.Query/Health", &request).expect("it answers");
    response.health
}

/// Of an epoch; of the one in force for 0.
pub fn committee(chain: &TestChain, epoch: u64) -> Committee {
    let response: QueryCommitteeResponse =
        chain.query("/ve.enclave.v1.Query/Committee", &QueryCommitteeRequest { epoch }).expect("it is known");
    response.committee.expect("it is there")
}

pub fn epoch(chain: &TestChain) -> u64 {
    committee(chain, 0).epoch
}

/// Validators whose keys are good in the committee in force.
pub fn keys(chain: &TestChain) -> Vec<String> {
    let request = QueryCommitteeKeysRequest { epoch: 0 };
    let response: QueryCommitteeKeysResponse =
        chain.query("/ve.enclave.v1.Query/CommitteeKeys", &request).expect("it answers");
    response.enclaves.into_iter().map(|enclave| enclave.validator).collect()
}
