//! Transactions that are signed away from the node, by one key and by the members of a multisig.

use ve_base::keys::{Multisig, PublicKey, SecretKey, hd};
use ve_base::tx::{SignDoc, Signer, decode_tx};
use ve_client::tx::any;
use ve_client::tx::file::{MemberSignature, SignerData, TxFile, TxFileError};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::tx::v1beta1::Fee;

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn key(index: u32) -> SecretKey {
    hd::derive(WORDS, 0, index).unwrap()
}

fn data() -> SignerData {
    SignerData { chain_id: "ve-local-1".into(), account_number: 1, sequence: 0 }
}

fn transfer(from: &PublicKey) -> TxFile {
    let coin = |amount: &str| vec![Coin { denom: "uve".into(), amount: amount.into() }];
    let message = MsgSend {
        from_address: from.address().to_string(),
        to_address: "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg".into(),
        amount: coin("1000000"),
    };
    let fee = Fee { amount: coin("2000"), gas_limit: 200_000, ..Fee::default() };
    TxFile::new(vec![any(&message)], String::new(), fee)
}

fn verify(file: &TxFile, key: &PublicKey, data: &SignerData) -> Result<(), String> {
    let tx = decode_tx(&file.raw()).unwrap();
    let doc =
        SignDoc { tx: &tx, chain_id: &data.chain_id, account_number: data.account_number, sequence: data.sequence };
    let signer = Signer { address: &key.address(), info: &tx.auth_info.signer_infos[0], key };
    doc.verify(&signer, &tx.signatures[0]).map_err(|cause| cause.to_string())
}

#[test]
fn a_file_signed_offline_is_the_vector_of_the_specification() {
    let unsigned = transfer(&key(0).public_key());
    let again = TxFile::from_json(&unsigned.to_json().to_string()).unwrap();
    assert_eq!(again, unsigned);
    let signed = again.sign(&key(0), &data(), false).unwrap();
    let hash = decode_tx(&signed.raw()).unwrap().hash;
    assert_eq!(hex::encode_upper(hash), "12728C042F3C3C238DA528B1B09376B59B8C579BB71D3D92E5620B4C7E34E542");
    assert_eq!(TxFile::from_json(&signed.to_json().to_string()).unwrap().raw(), signed.raw());
    let amino = signed.sign(&key(0), &data(), true).unwrap();
    verify(&amino, &key(0).public_key(), &data()).unwrap();
    assert!(verify(&amino, &key(0).public_key(), &SignerData { sequence: 1, ..data() }).is_err());
}

#[test]
fn files_are_written_as_cosmos_tools_write_them() {
    let json = transfer(&key(0).public_key()).to_json();
    assert_eq!(json["body"]["messages"][0]["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(json["auth_info"]["fee"]["gas_limit"], "200000");
    assert_eq!(json["signatures"], serde_json::json!([]));
}

#[test]
fn two_of_three_members_sign_and_one_cannot() {
    let members: Vec<PublicKey> = (0..3).map(|index| key(index).public_key()).collect();
    let multisig = Multisig::new(2, members).unwrap();
    let account = PublicKey::Multisig(multisig.clone());
    let file = transfer(&account);
    let part = |index| file.sign_as_member(&key(index), &data()).unwrap();
    for pair in [[0, 1], [2, 0], [1, 2]] {
        let parts: Vec<_> = pair.into_iter().map(part).collect();
        let signed = file.multisign(&multisig, &parts, &data()).unwrap();
        verify(&signed, &account, &data()).unwrap();
    }
    let all: Vec<_> = (0..3).map(part).collect();
    let signed = file.multisign(&multisig, &all, &data()).unwrap();
    verify(&signed, &account, &data()).unwrap();
    let alone = file.multisign(&multisig, &[part(1), part(1)], &data());
    assert!(matches!(alone, Err(TxFileError::TooFew { got: 1, needed: 2 })));
}

#[test]
fn a_strangers_signature_and_one_for_something_else_are_refused() {
    let multisig = Multisig::new(2, vec![key(0).public_key(), key(1).public_key()]).unwrap();
    let file = transfer(&PublicKey::Multisig(multisig.clone()));
    let part = |index: u32, data: &SignerData| file.sign_as_member(&key(index), data).unwrap();
    let own = part(0, &data());
    let refused = |other: MemberSignature| file.multisign(&multisig, &[own.clone(), other], &data()).unwrap_err();
    assert!(matches!(refused(part(7, &data())), TxFileError::Stranger(_)));
    for other in [
        SignerData { chain_id: "ve-1".into(), ..data() },
        SignerData { account_number: 2, ..data() },
        SignerData { sequence: 1, ..data() },
    ] {
        assert!(matches!(refused(part(1, &other)), TxFileError::Mismatch(_)), "{other:?}");
    }
}

#[test]
fn members_signatures_travel_as_files() {
    let file = transfer(&key(0).public_key());
    let part = file.sign_as_member(&key(0), &data()).unwrap();
    assert_eq!(MemberSignature::from_json(&part.to_json().to_string()).unwrap(), [part]);
    for wrong in ["", "{}", r#"{"signatures":[{}]}"#, r#"{"signatures":[],"more":1}"#] {
        assert!(matches!(MemberSignature::from_json(wrong), Err(TxFileError::Signature(_))), "{wrong}");
    }
}

#[test]
fn what_is_no_transaction_is_refused_with_a_reason() {
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"body":{"messages":[]}}"#,
        r#"{"body":{"messages":[{"@type":"/no.such.Message"}]}}"#,
        r#"{"body":{"messages":[{"@type":"/cosmos.bank.v1beta1.MsgSend","unknown":1}]}}"#,
    ] {
        assert!(matches!(TxFile::from_json(wrong), Err(TxFileError::Transaction(_))), "{wrong}");
    }
}
