//! Balances, supply and accounts at the level of module calls.

mod common;

use common::{World, address, coins_of};
use ve_base::{Amount, errors::sdk};
use ve_chain_core::{auth, bank};
use ve_proto::cosmos::bank::v1beta1::*;
use ve_sdk::context::QueryContext;
use ve_sdk::hooks::Hooks;

fn world() -> World {
    World::new(Hooks::default())
}

fn code(result: Result<(), ve_base::CodedError>) -> u32 {
    result.expect_err("it must be refused").code
}

fn send(from: u8, to: u8, coins: &str) -> MsgSend {
    MsgSend {
        from_address: address(from).to_string(),
        to_address: address(to).to_string(),
        amount: coins_of(coins).to_proto(),
    }
}

#[test]
fn only_modules_with_the_permission_mint_and_burn() {
    let mut world = world();
    let coins = coins_of("5uve");
    let mut ctx = world.ctx();
    assert_eq!(code(bank::mint(&mut ctx, "holder", &coins)), 4);
    assert_eq!(code(bank::burn(&mut ctx, "holder", &coins)), 4);
    assert_eq!(code(bank::mint(&mut ctx, "nobody", &coins)), 4);
    bank::mint(&mut ctx, "coiner", &coins).expect("it may");
    assert_eq!(code(bank::burn(&mut ctx, "coiner", &coins_of("6uve"))), 5, "more than it has");
    bank::burn(&mut ctx, "coiner", &coins_of("2uve")).expect("it may");
    assert_eq!(bank::supply(&ctx, "uve"), Ok(Amount::from(3u64)));
    world.check();
}

#[test]
fn supply_cannot_pass_two_to_the_256() {
    let mut world = world();
    let mut ctx = world.ctx();
    bank::mint(&mut ctx, "coiner", &ve_base::Coins::native(Amount::MAX)).expect("it fits");
    assert_eq!(code(bank::mint(&mut ctx, "coiner", &coins_of("1uve"))), 10);
    assert_eq!(bank::supply(&ctx, "uve"), Ok(Amount::MAX));
}

#[test]
fn a_transfer_emits_the_events_of_the_cosmos_sdk_in_their_order() {
    let mut world = world();
    world.endow(&address(1), "9uve");
    let mut ctx = world.ctx();
    bank::send(&mut ctx, &address(1), &address(2), &coins_of("4uve")).expect("it has them");
    let (from, to) = (address(1).to_string(), address(2).to_string());
    let shown: Vec<(String, Vec<(String, String)>)> =
        ctx.take_events().into_iter().map(|event| (event.kind, event.attributes)).collect();
    let event = |kind: &str, attributes: &[(&str, &str)]| {
        (kind.to_owned(), attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    };
    let expected: Vec<(String, Vec<(String, String)>)> = vec![
        event("coin_spent", &[("spender", &from), ("amount", "4uve")]),
        event("coin_received", &[("receiver", &to), ("amount", "4uve")]),
        event("transfer", &[("recipient", &to), ("sender", &from), ("amount", "4uve")]),
        event("message", &[("sender", &from)]),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_transfer_of_several_coins_moves_all_or_nothing() {
    let mut world = world();
    world.endow(&address(1), "9abc,1uve");
    assert_eq!(code(world.execute(&send(1, 2, "5abc,2uve"))), 5);
    let mut ctx = world.ctx();
    assert_eq!(bank::balances(&ctx, &address(1)), Ok(coins_of("9abc,1uve")));
    assert_eq!(auth::exists(&ctx, &address(2)), Ok(false), "no account is left behind");
    bank::send(&mut ctx, &address(1), &address(2), &coins_of("9abc,1uve")).expect("exactly all");
    assert_eq!(bank::balances(&ctx, &address(1)), Ok(ve_base::Coins::default()));
    world.check();
}

#[test]
fn sending_to_oneself_changes_nothing() {
    let mut world = world();
    world.endow(&address(1), "9uve");
    world.execute(&send(1, 1, "9uve")).expect("it has them");
    assert_eq!(bank::balances(&world.ctx(), &address(1)), Ok(coins_of("9uve")));
    world.check();
}

#[test]
fn whoever_is_sent_coins_first_keeps_a_plain_account_that_stays_spendable() {
    let mut world = world();
    world.endow(&address(1), "9uve");
    world.execute(&send(1, 2, "3uve")).expect("it has them");
    let mut ctx = world.ctx();
    let poisoned = auth::require(&ctx, &address(2)).expect("it exists");
    let auth::Account::Base(base) = &poisoned else { panic!("strangers cannot choose the type of an account") };
    assert_eq!((base.sequence, base.pub_key.clone()), (0, None));
    let number = base.account_number;
    auth::ensure(&mut ctx, &address(2)).expect("a no-op");
    assert_eq!(auth::require(&ctx, &address(2)).expect("it exists").base().account_number, number);
    world.execute(&send(2, 1, "3uve")).expect("it can spend");
    world.check();
}

#[test]
fn transfers_of_a_stopped_denomination_are_refused_and_modules_still_move_it() {
    let mut world = world();
    world.endow(&address(1), "9uvcc");
    assert_eq!(code(world.execute(&send(1, 2, "1uvcc"))), 4, "compute credit is not money that users send");
    let mut ctx = world.ctx();
    bank::send_to_module(&mut ctx, &address(1), "holder", &coins_of("1uvcc")).expect("modules may");
    world.check();
}

#[test]
fn only_governance_stops_and_starts_transfers() {
    let mut world = world();
    world.endow(&address(1), "9uve");
    let switch = |authority: String, enabled| MsgSetSendEnabled {
        authority,
        send_enabled: vec![SendEnabled { denom: "uve".into(), enabled }],
        use_default_for: Vec::new(),
    };
    assert_eq!(code(world.execute(&switch(address(1).to_string(), false))), 4);
    let governance = ve_base::module_address("gov").to_string();
    world.execute(&switch(governance.clone(), false)).expect("governance may");
    assert_eq!(code(world.execute(&send(1, 2, "1uve"))), 4);
    world.execute(&switch(governance, true)).expect("governance may");
    world.execute(&send(1, 2, "1uve")).expect("enabled again");
}

#[test]
fn one_account_pays_many_and_the_sums_must_agree() {
    let mut world = world();
    world.endow(&address(1), "9uve");
    let output = |to: u8, coins: &str| Output { address: address(to).to_string(), coins: coins_of(coins).to_proto() };
    let input = |coins: &str| Input { address: address(1).to_string(), coins: coins_of(coins).to_proto() };
    let good = MsgMultiSend { inputs: vec![input("7uve")], outputs: vec![output(2, "3uve"), output(3, "4uve")] };
    let uneven = MsgMultiSend { inputs: vec![input("8uve")], ..good.clone() };
    assert_eq!(code(world.execute(&uneven)), 10);
    let two_inputs = MsgMultiSend { inputs: vec![input("7uve"), input("7uve")], ..good.clone() };
    assert_eq!(code(world.execute(&two_inputs)), 18);
    let nobody = MsgMultiSend { outputs: Vec::new(), ..good.clone() };
    assert_eq!(code(world.execute(&nobody)), 18);
    let beyond = MsgMultiSend { inputs: vec![input("10uve")], outputs: vec![output(2, "10uve")] };
    assert_eq!(code(world.execute(&beyond)), 5);
    let to_module = Output { address: ve_base::module_address("holder").to_string(), ..output(2, "1uve") };
    let to_module = MsgMultiSend { inputs: vec![input("1uve")], outputs: vec![to_module] };
    assert_eq!(code(world.execute(&to_module)), 4);
    world.execute(&good).expect("the sums agree");
    assert_eq!(bank::balances(&world.ctx(), &address(1)), Ok(coins_of("2uve")));
    world.check();
}

#[test]
fn the_native_coin_has_its_display_units() {
    let mut world = world();
    let ctx = world.ctx();
    let query = QueryContext::new(&ctx, ctx.block(), ctx.registry());
    let request = prost::Message::encode_to_vec(&QueryDenomMetadataRequest { denom: "uve".into() });
    let bytes = ctx
        .registry()
        .query("/cosmos.bank.v1beta1.Query/DenomMetadata", &query, &request)
        .expect("it is served")
        .expect("it is known");
    let response: QueryDenomMetadataResponse = prost::Message::decode(bytes.as_slice()).expect("a response");
    let metadata = response.metadata.expect("it is there");
    assert_eq!((metadata.symbol.as_str(), metadata.display.as_str()), ("VE", "ve"));
    let units: Vec<(&str, u32)> =
        metadata.denom_units.iter().map(|unit| (unit.denom.as_str(), unit.exponent)).collect();
    assert_eq!(units, [("uve", 0), ("mve", 3), ("ve", 6)]);
}

#[test]
fn a_missing_account_is_reported_in_the_words_that_clients_look_for() {
    let mut world = world();
    let error = auth::require(&world.ctx(), &address(9)).expect_err("it does not exist");
    assert_eq!(error.code, 9);
    let expected = sdk::Error::UnknownAddress(format!("account {} not found: key not found", address(9)));
    assert_eq!(error.log, expected.to_string());
}
