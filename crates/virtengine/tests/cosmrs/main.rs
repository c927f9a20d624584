//! Transactions as the unmodified Rust library `cosmrs` builds and signs them, executed by the application, and ours as
//! it reads them. Invariants are checked after every block.

mod messages;
mod support;

use cosmrs::proto::cosmos::vesting::v1beta1 as pb;
use cosmrs::proto::traits::{Message, Name};
use cosmrs::tx::Msg as _;
use cosmrs::{bank, vesting};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use ve_proto::cosmos::auth::v1beta1::{QueryAccountRequest, QueryAccountResponse};
use ve_testkit::chain::{Account, FEE, TestChain, any};

use support::{accepted, account, chain, coin, deliver, key, operator, typed};

#[test]
fn addresses_are_the_same_in_both_libraries() {
    for index in 0..5 {
        assert_eq!(account(index).to_string(), Account::number(index).address.to_string());
        assert_eq!(operator(index).to_bytes(), account(index).to_bytes());
    }
}

#[test]
fn every_message_that_cosmrs_writes_has_the_same_bytes_here_and_is_executed() {
    let mut chain = chain();
    let mut seen = std::collections::BTreeSet::new();
    for (signer, message) in messages::all() {
        let message = message(&chain);
        let name = message.type_url.trim_start_matches('/').to_owned();
        let descriptor = ve_proto::descriptors().get_message_by_name(&name).expect("a message of this chain");
        let read = DynamicMessage::decode(descriptor, message.value.as_slice()).expect("it decodes");
        assert_eq!(read.encode_to_vec(), message.value, "{name}");
        accepted(&mut chain, signer, message);
        seen.insert(name);
    }
    for (signer, message, codespace, code) in messages::refused() {
        let name = message.type_url.trim_start_matches('/').to_owned();
        let result = deliver(&mut chain, signer, message, |_| ());
        assert_eq!((result.codespace.as_str(), result.code), (codespace, code), "{name}: {}", result.log);
        seen.insert(name);
    }
    let served = served();
    let missing: Vec<&String> = served.iter().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "not written by cosmrs: {missing:?}");
}

/// Messages of the standard modules, but for those that only governance may send: their signer is a module.
fn served() -> Vec<String> {
    const PACKAGES: [&str; 9] = [
        "cosmos.authz.v1beta1",
        "cosmos.bank.v1beta1",
        "cosmos.distribution.v1beta1",
        "cosmos.evidence.v1beta1",
        "cosmos.feegrant.v1beta1",
        "cosmos.gov.v1",
        "cosmos.slashing.v1beta1",
        "cosmos.staking.v1beta1",
        "cosmos.vesting.v1beta1",
    ];
    let of_governance = |name: &str| {
        ["MsgUpdateParams", "MsgSetSendEnabled", "MsgCommunityPoolSpend", "MsgExecLegacyContent"]
            .iter()
            .any(|last| name.ends_with(last))
    };
    let services =
        PACKAGES.iter().filter_map(|package| ve_proto::descriptors().get_service_by_name(&format!("{package}.Msg")));
    services
        .flat_map(|service| service.methods().map(|method| method.input().full_name().to_owned()).collect::<Vec<_>>())
        .filter(|name| !of_governance(name))
        .collect()
}

#[test]
fn what_nobody_signed_or_somebody_changed_is_refused() {
    let mut chain = chain();
    let send =
        |from: u32| typed(bank::MsgSend { from_address: account(from), to_address: account(3), amount: vec![coin(1)] });
    let stolen = deliver(&mut chain, 0, send(1), |_| ());
    assert_eq!((stolen.codespace.as_str(), stolen.code), ("sdk", 8), "account 1 did not sign: {}", stolen.log);
    let forged = deliver(&mut chain, 0, send(0), |raw| *raw.last_mut().expect("bytes") ^= 1);
    assert_eq!((forged.codespace.as_str(), forged.code), ("sdk", 4), "{}", forged.log);
    accepted(&mut chain, 0, send(0));
}

#[test]
fn cosmrs_reads_what_this_chain_signs() {
    let chain = chain();
    let message = ve_proto::cosmos::bank::v1beta1::MsgSend {
        from_address: account(0).to_string(),
        to_address: account(2).to_string(),
        amount: vec![ve_proto::cosmos::base::v1beta1::Coin { denom: "uve".into(), amount: "3".into() }],
    };
    let raw = chain.tx(0, &message);
    let read = cosmrs::Tx::from_bytes(&raw).expect("it decodes");
    assert_eq!(read.body.messages.len(), 1);
    assert_eq!(read.body.messages[0].type_url, any(&message).type_url);
    let sent = bank::MsgSend::from_any(&read.body.messages[0]).expect("its message");
    assert_eq!((sent.from_address, sent.amount), (account(0), vec![coin(3)]));
    assert_eq!(read.auth_info.fee.amount, vec![coin(u128::from(FEE))]);
    let signer = read.auth_info.signer_infos[0].public_key.as_ref().and_then(|key| key.single().copied());
    assert_eq!(signer, Some(key(0).public_key()));
}

#[test]
fn cosmrs_reads_the_vesting_accounts_that_it_created() {
    let mut chain = chain();
    for (signer, message) in messages::vesting_accounts() {
        let message = message(&chain);
        accepted(&mut chain, signer, message);
    }
    let continuous: vesting::ContinuousVestingAccount =
        stored::<_, pb::ContinuousVestingAccount>(&chain, messages::CONTINUOUS);
    assert_eq!(continuous.base_vesting_account.expect("the base").original_vesting, vec![coin(1_000)]);
    let locked: vesting::PermanentLockedAccount = stored::<_, pb::PermanentLockedAccount>(&chain, messages::LOCKED);
    assert_eq!(locked.base_vesting_account.expect("the base").original_vesting, vec![coin(2_000)]);
    let periodic: vesting::PeriodicVestingAccount = stored::<_, pb::PeriodicVestingAccount>(&chain, messages::PERIODIC);
    assert_eq!(periodic.vesting_periods.len(), 2);
}

/// An account as cosmrs reads it.
fn stored<M, P>(chain: &TestChain, index: u32) -> M
where
    P: Message + Name + Default,
    M: TryFrom<P, Error = cosmrs::ErrorReport>,
{
    let request = QueryAccountRequest { address: account(index).to_string() };
    let answer: QueryAccountResponse =
        chain.query("/cosmos.auth.v1beta1.Query/Account", &request).expect("the account exists");
    let found = answer.account.expect("the response has it");
    let read = cosmrs::Any { type_url: found.type_url, value: found.value };
    let bare: P = read.to_msg().expect("the type of its URL");
    bare.try_into().expect("a vesting account")
}
