//! Absence and double signatures through the whole application. Invariants of all modules are checked after every block.

use prost::{Message, Name};
use ve_base::keys::PublicKey;
use ve_base::{Address, Amount, BlockTime, CONSENSUS_PREFIX, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::slashing::v1beta1::*;
use ve_proto::cosmos::staking::v1beta1::{
    BondStatus, CommissionRates, Description, MsgBeginRedelegate, MsgCreateValidator, MsgDelegate, MsgUndelegate,
    QueryDelegationRequest, QueryDelegationResponse, QueryUnbondingDelegationRequest, QueryUnbondingDelegationResponse,
    QueryValidatorRequest, QueryValidatorResponse, Validator,
};
use ve_proto::ve::slashing::v1::{QuerySlashRecordsRequest, QuerySlashRecordsResponse, Reason, SlashRecord};
use ve_sdk::application::{
    Application, FinalizeBlockResponse, LastCommit, LastVote, Misbehavior, MisbehaviorKind, TxResult,
};
use ve_testkit::chain::{Account, TestChain, consensus_key};

const VE: u128 = 1_000_000;
const SELF_BOND: u128 = 1_000 * VE;
const POWER: u64 = 1_000;
/// Of these chains, in seconds: twenty nominal blocks.
const WINDOW: u64 = 100;

fn consensus(index: usize) -> Address {
    PublicKey::Ed25519(consensus_key(u32::try_from(index).expect("few"))).address()
}

fn chain(accounts: u32, validators: usize) -> TestChain {
    TestChain::with_genesis(accounts, |state| {
        state["slashing"]["params"]["signed_blocks_window"] = "20".into();
        for index in 0..validators {
            let new = GenesisValidator {
                account: Account::number(u32::try_from(index).expect("few")).address,
                consensus_key: consensus_key(u32::try_from(index).expect("few")),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(SELF_BOND),
            };
            add_validator(state, &new).expect("the account can bond");
        }
    })
}

/// The next block: validators `0..of` are in the set of the last commit, all but `absent` signed it.
fn run(chain: &mut TestChain, of: usize, absent: &[usize], cheats: Vec<Misbehavior>) -> FinalizeBlockResponse {
    run_txs(chain, of, absent, cheats, Vec::new())
}

fn run_txs(
    chain: &mut TestChain,
    of: usize,
    absent: &[usize],
    cheats: Vec<Misbehavior>,
    txs: Vec<Vec<u8>>,
) -> FinalizeBlockResponse {
    let mut block = chain.block(txs);
    let vote = |index| LastVote {
        address: raw(index),
        power: POWER,
        signed: !absent.contains(&index),
        extension: Default::default(),
    };
    block.last_commit = LastCommit { votes: (0..of).map(vote).collect(), ..LastCommit::default() };
    block.proposer_address = raw(0);
    block.misbehavior = cheats;
    chain.run_block(&block)
}

fn raw(index: usize) -> [u8; 20] {
    consensus(index).as_bytes().try_into().expect("20 bytes")
}

fn double_sign(chain: &TestChain, index: usize, height: u64) -> Misbehavior {
    Misbehavior {
        kind: MisbehaviorKind::DuplicateVote,
        address: raw(index),
        power: POWER,
        height,
        time: chain.time,
        total_power: 3 * POWER,
    }
}

fn operator(index: u32) -> String {
    Account::number(index).address.to_bech32(OPERATOR_PREFIX)
}

fn text(index: u32) -> String {
    Account::number(index).address.to_string()
}

fn coin(amount: u128) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: amount.to_string() })
}

fn validator(chain: &TestChain, index: u32) -> Validator {
    let request = QueryValidatorRequest { validator_addr: operator(index) };
    let response: QueryValidatorResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Validator", &request).expect("the validator exists");
    response.validator.expect("the response has it")
}

fn signing_info(chain: &TestChain, index: usize) -> ValidatorSigningInfo {
    let request = QuerySigningInfoRequest { cons_address: consensus(index).to_bech32(CONSENSUS_PREFIX) };
    let response: QuerySigningInfoResponse =
        chain.query("/cosmos.slashing.v1beta1.Query/SigningInfo", &request).expect("the key is known");
    response.val_signing_info.expect("the response has it")
}

fn records(chain: &TestChain, index: u32) -> Vec<SlashRecord> {
    let request = QuerySlashRecordsRequest { operator: operator(index), pagination: None };
    let response: QuerySlashRecordsResponse =
        chain.query("/ve.slashing.v1.Query/SlashRecords", &request).expect("records are served");
    response.records
}

fn accepted<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) {
    let result = chain.deliver(from, message);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
}

fn refused<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) -> (String, u32) {
    let TxResult { codespace, code, log, .. } = chain.deliver(from, message);
    assert!(code != 0 && !log.is_empty(), "{} was accepted", M::NAME);
    (codespace, code)
}

fn slashing(code: u32) -> (String, u32) {
    ("slashing".into(), code)
}

fn unjail(index: u32) -> MsgUnjail {
    MsgUnjail { validator_addr: operator(index) }
}

fn delegate(from: u32, to: u32, amount: u128) -> MsgDelegate {
    MsgDelegate { delegator_address: text(from), validator_address: operator(to), amount: coin(amount) }
}

/// Blocks of five seconds until the validator is jailed; their number.
fn blocks_until_jailed(chain: &mut TestChain, absent: usize) -> u64 {
    for count in 1..200 {
        run(chain, 3, &[absent], Vec::new());
        if validator(chain, u32::try_from(absent).expect("few")).jailed {
            return count;
        }
    }
    panic!("200 missed blocks were not punished");
}

#[test]
fn who_misses_half_of_the_window_loses_a_thousandth_and_waits_ten_minutes() {
    let mut chain = chain(3, 3);
    assert_eq!(blocks_until_jailed(&mut chain, 1), WINDOW / 5, "not before the window is full");
    let jailed = validator(&chain, 1);
    assert_eq!((jailed.status(), jailed.tokens.as_str()), (BondStatus::Unbonding, "999000000"));
    let [record] = records(&chain, 1).try_into().expect("one record");
    assert_eq!((record.reason(), record.burned.as_str(), record.tombstoned), (Reason::Downtime, "1000000", false));
    assert_eq!(signing_info(&chain, 1).missed_blocks_counter, 0, "it begins anew");
    assert_eq!(validator(&chain, 0).tokens, SELF_BOND.to_string(), "nobody else pays");

    assert_eq!(refused(&mut chain, 1, &unjail(1)), slashing(7), "the self-bond is below the minimum now");
    accepted(&mut chain, 1, &delegate(1, 1, 2 * VE));
    assert_eq!(refused(&mut chain, 1, &unjail(1)), slashing(4));
    chain.wait(600);
    accepted(&mut chain, 1, &unjail(1));
    assert_eq!(validator(&chain, 1).status(), BondStatus::Bonded);
    assert_eq!(refused(&mut chain, 1, &unjail(1)), slashing(5));
}

#[test]
fn who_signs_half_of_the_window_is_not_punished() {
    let mut chain = chain(3, 3);
    for count in 0..100 {
        let absent: &[usize] = if count % 2 == 0 { &[] } else { &[2] };
        run(&mut chain, 3, absent, Vec::new());
    }
    assert!(!validator(&chain, 2).jailed);
    let info = signing_info(&chain, 2);
    assert!((9..=11).contains(&info.missed_blocks_counter) && (19..=21).contains(&info.index_offset), "{info:?}");
}

#[test]
fn a_long_absence_is_reported_once() {
    let mut chain = TestChain::with_genesis(2, |state| {
        for index in 0..2 {
            let account = Account::number(index as u32).address;
            let self_bond = Amount::from(SELF_BOND);
            let new = GenesisValidator {
                account,
                consensus_key: consensus_key(u32::try_from(index).expect("few")),
                moniker: "m".into(),
                self_bond,
            };
            add_validator(state, &new).expect("the account can bond");
        }
    });
    let mut reports = 0;
    for _ in 0..210 {
        let events = run(&mut chain, 2, &[1], Vec::new()).events;
        reports += events.iter().filter(|event| event.kind == "liveness").count();
    }
    assert_eq!(reports, 1);
}

#[test]
fn a_second_absence_costs_twice_as_much() {
    let mut chain = chain(3, 3);
    accepted(&mut chain, 1, &delegate(1, 1, 100 * VE));
    blocks_until_jailed(&mut chain, 1);
    chain.wait(605);
    accepted(&mut chain, 1, &unjail(1));
    blocks_until_jailed(&mut chain, 1);
    let records = records(&chain, 1);
    let fractions: Vec<_> = records.iter().map(|record| record.fraction.as_str()).collect();
    assert_eq!(fractions, ["1000000000000000", "2000000000000000"]);
    let until = |record: &SlashRecord| record.jailed_until.map(|time| time.seconds).unwrap_or_default();
    let height_time = chain.time.seconds;
    assert!(until(&records[1]) - height_time > 1_190, "twenty minutes");
}

#[test]
fn a_double_signature_costs_five_percent_and_ends_the_key() {
    let mut chain = chain(4, 3);
    accepted(&mut chain, 3, &delegate(3, 0, 100 * VE));
    run(&mut chain, 3, &[], Vec::new());
    let cheat = double_sign(&chain, 0, chain.height);
    let response = run(&mut chain, 3, &[], vec![cheat.clone(), cheat.clone()]);
    let slashes = response.events.iter().filter(|event| event.kind == "slash").count();
    assert_eq!(slashes, 1, "one infraction, one punishment");
    let cheater = validator(&chain, 0);
    assert_eq!((cheater.jailed, cheater.tokens.as_str()), (true, "1050000000"), "5 % of the power then: 50 VE");
    assert!(signing_info(&chain, 0).tombstoned);
    let cheat = double_sign(&chain, 0, 1);
    run(&mut chain, 3, &[], vec![cheat]);
    assert_eq!(records(&chain, 0).len(), 1, "a tombstoned key is not punished again");
    let request = QueryDelegationRequest { delegator_addr: text(3), validator_addr: operator(0) };
    let delegation: QueryDelegationResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Delegation", &request).expect("it is there");
    let worth = delegation.delegation_response.and_then(|entry| entry.balance).expect("a balance").amount;
    assert_eq!(worth, "95454545", "delegators pay their part");

    chain.wait(8 * 86_400 / 1_000);
    assert_eq!(refused(&mut chain, 0, &unjail(0)), slashing(9));
    assert_eq!(refused(&mut chain, 3, &delegate(3, 0, VE)), slashing(9));
    let onto = MsgBeginRedelegate {
        delegator_address: text(1),
        validator_src_address: operator(1),
        validator_dst_address: operator(0),
        amount: coin(VE),
    };
    assert_eq!(refused(&mut chain, 1, &onto), slashing(9));
}

#[test]
fn stake_that_left_after_the_infraction_pays_and_stake_that_left_before_does_not() {
    let mut chain = chain(6, 3);
    for from in [3, 4, 5] {
        accepted(&mut chain, from, &delegate(from as u32, 0, 100 * VE));
    }
    let undelegate = |from: u32| MsgUndelegate {
        delegator_address: text(from),
        validator_address: operator(0),
        amount: coin(100 * VE),
    };
    accepted(&mut chain, 3, &undelegate(3));
    run(&mut chain, 3, &[], Vec::new());
    run(&mut chain, 3, &[], Vec::new());
    let infraction = chain.height;
    accepted(&mut chain, 4, &undelegate(4));
    let moved = MsgBeginRedelegate {
        delegator_address: text(5),
        validator_src_address: operator(0),
        validator_dst_address: operator(1),
        amount: coin(100 * VE),
    };
    accepted(&mut chain, 5, &moved);
    let unbonding = |chain: &TestChain, from: u32| {
        let request = QueryUnbondingDelegationRequest { delegator_addr: text(from), validator_addr: operator(0) };
        let response: QueryUnbondingDelegationResponse =
            chain.query("/cosmos.staking.v1beta1.Query/UnbondingDelegation", &request).expect("it unbonds");
        response.unbond.expect("it is there").entries.remove(0).balance
    };
    let mut cheat = double_sign(&chain, 0, infraction);
    cheat.power = POWER + 200;
    run(&mut chain, 3, &[], vec![cheat]);
    assert_eq!(unbonding(&chain, 3), "100000000", "it left before");
    assert_eq!(unbonding(&chain, 4), "95000000", "it left after");
    assert_eq!(validator(&chain, 1).tokens, (SELF_BOND + 95 * VE).to_string(), "redelegated stake pays where it is");
    assert_eq!(validator(&chain, 0).tokens, (SELF_BOND - 50 * VE).to_string(), "the rest of 60 VE");
    let [record] = records(&chain, 0).try_into().expect("one record");
    assert_eq!((record.burned.as_str(), record.infraction_height), ("60000000", infraction));
}

#[test]
fn a_tombstoned_key_never_makes_a_validator_again() {
    let mut chain = chain(4, 3);
    run(&mut chain, 3, &[], Vec::new());
    let cheat = double_sign(&chain, 0, 1);
    run(&mut chain, 3, &[], vec![cheat]);
    let everything = validator(&chain, 0).tokens.parse().expect("an amount");
    let leave = MsgUndelegate { delegator_address: text(0), validator_address: operator(0), amount: coin(everything) };
    accepted(&mut chain, 0, &leave);
    let mut block = chain.block(Vec::new());
    block.time = chain.time.plus_seconds(22 * 86_400);
    chain.run_block(&block);
    let request = QueryValidatorRequest { validator_addr: operator(0) };
    let gone: Result<QueryValidatorResponse, String> = chain.query("/cosmos.staking.v1beta1.Query/Validator", &request);
    gone.expect_err("the validator is gone");
    let percent = |value| ve_base::Dec::from_parts(value, 2).expect("a rate").to_mantissa();
    let again = MsgCreateValidator {
        description: Some(Description { moniker: "again".into(), ..Description::default() }),
        commission: Some(CommissionRates { rate: percent(5), max_rate: percent(20), max_change_rate: percent(1) }),
        min_self_delegation: "1".into(),
        validator_address: operator(3),
        pubkey: Some(PublicKey::Ed25519(consensus_key(0)).to_any()),
        value: coin(SELF_BOND),
        ..MsgCreateValidator::default()
    };
    assert_eq!(refused(&mut chain, 3, &again), slashing(9));
    let fresh = MsgCreateValidator { pubkey: Some(PublicKey::Ed25519(consensus_key(9)).to_any()), ..again };
    accepted(&mut chain, 3, &fresh);
}

#[test]
fn evidence_that_is_too_old_from_the_future_or_of_a_stranger_changes_nothing() {
    let mut chain = chain(3, 3);
    run(&mut chain, 3, &[], Vec::new());
    let old = Misbehavior { time: BlockTime::default(), ..double_sign(&chain, 0, 1) };
    let future = double_sign(&chain, 0, chain.height + 10);
    let stranger = double_sign(&chain, 7, 1);
    run(&mut chain, 3, &[], vec![future, stranger]);
    assert!(records(&chain, 0).is_empty());
    // Both ages must have passed: a young height keeps old evidence alive.
    run(&mut chain, 3, &[], vec![old]);
    assert_eq!(records(&chain, 0).len(), 1);
}

#[test]
fn signatures_records_and_tombstones_survive_export_and_import() {
    let mut chain = chain(3, 3);
    for _ in 0..5 {
        run(&mut chain, 3, &[1], Vec::new());
    }
    let cheat = double_sign(&chain, 2, 2);
    run(&mut chain, 3, &[1], vec![cheat]);
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
    assert!(signing_info(&imported, 2).tombstoned);
}
