//! Transactions without a sequence, and other kinds of keys, through the whole application.

use prost::Message;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ve_base::keys::PublicKey;
use ve_base::tx::direct_bytes;
use ve_base::{Address, Amount};
use ve_chain_core::auth::unordered::MAX_SECONDS;
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use ve_sdk::application::{Application, CheckKind, TxResult};
use ve_testkit::chain::{CHAIN_ID, ENDOWMENT, FEE, GAS, TestChain, any, sign_changed};

fn send(chain: &TestChain, from: &Address, amount: u64) -> MsgSend {
    MsgSend {
        from_address: from.to_string(),
        to_address: chain.accounts[1].address.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: amount.to_string() }],
    }
}

/// Account 0 sends `amount` at any place, at most `seconds` from now.
fn unordered(chain: &TestChain, amount: u64, sequence: u64, seconds: Option<u64>) -> Vec<u8> {
    let signer = &chain.accounts[0];
    let number = chain.account(&signer.address).account_number;
    let timeout = seconds.map(|seconds| chain.time.plus_seconds(seconds).to_proto());
    sign_changed(signer, number, sequence, vec![any(&send(chain, &signer.address, amount))], |body, _| {
        body.unordered = true;
        body.timeout_timestamp = timeout;
    })
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

fn one(chain: &mut TestChain, tx: Vec<u8>) -> TxResult {
    chain.run(vec![tx]).tx_results.remove(0)
}

#[test]
fn a_hundred_transfers_of_one_account_in_any_order_meet_no_sequence_mismatch() {
    let mut chain = TestChain::new(2);
    let mut txs: Vec<Vec<u8>> = (1..=100).map(|amount| unordered(&chain, amount, 0, Some(500))).collect();
    txs.reverse();
    for tx in &txs {
        let checked = chain.check(tx);
        assert_eq!((checked.result.log.as_str(), checked.sender.is_empty()), ("", true), "no place in a line");
    }
    // As many as the quota of an account lets into a block.
    for part in txs.chunks(10) {
        for result in chain.run(part.to_vec()).tx_results {
            assert_eq!(result.log, "");
        }
    }
    let from = chain.accounts[0].address.clone();
    assert_eq!(chain.balance(&from), Amount::from(ENDOWMENT - 5_050 - 100 * u128::from(FEE)));
    assert_eq!(chain.account(&from).sequence, 0, "ordered transactions go on as if nothing happened");
    let ordered = send(&chain, &from, 1);
    assert_eq!(chain.deliver(0, &ordered).log, "");
}

#[test]
fn an_unordered_transaction_runs_once_until_it_is_void() {
    let mut chain = TestChain::new(2);
    let tx = unordered(&chain, 7, 0, Some(20));
    assert_eq!(one(&mut chain, tx.clone()).log, "");
    assert_eq!(code(&one(&mut chain, tx.clone())), ("sdk", 18), "a replay");
    assert_eq!(code(&chain.check(&tx).result), ("sdk", 18));
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let (height, time) = (chain.height, chain.time);
    let mut imported = TestChain::from_state(
        (0..2).map(ve_testkit::chain::Account::number).collect(),
        copy,
        ve_testkit::chain::checked_options(),
        height,
        time,
    );
    assert_eq!(imported.app.export().expect("the imported state"), exported);
    assert_eq!(code(&one(&mut imported, tx.clone())), ("sdk", 18), "nor on a chain that took over the state");
    chain.wait(15);
    assert_eq!(code(&one(&mut chain, tx)), ("sdk", 30), "void");
    assert!(chain.app.export().expect("a committed state")["auth"].get("unordered").is_none(), "and forgotten");
}

#[test]
fn another_signature_for_the_same_bytes_does_not_run_again() {
    let mut chain = TestChain::new(2);
    let tx = unordered(&chain, 7, 0, Some(100));
    assert_eq!(one(&mut chain, tx.clone()).log, "");
    let mut raw = TxRaw::decode(tx.as_slice()).expect("a transaction");
    raw.signatures[0][5] ^= 1;
    assert_eq!(code(&one(&mut chain, raw.encode_to_vec())), ("sdk", 4));
}

#[test]
fn time_outs_are_needed_near_and_in_the_future_and_sequences_are_zero() {
    let mut chain = TestChain::new(2);
    for (tx, expected) in [
        (unordered(&chain, 1, 0, None), ("sdk", 18)),
        (unordered(&chain, 1, 0, Some(MAX_SECONDS + 60)), ("sdk", 18)),
        (unordered(&chain, 1, 3, Some(100)), ("sdk", 18)),
    ] {
        let result = one(&mut chain, tx);
        assert_eq!((code(&result), result.events.len()), (expected, 0), "{}", result.log);
    }
    let late = unordered(&chain, 1, 0, Some(5));
    chain.wait(20);
    assert_eq!(code(&one(&mut chain, late)), ("sdk", 30));
    assert_eq!(chain.balance(&chain.accounts[0].address), Amount::from(ENDOWMENT));
}

#[test]
fn a_waiting_transaction_passes_the_second_check_of_the_mempool() {
    let mut chain = TestChain::new(2);
    let tx = unordered(&chain, 7, 0, Some(100));
    assert_eq!(chain.check(&tx).result.log, "");
    chain.run(Vec::new());
    let again = chain.app.check_tx(&tx.clone().into(), CheckKind::Recheck);
    assert_eq!(again.result.log, "");
    assert_eq!(one(&mut chain, tx).log, "");
}

/// A key as secure elements and passkeys have it.
fn passkey(random: &SystemRandom) -> (EcdsaKeyPair, PublicKey) {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random).expect("a new key");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), random).expect("a key");
    let point = key.public_key().as_ref();
    let mut compressed = [0; 33];
    compressed[0] = 2 + (point[64] & 1);
    compressed[1..].copy_from_slice(&point[1..33]);
    (key, PublicKey::Secp256r1(compressed))
}

/// Signatures of the message with a low and with a high s: half of all signatures are of each kind.
fn both_forms(key: &EcdsaKeyPair, random: &SystemRandom, message: &[u8], public: &PublicKey) -> (Vec<u8>, Vec<u8>) {
    let (mut low, mut high) = (None, None);
    while low.is_none() || high.is_none() {
        let signature = key.sign(random, message).expect("a signature").as_ref().to_vec();
        let form = if public.verify(message, &signature).is_ok() { &mut low } else { &mut high };
        *form = Some(signature);
    }
    (low.expect("found"), high.expect("found"))
}

#[test]
fn an_account_with_a_p256_key_transacts_and_its_signature_has_one_form() {
    let mut chain = TestChain::new(2);
    let random = SystemRandom::new();
    let (key, public) = passkey(&random);
    let address = public.address();
    assert_eq!(address.as_bytes().len(), 32);
    let gift = MsgSend { to_address: address.to_string(), ..send(&chain, &chain.accounts[0].address, 1_000_000) };
    assert_eq!(chain.deliver(0, &gift).log, "");
    let number = chain.account(&address).account_number;
    let body_bytes = TxBody { messages: vec![any(&send(&chain, &address, 5))], ..TxBody::default() }.encode_to_vec();
    let auth_info_bytes = AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(public.to_any()),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) }),
            sequence: 0,
        }],
        fee: Some(Fee {
            amount: vec![Coin { denom: "uve".into(), amount: FEE.to_string() }],
            gas_limit: GAS,
            ..Fee::default()
        }),
        ..AuthInfo::default()
    }
    .encode_to_vec();
    let message = direct_bytes(&body_bytes, &auth_info_bytes, CHAIN_ID, number);
    let (low, high) = both_forms(&key, &random, &message, &public);
    let raw = |signature: &[u8]| {
        let signatures = vec![signature.to_vec()];
        TxRaw { body_bytes: body_bytes.clone(), auth_info_bytes: auth_info_bytes.clone(), signatures }.encode_to_vec()
    };
    assert_eq!(code(&one(&mut chain, raw(&high))), ("sdk", 4), "the other form of the same signature");
    assert_eq!(one(&mut chain, raw(&low)).log, "");
    assert_eq!(chain.account(&address).sequence, 1);
    assert_eq!(code(&one(&mut chain, raw(&low))), ("sdk", 32));
}
