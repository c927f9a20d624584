//! Locked coins through the whole application. Invariants are checked after every block.

use ve_base::keys::PublicKey;
use ve_base::{Amount, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::auth::v1beta1::QueryAccountResponse;
use ve_proto::cosmos::auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse, QueryAccountRequest};
use ve_proto::cosmos::bank::v1beta1::*;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::{MsgDelegate, MsgUndelegate};
use ve_proto::cosmos::vesting::v1beta1::*;
use ve_sdk::application::{Application, TxResult};
use ve_testkit::chain::{Account, FEE, TestChain, any, sign};

/// 1 VE.
const VE: u64 = 1_000_000;
/// Unbonding time of these chains in seconds.
const UNBONDING: u64 = 60;

/// The account that gets locked coins; nobody knows it at genesis.
fn holder() -> Account {
    Account::number(20)
}

/// Account 0 is a validator.
fn chain() -> TestChain {
    let key = (0..=255u8).map(|first| {
        let mut bytes = [1; 32];
        bytes[0] = first;
        bytes
    });
    let consensus_key = key.into_iter().find(|key| PublicKey::Ed25519(*key).check().is_ok()).expect("a point");
    TestChain::with_genesis(2, |state| {
        state["staking"]["params"]["unbonding_time"] = format!("{UNBONDING}s").into();
        let new = GenesisValidator {
            account: Account::number(0).address,
            consensus_key,
            moniker: "validator".into(),
            self_bond: Amount::from(1_000 * VE),
        };
        add_validator(state, &new).expect("the account can bond");
    })
}

fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

fn coins(amount: u64) -> Vec<Coin> {
    vec![Coin { denom: "uve".into(), amount: amount.to_string() }]
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

/// Account 1 locks 100 VE for the holder until `seconds` from now.
fn create(chain: &TestChain, seconds: u64, delayed: bool) -> MsgCreateVestingAccount {
    MsgCreateVestingAccount {
        from_address: text(chain, 1),
        to_address: holder().address.to_string(),
        amount: coins(100 * VE),
        end_time: chain.time.plus_seconds(seconds).seconds,
        delayed,
    }
}

/// The holder sends a message.
fn holds<M: prost::Message + prost::Name>(chain: &mut TestChain, message: &M) -> TxResult {
    let holder = holder();
    let request = QueryAccountInfoRequest { address: holder.address.to_string() };
    let response: QueryAccountInfoResponse =
        chain.query("/cosmos.auth.v1beta1.Query/AccountInfo", &request).expect("the account exists");
    let base = response.info.expect("it is there");
    let tx = sign(&holder, base.account_number, base.sequence, vec![any(message)]);
    chain.run(vec![tx]).tx_results.remove(0)
}

fn send(chain: &TestChain, amount: u64) -> MsgSend {
    MsgSend { from_address: holder().address.to_string(), to_address: text(chain, 1), amount: coins(amount) }
}

fn gift(chain: &mut TestChain, amount: u64) {
    let message =
        MsgSend { from_address: text(chain, 1), to_address: holder().address.to_string(), amount: coins(amount) };
    assert_eq!(chain.deliver(1, &message).log, "");
}

fn spendable(chain: &TestChain) -> u64 {
    let request = QuerySpendableBalanceByDenomRequest { address: holder().address.to_string(), denom: "uve".into() };
    let response: QuerySpendableBalanceByDenomResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom", &request).expect("it is served");
    response.balance.expect("it is there").amount.parse().expect("a number")
}

#[test]
fn coins_become_free_evenly_and_never_before_their_time() {
    let mut chain = chain();
    let message = create(&chain, 105, false);
    assert_eq!(chain.deliver(1, &message).log, "");
    assert_eq!(spendable(&chain), 0);
    let all = send(&chain, 100 * VE);
    assert_eq!(code(&holds(&mut chain, &all)), ("sdk", 5), "one block later there is enough for the fee");
    chain.wait(45);
    assert_eq!(spendable(&chain), 50 * VE - FEE);
    let above = send(&chain, 55 * VE);
    let result = holds(&mut chain, &above);
    assert_eq!(code(&result), ("sdk", 5));
    assert!(result.log.contains("spendable balance"), "{}", result.log);
    let free = send(&chain, 40 * VE);
    assert_eq!(holds(&mut chain, &free).log, "");
    chain.wait(40);
    assert_eq!(spendable(&chain), 60 * VE - 3 * FEE);
}

#[test]
fn delayed_coins_come_at_once_and_permanently_locked_ones_never() {
    let mut chain = chain();
    let message = create(&chain, 30, true);
    assert_eq!(chain.deliver(1, &message).log, "");
    chain.wait(15);
    let all = send(&chain, 1);
    let result = holds(&mut chain, &all);
    assert_eq!((code(&result), result.events.len()), (("sdk", 5), 0), "not even a fee can be paid");
    assert_eq!(spendable(&chain), 0);
    chain.wait(5);
    assert_eq!(spendable(&chain), 100 * VE);

    let mut chain = self::chain();
    let message = MsgCreatePermanentLockedAccount {
        from_address: text(&chain, 1),
        to_address: holder().address.to_string(),
        amount: coins(100 * VE),
    };
    assert_eq!(chain.deliver(1, &message).log, "");
    chain.time = chain.time.plus_seconds(100 * 365 * 86_400);
    chain.run(Vec::new());
    assert_eq!(spendable(&chain), 0);
    gift(&mut chain, 7 * VE);
    assert_eq!(spendable(&chain), 7 * VE, "what came later is free: nobody can lock an address for others");
    let message = send(&chain, 6 * VE);
    assert_eq!(holds(&mut chain, &message).log, "");
}

#[test]
fn periods_free_their_coins_one_after_the_other() {
    let mut chain = chain();
    let period = |length, amount| Period { length, amount: coins(amount) };
    let message = MsgCreatePeriodicVestingAccount {
        from_address: text(&chain, 1),
        to_address: holder().address.to_string(),
        start_time: chain.time.seconds,
        vesting_periods: vec![period(10, VE), period(20, 2 * VE)],
    };
    for bad in [
        MsgCreatePeriodicVestingAccount { vesting_periods: Vec::new(), ..message.clone() },
        MsgCreatePeriodicVestingAccount { vesting_periods: vec![period(0, VE)], ..message.clone() },
        MsgCreatePeriodicVestingAccount { vesting_periods: vec![period(-5, VE)], ..message.clone() },
        MsgCreatePeriodicVestingAccount {
            vesting_periods: vec![period(i64::MAX, VE), period(1, VE)],
            ..message.clone()
        },
        MsgCreatePeriodicVestingAccount { start_time: 0, ..message.clone() },
    ] {
        assert_eq!(code(&chain.deliver(1, &bad)), ("sdk", 18));
    }
    let nothing = MsgCreatePeriodicVestingAccount {
        vesting_periods: vec![Period { length: 5, amount: Vec::new() }],
        ..message.clone()
    };
    assert_eq!(code(&chain.deliver(1, &nothing)), ("sdk", 10), "a period without coins");
    let message = MsgCreatePeriodicVestingAccount { start_time: chain.time.seconds, ..message };
    assert_eq!(chain.deliver(1, &message).log, "");
    assert_eq!(spendable(&chain), 0);
    chain.wait(5);
    assert_eq!(spendable(&chain), VE);
    chain.wait(20);
    assert_eq!(spendable(&chain), 3 * VE);
}

#[test]
fn locked_coins_can_be_staked_and_stay_locked_when_they_return() {
    let mut chain = chain();
    let message = create(&chain, 1_000_000, true);
    assert_eq!(chain.deliver(1, &message).log, "");
    gift(&mut chain, 10 * VE);
    let validator_address = chain.accounts[0].address.to_bech32(OPERATOR_PREFIX);
    let delegate = |ve: u64| MsgDelegate {
        delegator_address: holder().address.to_string(),
        validator_address: validator_address.clone(),
        amount: coins(ve * VE).pop(),
    };
    assert_eq!(holds(&mut chain, &delegate(60)).log, "", "more than what is free");
    let about = |expected: u64, chain: &TestChain| {
        // Stake earns meanwhile.
        let free = spendable(chain);
        assert!((expected..expected + VE).contains(&free), "{free} of {expected}");
    };
    // Staking takes locked coins first, then free ones.
    about(10 * VE - FEE, &chain);
    assert_eq!(holds(&mut chain, &delegate(45)).log, "");
    about(5 * VE - 2 * FEE, &chain);
    assert_eq!(code(&holds(&mut chain, &delegate(10))), ("sdk", 5), "more than there is");
    let undelegate = MsgUndelegate {
        delegator_address: holder().address.to_string(),
        validator_address,
        amount: coins(105 * VE).pop(),
    };
    assert_eq!(holds(&mut chain, &undelegate).log, "");
    chain.wait(UNBONDING + 5);
    // 100 VE are locked again.
    about(10 * VE - 4 * FEE, &chain);
    let request = QueryAccountRequest { address: holder().address.to_string() };
    let response: QueryAccountResponse =
        chain.query("/cosmos.auth.v1beta1.Query/Account", &request).expect("the account exists");
    assert_eq!(response.account.expect("it is there").type_url, "/cosmos.vesting.v1beta1.DelayedVestingAccount");
}

#[test]
fn nobody_changes_the_type_of_an_account_that_exists() {
    let mut chain = chain();
    let existing = MsgCreateVestingAccount { to_address: text(&chain, 0), ..create(&chain, 100, false) };
    assert_eq!(code(&chain.deliver(1, &existing)), ("sdk", 18));
    let module = MsgCreateVestingAccount {
        to_address: ve_base::module_address("gov").to_string(),
        ..create(&chain, 100, false)
    };
    assert_eq!(code(&chain.deliver(1, &module)), ("sdk", 4));
    let empty = MsgCreateVestingAccount { amount: Vec::new(), ..create(&chain, 100, false) };
    assert_eq!(code(&chain.deliver(1, &empty)), ("sdk", 10));
    let over = MsgCreateVestingAccount { end_time: chain.time.seconds, ..create(&chain, 0, false) };
    assert_eq!(code(&chain.deliver(1, &over)), ("sdk", 18));
    gift(&mut chain, 5);
    let late = create(&chain, 100, false);
    assert_eq!(code(&chain.deliver(1, &late)), ("sdk", 18), "the gift made a plain account");
}

#[test]
fn vesting_accounts_survive_export_and_import() {
    let mut chain = chain();
    let message = create(&chain, 500, false);
    chain.deliver(1, &message);
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
    assert_eq!(spendable(&imported), spendable(&chain));
}

#[test]
#[should_panic(expected = "are locked")]
fn a_genesis_that_locks_more_than_there_is_is_refused() {
    TestChain::with_genesis(1, |state| {
        let base = state["auth"]["accounts"][0].as_object().expect("an account").clone();
        let base: serde_json::Map<_, _> = base.into_iter().filter(|(name, _)| name != "@type").collect();
        state["auth"]["accounts"][0] = serde_json::json!({
            "@type": "/cosmos.vesting.v1beta1.PermanentLockedAccount",
            "base_vesting_account": {
                "base_account": base,
                "original_vesting": [{"denom": "uve", "amount": "99999999999999999999"}],
            },
        });
    });
}
