//! Delegating, moving and taking back stake.

use ve_base::Address;
use ve_chain_core::staking::{BONDED_POOL, NOT_BONDED_POOL};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::application::Application;
use ve_testkit::chain::{ENDOWMENT, FEE, TestChain, any};

use super::support::{
    SELF_BOND, UNBONDING, VE, accepted, balance, chain, coin, delegate, operator, pool, redelegate, refused, staking,
    text, undelegate, update,
};

#[test]
fn a_delegation_raises_the_power_at_the_end_of_its_block() {
    let mut chain = chain(3, 2);
    let message = delegate(&chain, 2, 1, 5 * VE);
    assert_eq!(accepted(&mut chain, 2, &message), vec![update(1, 1_005)]);
    assert_eq!(balance(&chain, 2), ENDOWMENT - 5 * VE - u128::from(FEE));
    assert_eq!(pool(&chain, BONDED_POOL), 2 * SELF_BOND + 5 * VE);
    let request = QueryDelegationRequest { delegator_addr: text(&chain, 2), validator_addr: operator(&chain, 1) };
    let response: QueryDelegationResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Delegation", &request).expect("the delegation exists");
    assert_eq!(response.delegation_response.expect("it is there").balance, coin(5 * VE));
    assert!(chain.run(Vec::new()).validator_updates.is_empty(), "nothing changed since");
}

#[test]
fn delegations_of_dust_other_coins_or_more_than_the_balance_are_refused() {
    let mut chain = chain(3, 1);
    let dust = delegate(&chain, 2, 0, VE - 1);
    assert_eq!(refused(&mut chain, 2, &dust), staking(1800));
    let mut foreign = delegate(&chain, 2, 0, VE);
    foreign.amount = Some(Coin { denom: "uvcc".into(), amount: VE.to_string() });
    assert_eq!(refused(&mut chain, 2, &foreign), ("sdk".into(), 18));
    let too_much = delegate(&chain, 2, 0, ENDOWMENT);
    assert_eq!(refused(&mut chain, 2, &too_much), ("sdk".into(), 5));
    let nobody = delegate(&chain, 2, 1, VE);
    assert_eq!(refused(&mut chain, 2, &nobody), staking(3));
    assert_eq!(pool(&chain, BONDED_POOL), SELF_BOND);
}

#[test]
fn nobody_can_delegate_or_undelegate_in_the_name_of_another_account() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, VE);
    assert_eq!(chain.deliver(1, &message).code, 8);
    let message = undelegate(&chain, 0, 0, VE);
    assert_eq!(chain.deliver(1, &message).code, 8);
    assert_eq!(balance(&chain, 2), ENDOWMENT);
}

#[test]
fn undelegated_stake_returns_after_the_unbonding_time_and_not_before() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 5 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 2 * VE);
    assert_eq!(accepted(&mut chain, 2, &message), vec![update(0, 1_003)]);
    let before = balance(&chain, 2);
    assert_eq!((pool(&chain, BONDED_POOL), pool(&chain, NOT_BONDED_POOL)), (SELF_BOND + 3 * VE, 2 * VE));
    chain.wait(UNBONDING - 5);
    assert_eq!(balance(&chain, 2), before);
    let events = chain.run(Vec::new()).events;
    assert_eq!((balance(&chain, 2), pool(&chain, NOT_BONDED_POOL)), (before + 2 * VE, 0));
    assert!(events.iter().any(|event| event.kind == "complete_unbonding"
        && event.attributes.contains(&("amount".into(), "2000000uve".into()))));
}

#[test]
fn more_than_delegated_or_more_than_seven_unbondings_are_refused() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 10 * VE);
    assert_eq!(refused(&mut chain, 2, &message), staking(24));
    let stranger = undelegate(&chain, 1, 0, VE);
    assert_eq!(refused(&mut chain, 1, &stranger), staking(19));
    let message = undelegate(&chain, 2, 0, VE);
    for _ in 0..7 {
        accepted(&mut chain, 2, &message);
    }
    assert_eq!(refused(&mut chain, 2, &message), staking(27));
    chain.wait(UNBONDING);
    accepted(&mut chain, 2, &message);
}

#[test]
fn two_unbondings_in_one_block_share_an_entry_and_pay_out_together() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, VE);
    let tx = chain.tx_with(2, 1, vec![any(&message), any(&message)]);
    assert_eq!(chain.run(vec![tx]).tx_results[0].code, 0);
    let before = balance(&chain, 2);
    chain.wait(UNBONDING);
    assert_eq!(balance(&chain, 2), before + 2 * VE);
}

#[test]
fn an_unbonding_can_be_cancelled_in_parts_but_not_twice_or_for_more() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 4 * VE);
    accepted(&mut chain, 2, &message);
    let height = i64::try_from(chain.height).expect("a low height");
    let cancel = |amount, creation_height| MsgCancelUnbondingDelegation {
        delegator_address: message.delegator_address.clone(),
        validator_address: message.validator_address.clone(),
        amount: coin(amount),
        creation_height,
    };
    assert_eq!(refused(&mut chain, 2, &cancel(5 * VE, height)), staking(26));
    assert_eq!(refused(&mut chain, 2, &cancel(VE, height + 1)), staking(26));
    assert_eq!(accepted(&mut chain, 2, &cancel(VE, height)), vec![update(0, 1_006)]);
    assert_eq!(accepted(&mut chain, 2, &cancel(3 * VE, height)), vec![update(0, 1_009)]);
    assert_eq!(refused(&mut chain, 2, &cancel(VE, height)), staking(26));
    let before = balance(&chain, 2);
    chain.wait(UNBONDING);
    assert_eq!(balance(&chain, 2), before, "cancelled stake is not paid out");
}

#[test]
fn redelegated_stake_moves_its_power_at_once_and_cannot_hop_again() {
    let mut chain = chain(4, 3);
    let message = delegate(&chain, 3, 0, 5 * VE);
    accepted(&mut chain, 3, &message);
    let message = redelegate(&chain, 3, 0, 1, 5 * VE);
    assert_eq!(accepted(&mut chain, 3, &message), vec![update(1, 1_005), update(0, 1_000)]);
    let hop = redelegate(&chain, 3, 1, 2, VE);
    assert_eq!(refused(&mut chain, 3, &hop), staking(32));
    chain.wait(UNBONDING);
    accepted(&mut chain, 3, &hop);
}

#[test]
fn redelegations_to_itself_to_nobody_or_beyond_seven_are_refused() {
    let mut chain = chain(4, 2);
    let message = delegate(&chain, 3, 0, 20 * VE);
    accepted(&mut chain, 3, &message);
    let itself = redelegate(&chain, 3, 0, 0, VE);
    assert_eq!(refused(&mut chain, 3, &itself), staking(29));
    let nobody = redelegate(&chain, 3, 0, 3, VE);
    assert_eq!(refused(&mut chain, 3, &nobody), staking(31));
    let dust = redelegate(&chain, 3, 0, 1, 1);
    assert_eq!(refused(&mut chain, 3, &dust), staking(1800));
    let message = redelegate(&chain, 3, 0, 1, VE);
    for _ in 0..7 {
        accepted(&mut chain, 3, &message);
    }
    assert_eq!(refused(&mut chain, 3, &message), staking(33));
}

#[test]
fn an_account_delegates_to_at_most_ten_validators() {
    let mut chain = chain(12, 11);
    let messages: Vec<_> = (0..10).map(|index| any(&delegate(&chain, 11, index, VE))).collect();
    for (sequence, part) in messages.chunks(2).enumerate() {
        let tx = chain.tx_with(11, sequence as u64, part.to_vec());
        assert_eq!(chain.run(vec![tx]).tx_results[0].log, "");
    }
    let eleventh = delegate(&chain, 11, 10, VE);
    assert_eq!(refused(&mut chain, 11, &eleventh), staking(1801));
    let again = delegate(&chain, 11, 3, VE);
    accepted(&mut chain, 11, &again);
}

#[test]
fn a_failed_message_undoes_the_stake_moves_of_the_messages_before_it() {
    let mut chain = chain(3, 2);
    let good = any(&delegate(&chain, 2, 0, 5 * VE));
    let bad = any(&redelegate(&chain, 2, 0, 1, 6 * VE));
    let tx = chain.tx_with(2, 0, vec![good, bad]);
    let response = chain.run(vec![tx]);
    assert_eq!((response.tx_results[0].codespace.as_str(), response.tx_results[0].code), ("staking", 24));
    assert!(response.validator_updates.is_empty());
    assert!(!response.tx_results[0].events.iter().any(|event| event.kind == "delegate"));
    assert_eq!(balance(&chain, 2), ENDOWMENT - u128::from(FEE));
}

#[test]
fn stake_on_its_way_survives_export_and_import() {
    let mut chain = chain(5, 3);
    let message = delegate(&chain, 4, 0, 9 * VE);
    accepted(&mut chain, 4, &message);
    let message = undelegate(&chain, 4, 0, VE);
    accepted(&mut chain, 4, &message);
    let message = redelegate(&chain, 4, 0, 1, 2 * VE);
    accepted(&mut chain, 4, &message);
    let message = undelegate(&chain, 2, 2, VE);
    accepted(&mut chain, 2, &message);
    let exported = chain.app.export().expect("a committed state");
    assert_eq!(exported["staking"]["params"]["min_commission_rate"], "0.050000000000000000");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}

#[test]
fn stakers_cannot_be_paid_through_the_pools_directly() {
    let mut chain = chain(2, 1);
    let pool: Address = ve_base::module_address(BONDED_POOL);
    let message = ve_proto::cosmos::bank::v1beta1::MsgSend {
        from_address: text(&chain, 1),
        to_address: pool.to_string(),
        amount: coin(1).into_iter().collect(),
    };
    assert_eq!(refused(&mut chain, 1, &message), ("sdk".into(), 4));
}
