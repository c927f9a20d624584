use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use ve_proto::cosmos::slashing::v1beta1 as slashing;
use ve_proto::cosmos::staking::v1beta1 as staking;
use ve_proto::cosmos::tx::v1beta1::{Tx, TxBody};
use ve_proto::{Any, descriptors};

use super::mantissa;
use crate::rpc::rest::{decode, encode::Encoder};

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// Written as an answer and read as a request.
fn round_trip<M: Message + Name>(message: &M) -> Vec<u8> {
    let desc = descriptors().get_message_by_name(&M::full_name()).expect("declared");
    let shown = DynamicMessage::decode(desc.clone(), message.encode_to_vec().as_slice()).expect("its own bytes");
    let json = Encoder::new(descriptors()).message(&shown).to_string();
    decode::body(desc, json.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {json}")).encode_to_vec()
}

#[test]
fn a_transaction_that_is_shown_and_sent_back_has_the_same_bytes() {
    let digits = |text: &str| text.to_owned();
    let edit = staking::MsgEditValidator {
        description: Some(staking::Description { moniker: "m".into(), ..staking::Description::default() }),
        validator_address: "vevaloper1".into(),
        commission_rate: digits("60000000000000000"),
        min_self_delegation: digits("2000000000"),
    };
    let params = slashing::MsgUpdateParams {
        authority: "ve1".into(),
        params: Some(slashing::Params {
            signed_blocks_window: 100,
            min_signed_per_window: b"500000000000000000".to_vec(),
            slash_fraction_downtime: b"0".to_vec(),
            ..slashing::Params::default()
        }),
    };
    let body = TxBody { messages: vec![any(&edit), any(&params)], ..TxBody::default() };
    let tx = Tx { body: Some(body), auth_info: None, signatures: vec![vec![1, 2]] };
    assert_eq!(round_trip(&tx), tx.encode_to_vec());
}

#[test]
fn only_texts_with_a_point_are_decimals_that_need_turning() {
    for (text, expected) in [
        ("0.05", Some("50000000000000000")),
        ("-1.5", Some("-1500000000000000000")),
        ("0.000000000000000000", Some("0")),
        ("12.", Some("12000000000000000000")),
        ("50000000000000000", None),
        (".5", None),
        ("1.0000000000000000001", None),
        ("1.2.3", None),
        ("1.x", None),
        ("", None),
    ] {
        assert_eq!(mantissa(text).as_deref(), expected, "{text:?}");
    }
}
