//! The vectors of the platform specification, section 1, which were checked with CosmJS.

use prost::Message;
use sha2::{Digest, Sha256};
use ve_base::keys::{Multisig, PublicKey, SecretKey, hd};
use ve_base::tx::{SignDoc, Signer, decode_tx, direct_bytes, hash_text};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};

const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const ZOO: &str = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong";
const A: &str = "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa";
const B: &str = "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg";

fn key(words: &str) -> SecretKey {
    hd::derive(words, 0, 0).expect("a valid mnemonic")
}

fn coin(amount: &str) -> Coin {
    Coin { denom: "uve".into(), amount: amount.into() }
}

fn body() -> Vec<u8> {
    let send = MsgSend { from_address: A.into(), to_address: B.into(), amount: vec![coin("1000000")] };
    let message = prost_types::Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value: send.encode_to_vec() };
    TxBody { messages: vec![message], ..TxBody::default() }.encode_to_vec()
}

fn auth_info(mode: SignMode) -> Vec<u8> {
    AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(key(ABANDON).public_key().to_any()),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: mode as i32 })) }),
            sequence: 0,
        }],
        fee: Some(Fee { amount: vec![coin("2000")], gas_limit: 200_000, ..Fee::default() }),
        ..AuthInfo::default()
    }
    .encode_to_vec()
}

fn raw(body_bytes: Vec<u8>, auth_info_bytes: Vec<u8>, signature: Vec<u8>) -> Vec<u8> {
    TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
}

#[test]
fn mnemonics_give_the_keys_and_addresses_of_cosmjs() {
    let PublicKey::Secp256k1(bytes) = key(ABANDON).public_key() else { panic!("a secp256k1 key") };
    assert_eq!(hex::encode(bytes), "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62");
    assert_eq!(key(ABANDON).public_key().address().to_string(), A);
    assert_eq!(key(ZOO).public_key().address().to_string(), B);
}

#[test]
fn two_of_two_multisig_has_the_address_of_cosmjs() {
    let members = vec![key(ABANDON).public_key(), key(ZOO).public_key()];
    let multisig = PublicKey::Multisig(Multisig::new(2, members).expect("two members"));
    assert_eq!(multisig.address().to_string(), "ve1dtvtk8vzh7yv3t2sq3aynp49rsemxwu3fj2tpd");
}

#[test]
fn a_transfer_signed_directly_has_the_sign_doc_signature_and_hash_of_cosmjs() {
    let (body, auth) = (body(), auth_info(SignMode::Direct));
    let document = direct_bytes(&body, &auth, "ve-local-1", 1);
    assert_eq!(
        hex::encode(Sha256::digest(&document)),
        "b2c5809bf71766e6918bb4d0081ec3272e6de1460a96099d2a5ca428eb2b110d"
    );
    let signature = key(ABANDON).sign(&document);
    assert_eq!(
        hex::encode(signature),
        "ff7b9d609f8d6c2912032e143dd572377df72a84247dc044324a408c16668edf5be8655c981b612057f934a8bac247bd04d98839a6c1885e9d238736f3dbd063"
    );
    let raw = raw(body, auth, signature.to_vec());
    assert_eq!(raw.len(), 307);
    let tx = decode_tx(&raw).expect("a canonical transaction");
    assert_eq!(hash_text(&tx.hash), "12728C042F3C3C238DA528B1B09376B59B8C579BB71D3D92E5620B4C7E34E542");
    assert!(verifies(&raw, "ve-local-1", 1, 0));
}

fn verifies(raw: &[u8], chain_id: &str, account_number: u64, sequence: u64) -> bool {
    let tx = decode_tx(raw).expect("a canonical transaction");
    let key = key(ABANDON).public_key();
    let address = key.address();
    let signer = Signer { address: &address, info: &tx.auth_info.signer_infos[0], key: &key };
    SignDoc { tx: &tx, chain_id, account_number, sequence }.verify(&signer, &tx.signatures[0]).is_ok()
}

#[test]
fn amino_json_is_what_a_ledger_shows_and_its_signature_binds_every_part() {
    let unsigned = raw(body(), auth_info(SignMode::LegacyAminoJson), vec![0; 64]);
    let tx = decode_tx(&unsigned).expect("a canonical transaction");
    let doc = SignDoc { tx: &tx, chain_id: "ve-local-1", account_number: 1, sequence: 0 };
    let text = String::from_utf8(doc.amino_bytes().expect("amino names are known")).expect("UTF-8");
    assert_eq!(
        text,
        format!(
            r#"{{"account_number":"1","chain_id":"ve-local-1","fee":{{"amount":[{{"amount":"2000","denom":"uve"}}],"gas":"200000"}},"memo":"","msgs":[{{"type":"cosmos-sdk/MsgSend","value":{{"amount":[{{"amount":"1000000","denom":"uve"}}],"from_address":"{A}","to_address":"{B}"}}}}],"sequence":"0"}}"#
        )
    );
    let signature = key(ABANDON).sign(text.as_bytes());
    let signed = raw(body(), auth_info(SignMode::LegacyAminoJson), signature.to_vec());
    assert!(verifies(&signed, "ve-local-1", 1, 0));
    assert!(!verifies(&signed, "ve-local-2", 1, 0), "another chain");
    assert!(!verifies(&signed, "ve-local-1", 2, 0), "another account number");
    assert!(!verifies(&signed, "ve-local-1", 1, 1), "another sequence");
}

#[test]
fn a_high_s_signature_is_refused_because_it_would_give_the_transaction_a_second_hash() {
    let document = direct_bytes(&body(), &auth_info(SignMode::Direct), "ve-local-1", 1);
    let low = key(ABANDON).sign(&document);
    let order =
        ruint::aliases::U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
            .expect("the order of secp256k1");
    let s = ruint::aliases::U256::try_from_be_slice(&low[32..]).expect("32 bytes");
    let mut high = low;
    high[32..].copy_from_slice(&(order - s).to_be_bytes::<32>());
    let key = key(ABANDON).public_key();
    assert!(key.verify(&document, &low).is_ok());
    assert!(key.verify(&document, &high).is_err());
}

#[test]
fn unknown_critical_fields_are_refused_and_non_critical_ones_tolerated_in_the_body_only() {
    let with = |bytes: Vec<u8>, field: u32| {
        let mut bytes = bytes;
        prost::encoding::encode_varint(u64::from(field << 3), &mut bytes);
        bytes.push(1);
        bytes
    };
    let auth = || auth_info(SignMode::Direct);
    assert!(decode_tx(&raw(with(body(), 1025), auth(), vec![])).is_ok());
    for (body, auth) in [(with(body(), 100), auth()), (body(), with(auth(), 100)), (body(), with(auth(), 1025))] {
        let error = decode_tx(&raw(body, auth, vec![])).expect_err("an unknown field");
        assert!(error.to_string().contains("unknown field"), "{error}");
    }
}

#[test]
fn only_one_encoding_of_the_outer_transaction_is_accepted() {
    let good = raw(body(), auth_info(SignMode::Direct), vec![1; 64]);
    assert!(decode_tx(&good).is_ok());
    let mut trailing = good.clone();
    trailing.extend([0x20, 0x01]);
    assert!(decode_tx(&trailing).is_err(), "an unknown field at the end");
    let mut long_varint = vec![good[0], good[1] | 0x80, good[2] | 0x80, 0x00];
    long_varint.extend(&good[3..]);
    assert!(decode_tx(&long_varint).is_err(), "a varint longer than needed");
    assert!(decode_tx(&[]).expect_err("empty").to_string().contains("invalid empty tx"));
}
