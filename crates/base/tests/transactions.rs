//! Transactions from strangers: what decodes decodes to one meaning, and what was not signed does not verify.

use std::sync::LazyLock;

use proptest::prelude::*;
use prost::Message;
use prost_types::Any;
use ve_base::errors::Coded;
use ve_base::keys::{Multisig, PublicKey, SecretKey, hd};
use ve_base::tx::{SignDoc, Signer, decode_tx, direct_bytes};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use ve_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use ve_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};

const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const CHAIN: &str = "ve-local-1";

/// Derivation is slow on purpose, so it is done once.
static KEYS: LazyLock<Vec<SecretKey>> =
    LazyLock::new(|| (0..4).map(|index| hd::derive(PHRASE, 0, index).expect("a valid mnemonic")).collect());

fn key(index: usize) -> &'static SecretKey {
    &KEYS[index]
}

fn any<M: Message + prost::Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn transfer() -> MsgSend {
    let address = key(0).public_key().address().to_string();
    let amount = vec![Coin { denom: "uve".into(), amount: "1".into() }];
    MsgSend { from_address: address.clone(), to_address: address, amount }
}

fn single(mode: SignMode) -> ModeInfo {
    ModeInfo { sum: Some(Sum::Single(Single { mode: mode as i32 })) }
}

fn auth_info(key: &PublicKey, mode_info: ModeInfo) -> Vec<u8> {
    AuthInfo {
        signer_infos: vec![SignerInfo { public_key: Some(key.to_any()), mode_info: Some(mode_info), sequence: 0 }],
        fee: Some(Fee { gas_limit: 1, ..Fee::default() }),
        ..AuthInfo::default()
    }
    .encode_to_vec()
}

fn body(message: Any) -> Vec<u8> {
    TxBody { messages: vec![message], memo: "<&> \"\\\n\u{2028}é".into(), ..TxBody::default() }.encode_to_vec()
}

fn raw(body_bytes: Vec<u8>, auth_info_bytes: Vec<u8>, signature: Vec<u8>) -> Vec<u8> {
    TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
}

fn verify(raw: &[u8], key: &PublicKey) -> Result<(), String> {
    let tx = decode_tx(raw).map_err(|error| error.to_string())?;
    let info = tx.auth_info.signer_infos.first().ok_or("no signer")?;
    let doc = SignDoc { tx: &tx, chain_id: CHAIN, account_number: 1, sequence: 0 };
    let signature = tx.signatures.first().ok_or("no signature")?;
    doc.verify(&Signer { address: &key.address(), info, key }, signature).map_err(|error| error.to_string())
}

fn signed() -> Vec<u8> {
    let auth = auth_info(&key(0).public_key(), single(SignMode::Direct));
    let signature = key(0).sign(&direct_bytes(&body(any(&transfer())), &auth, CHAIN, 1));
    raw(body(any(&transfer())), auth, signature.to_vec())
}

fn amino_text(message: Any, key: &PublicKey) -> String {
    let raw = raw(body(message), auth_info(key, single(SignMode::LegacyAminoJson)), vec![]);
    let tx = decode_tx(&raw).expect("a canonical transaction");
    let doc = SignDoc { tx: &tx, chain_id: CHAIN, account_number: 1, sequence: 0 };
    String::from_utf8(doc.amino_bytes().expect("the message has an amino name")).expect("UTF-8")
}

#[test]
fn unknown_fields_inside_a_message_are_refused_however_deep_they_hide() {
    let auth = || auth_info(&key(0).public_key(), single(SignMode::Direct));
    let mut coin = transfer().amount[0].encode_to_vec();
    coin.extend([0x78, 0x01]);
    let mut hidden = MsgSend { amount: Vec::new(), ..transfer() }.encode_to_vec();
    hidden.extend([0x1a, u8::try_from(coin.len()).expect("short")]);
    hidden.extend(coin);
    let mut direct = transfer().encode_to_vec();
    direct.extend([0x82, 0x40, 0x00]);
    for value in [hidden, direct] {
        let message = Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value };
        let error = decode_tx(&raw(body(message), auth(), vec![])).expect_err("an unknown field");
        assert_eq!((error.codespace(), error.code()), ("sdk", 2), "{error}");
        assert!(error.to_string().contains("unknown field"), "{error}");
    }
}

#[test]
fn messages_of_unknown_types_are_refused_before_anything_else() {
    let message = Any { type_url: "/cosmos.bank.v1beta1.MsgSteal".into(), value: Vec::new() };
    let auth = auth_info(&key(0).public_key(), single(SignMode::Direct));
    let error = decode_tx(&raw(body(message), auth, vec![])).expect_err("an unknown type");
    assert_eq!((error.codespace(), error.code()), ("sdk", 2));
    assert!(error.to_string().contains("unable to resolve type URL"), "{error}");
}

#[test]
fn every_changed_bit_of_a_signed_transaction_breaks_it() {
    let good = signed();
    let key = key(0).public_key();
    assert_eq!(verify(&good, &key), Ok(()));
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&bad, &key).is_err(), "bit {bit} may change");
    }
}

#[test]
fn amino_json_writes_keys_decimals_and_special_characters_as_the_cosmos_sdk_does() {
    let percent = |value: &str| format!("{value}0000000000000000");
    let address = key(0).public_key().address();
    let message = MsgCreateValidator {
        description: Some(Description { moniker: "m".into(), ..Description::default() }),
        commission: Some(CommissionRates {
            rate: percent("10"),
            max_rate: percent("20"),
            max_change_rate: percent("1"),
        }),
        min_self_delegation: "1".into(),
        validator_address: address.to_bech32(ve_base::OPERATOR_PREFIX),
        pubkey: Some(PublicKey::Ed25519([7; 32]).to_any()),
        value: Some(Coin { denom: "uve".into(), amount: "5".into() }),
        ..MsgCreateValidator::default()
    };
    let text = amino_text(any(&message), &key(0).public_key());
    let value = format!(
        r#"{{"commission":{{"max_change_rate":"0.010000000000000000","max_rate":"0.200000000000000000","rate":"0.100000000000000000"}},"description":{{"moniker":"m"}},"min_self_delegation":"1","pubkey":{{"type":"tendermint/PubKeyEd25519","value":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}},"validator_address":"{}","value":{{"amount":"5","denom":"uve"}}}}"#,
        message.validator_address
    );
    assert!(text.contains(&format!(r#"{{"type":"cosmos-sdk/MsgCreateValidator","value":{value}}}"#)), "{text}");
    assert!(text.contains(r#""memo":"\u003c\u0026\u003e \"\\\n\u2028é""#), "{text}");
    assert!(text.contains(r#""fee":{"amount":[],"gas":"1"}"#), "{text}");
}

fn multisig() -> PublicKey {
    let members = (0..3).map(|index| key(index).public_key()).collect();
    PublicKey::Multisig(Multisig::new(2, members).expect("two of three"))
}

/// A transaction that the members `who` sign; `bits` is the byte of the bit array.
fn multi_signed(who: &[usize], bits: u8) -> Vec<u8> {
    let text = amino_text(any(&transfer()), &multisig());
    let signatures = who.iter().map(|index| key(*index).sign(text.as_bytes()).to_vec()).collect();
    let bitarray = Some(CompactBitArray { extra_bits_stored: 3, elems: vec![bits] });
    let mode_infos = who.iter().map(|_| single(SignMode::LegacyAminoJson)).collect();
    let mode = ModeInfo { sum: Some(Sum::Multi(Multi { bitarray, mode_infos })) };
    raw(body(any(&transfer())), auth_info(&multisig(), mode), MultiSignature { signatures }.encode_to_vec())
}

#[test]
fn a_multisig_verifies_when_enough_members_signed_in_the_order_of_their_bits() {
    assert_eq!(verify(&multi_signed(&[0, 2], 0b1010_0000), &multisig()), Ok(()));
    assert_eq!(verify(&multi_signed(&[0, 1, 2], 0b1110_0000), &multisig()), Ok(()));
    for (who, bits, why) in [
        (&[0][..], 0b1000_0000, "one member of two"),
        (&[2, 0][..], 0b1010_0000, "wrong order"),
        (&[0, 0][..], 0b1010_0000, "one member twice"),
        (&[0, 3][..], 0b1010_0000, "a stranger"),
        (&[0, 2][..], 0b1110_0000, "more bits than signatures"),
        (&[0, 2][..], 0b1000_0000, "fewer bits than signatures"),
        (&[0, 2][..], 0b1010_0001, "bits beyond the members"),
    ] {
        assert!(verify(&multi_signed(who, bits), &multisig()).is_err(), "{why}");
    }
}

#[test]
fn a_multisig_of_nobody_or_of_more_than_its_members_cannot_exist() {
    let member = || key(0).public_key();
    assert!(Multisig::new(0, vec![member()]).is_err());
    assert!(Multisig::new(2, vec![member()]).is_err());
    assert!(Multisig::new(1, Vec::new()).is_err());
}

#[test]
fn a_multisig_inside_a_multisig_is_refused_however_deep_they_nest() {
    let mut nested = multisig().to_any();
    for _ in 0..500 {
        let outer = LegacyAminoPubKey { threshold: 1, public_keys: vec![nested] };
        nested = Any { type_url: multisig().to_any().type_url, value: outer.encode_to_vec() };
    }
    let error = PublicKey::from_any(&nested).expect_err("members are single keys");
    assert_eq!(error.code(), 8, "{error}");
    let p256 = PublicKey::Secp256r1([2; 33]);
    assert!(Multisig::new(1, vec![p256]).is_err(), "amino has no form for it");
}

#[test]
fn keys_of_the_wrong_length_or_type_are_refused() {
    for (kind, length) in [("secp256k1", 32), ("ed25519", 33), ("secp256r1", 64)] {
        let value = ve_proto::cosmos::crypto::ed25519::PubKey { key: vec![2; length] }.encode_to_vec();
        let any = Any { type_url: format!("/cosmos.crypto.{kind}.PubKey"), value };
        assert_eq!(PublicKey::from_any(&any).expect_err("a bad key").code(), 8, "{kind}");
    }
    assert!(PublicKey::from_any(&Any { type_url: "/cosmos.crypto.bn254.PubKey".into(), value: vec![] }).is_err());
    assert!(PublicKey::Secp256k1([5; 33]).check().is_err(), "not a point");
}

#[test]
fn ed25519_and_p256_signatures_verify_and_bind_the_message() {
    // RFC 8032 section 7.1, test 1.
    let ed25519 = PublicKey::Ed25519(unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    let signature: [u8; 64] = unhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
    assert!(ed25519.verify(b"", &signature).is_ok());
    assert!(ed25519.verify(b"x", &signature).is_err());

    let random = ring::rand::SystemRandom::new();
    let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = ring::signature::EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
    let point = ring::signature::KeyPair::public_key(&pair).as_ref();
    let mut compressed = [2 | (point[64] & 1); 33];
    compressed[1..].copy_from_slice(&point[1..33]);
    let p256 = PublicKey::Secp256r1(compressed);
    // About half of the signatures have a high S, which is refused.
    let (mut low, mut high) = (0, 0);
    while low == 0 || high == 0 {
        let signature = pair.sign(&random, b"message").expect("a signature");
        match p256.verify(b"message", signature.as_ref()) {
            Ok(()) => low += 1,
            Err(error) => {
                assert!(error.to_string().contains("low-S"), "{error}");
                high += 1;
            }
        }
        assert!(p256.verify(b"another", signature.as_ref()).is_err());
    }
    assert!(p256.address().as_bytes().len() == 32);
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).expect("hex").try_into().expect("the right length")
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_decode_to_themselves_only(bytes in prop::collection::vec(any_byte(), 0..200)) {
        if let Ok(tx) = decode_tx(&bytes) {
            let again = TxRaw {
                body_bytes: tx.body_bytes.clone(),
                auth_info_bytes: tx.auth_info_bytes.clone(),
                signatures: tx.signatures.clone(),
            };
            prop_assert_eq!(again.encode_to_vec(), bytes);
        }
    }

    #[test]
    fn damaged_transactions_never_panic(at in 0usize..300, byte in any_byte(), cut in 0usize..300) {
        let mut bytes = signed();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length);
        let _ = verify(&bytes, &key(0).public_key());
    }
}

fn any_byte() -> impl Strategy<Value = u8> {
    // Tags and small lengths, so that some of it looks like protobuf.
    prop_oneof![Just(0x0a), Just(0x12), Just(0x1a), 0u8..16, proptest::num::u8::ANY]
}
