use std::collections::{BTreeMap, BTreeSet};

use ve_base::Address;
use ve_proto::ve::enclave::v1::Tee;
use ve_proto::ve::encryption::v1::{Envelope, EnvelopeRecipient, Suite};

use crate::veid::committee::Member;
use crate::veid::draw::{choose, others, readers};

fn address(number: u8) -> Address {
    Address::try_from([number; 20].as_slice()).expect("20 bytes")
}

fn member(number: u8, group: &str, tee: Tee) -> Member {
    Member {
        operator: address(number),
        key_id: format!("key {number}"),
        suite: Suite::X25519,
        sealing_key: vec![number; 32],
        signing_key: [number; 32],
        simulated: false,
        weight: 10,
        tee,
        operator_group: group.into(),
    }
}

/// Twenty-one members, neighbours by address of one group, in equal parts of three vendors.
fn committee() -> Vec<Member> {
    let tees = [Tee::Sgx, Tee::SevSnp, Tee::Nitro];
    (0..21u8)
        .map(|number| member(number, if number < 7 { "one house" } else { "" }, tees[usize::from(number % 3)]))
        .collect()
}

#[test]
fn neighbours_of_one_house_never_fill_a_run() {
    let members = committee();
    let mut drawn = BTreeSet::new();
    for seed in 0..100u8 {
        let seats = choose(&[seed; 32], &members, 7);
        assert_eq!(seats.len(), 7);
        assert!(seats.iter().filter(|seat| seat.operator_group == "one house").count() <= 2, "a third of seven");
        let mut vendors: BTreeMap<i32, usize> = BTreeMap::new();
        seats.iter().for_each(|seat| *vendors.entry(seat.tee.into()).or_default() += 1);
        assert!(vendors.values().all(|count| *count <= 3), "half of seven");
        assert_eq!(choose(&[seed; 32], &members, 7), seats);
        drawn.extend(seats.into_iter().map(|seat| seat.key_id));
    }
    assert_eq!(drawn.len(), members.len(), "everybody has a turn");
}

#[test]
fn a_member_whom_some_evidence_is_not_sealed_to_gets_no_seat() {
    let sealed = |keys: &[u8]| Envelope {
        recipients: keys
            .iter()
            .map(|key| EnvelopeRecipient { key_id: format!("key {key}"), ..EnvelopeRecipient::default() })
            .collect(),
        ..Envelope::default()
    };
    let evidence = [sealed(&[1, 2, 3, 4, 5]), sealed(&[2, 3, 4, 5, 6])];
    let found: Vec<String> = readers(committee(), &evidence).into_iter().map(|member| member.key_id).collect();
    assert_eq!(found, ["key 2", "key 3", "key 4", "key 5"]);
}

#[test]
fn who_decided_before_is_left_out_while_four_remain() {
    let name = |number: u8| address(number).to_string();
    let members: Vec<Member> = committee().into_iter().take(7).collect();
    let excluded: Vec<String> = (0..3).map(name).collect();
    assert_eq!(others(members.clone(), &excluded).len(), 4);
    let excluded: Vec<String> = (0..4).map(name).collect();
    assert_eq!(others(members, &excluded).len(), 7);
}
