//! The exchange rate between shares and tokens, and the bound on voting power.

use super::*;

fn validator(tokens: u128, shares: &str) -> Validator {
    Validator {
        operator: ve_base::module_address("operator"),
        consensus_key: [0; 32],
        jailed: false,
        status: Status::Unbonded,
        tokens: Amount::from(tokens),
        shares: shares.parse().expect("a decimal"),
        description: pb::Description::default(),
        unbonding_height: 0,
        unbonding_time: BlockTime::default(),
        rates: Rates { rate: Dec::zero(), max_rate: Dec::zero(), max_change_rate: Dec::zero() },
        rates_changed: BlockTime::default(),
        min_self_delegation: Amount::from(1u64),
    }
}

fn dec(text: &str) -> Dec {
    text.parse().expect("a decimal")
}

#[test]
fn the_first_delegation_gets_one_share_per_token() {
    let mut new = validator(0, "0");
    assert_eq!(new.add_tokens(Amount::from(7u64)).expect("it fits"), dec("7"));
    assert_eq!((new.tokens, new.shares), (Amount::from(7u64), dec("7")));
}

#[test]
fn after_a_loss_a_share_is_worth_less_and_new_stake_gets_more_shares() {
    let mut slashed = validator(90, "100");
    assert_eq!(slashed.tokens_of(dec("10")).expect("it fits"), Amount::from(9u64));
    assert_eq!(slashed.add_tokens(Amount::from(9u64)).expect("it fits"), dec("10"));
}

#[test]
fn removing_the_last_shares_takes_every_token_that_is_left() {
    let mut odd = validator(10, "3");
    assert_eq!(odd.remove_shares(dec("1")).expect("enough"), Amount::from(3u64));
    assert_eq!(odd.remove_shares(dec("1")).expect("enough"), Amount::from(3u64));
    assert_eq!(odd.remove_shares(dec("1")).expect("enough"), Amount::from(4u64));
    assert_eq!((odd.tokens, odd.shares), (Amount::ZERO, Dec::zero()));
}

#[test]
fn more_shares_than_there_are_cannot_be_removed() {
    let error = validator(10, "3").remove_shares(dec("3.000000000000000001")).expect_err("too many");
    assert_eq!((error.codespace, error.code), ("staking", 24));
}

#[test]
fn nobody_delegates_to_a_validator_whose_tokens_are_all_gone() {
    let error = validator(0, "3").add_tokens(Amount::from(5u64)).expect_err("no exchange rate");
    assert_eq!((error.codespace, error.code), ("staking", 34));
}

#[test]
fn splitting_a_removal_never_gains_a_token() {
    for (tokens, shares) in [(10, "3"), (97, "100"), (1_000_003, "2000001"), (5, "7.5")] {
        let whole = validator(tokens, shares).remove_shares(dec("2")).expect("enough");
        let mut split = validator(tokens, shares);
        let first = split.remove_shares(dec("1")).expect("enough");
        let second = split.remove_shares(dec("1")).expect("enough");
        let sum = first.checked_add(second).expect("small numbers");
        assert!(sum <= whole, "{tokens} {shares}");
    }
}

#[test]
fn power_stops_exactly_at_what_consensus_can_count() {
    let most = u128::from(MAX_TOTAL_POWER) * u128::from(POWER_REDUCTION) + 999_999;
    assert_eq!(validator(most, "1").power(), Ok(MAX_TOTAL_POWER));
    assert_eq!(validator(most + 1, "1").power(), Err(Error::PowerBound(MAX_TOTAL_POWER)));
    const { assert!(MAX_TOTAL_POWER < 1 << 60) };
    let error = validator(most, "1").add_tokens(Amount::from(1u64)).expect_err("beyond the bound");
    assert_eq!((error.codespace, error.code), ("staking", 1802));
}

#[test]
fn an_eighteen_decimal_token_cannot_overflow_the_power() {
    let huge = validator(10u128.pow(27) * 1_000, "1");
    assert_eq!(huge.power(), Err(Error::PowerBound(MAX_TOTAL_POWER)));
}

#[test]
fn stored_validators_have_one_encoding() {
    let mut one = validator(5, "5");
    one.consensus_key = {
        let key = ve_base::keys::PublicKey::Ed25519([
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
            0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
        ]);
        let PublicKey::Ed25519(bytes) = key else { panic!("an ed25519 key") };
        bytes
    };
    let bytes = one.to_state();
    assert_eq!(Validator::from_state(&bytes), Ok(one));
    let mut longer = bytes.clone();
    longer.extend_from_slice(&[0x68, 0x01]);
    assert!(Validator::from_state(&longer).is_err(), "an unused field is not tolerated");
    assert!(Validator::from_state(&bytes[..bytes.len() - 1]).is_err());
}
