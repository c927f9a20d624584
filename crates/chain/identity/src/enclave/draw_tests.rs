use std::collections::BTreeMap;

use ve_proto::ve::enclave::v1::{CommitteeMember, Tee};

use super::draw;

fn candidates(count: u64, tee: impl Fn(u64) -> Tee, group: impl Fn(u64) -> String) -> Vec<CommitteeMember> {
    let member = |number| CommitteeMember {
        validator: format!("ve1{number:03}"),
        enclave_id: number,
        weight: 10,
        tee: tee(number).into(),
        operator_group: group(number),
    };
    (0..count).map(member).collect()
}

fn vendor(number: u64) -> Tee {
    [Tee::Sgx, Tee::SevSnp, Tee::Nitro][usize::try_from(number % 3).expect("small")]
}

#[test]
fn a_draw_is_the_same_for_everybody_and_another_for_another_seed() {
    let all = candidates(60, vendor, |_| String::new());
    let drawn = draw(b"seed", &all, 21);
    assert_eq!(drawn.len(), 21);
    assert_eq!(draw(b"seed", &all, 21), drawn);
    assert_ne!(draw(b"other", &all, 21), drawn);
    assert!(drawn.is_sorted_by_key(|member| member.validator.clone()));
}

#[test]
fn all_are_members_where_few_simulated_enclaves_are() {
    let all = candidates(4, |_| Tee::Simulated, |_| String::new());
    assert_eq!(draw(b"seed", &all, 21), all);
    assert_eq!(draw(b"seed", &[], 21), []);
}

#[test]
fn no_vendor_has_more_than_half_and_no_group_more_than_a_third_of_what_was_drawn() {
    let mostly_one = |number| if number < 5 { Tee::Nitro } else { Tee::Sgx };
    let few_groups = |number| format!("group {}", number % 4);
    for seed in 0u64..50 {
        let drawn = draw(&seed.to_be_bytes(), &candidates(40, mostly_one, few_groups), 21);
        assert!(drawn.len() >= 4, "seed {seed}");
        let (mut vendors, mut groups) = (BTreeMap::new(), BTreeMap::new());
        for member in &drawn {
            *vendors.entry(member.tee).or_insert(0) += 1;
            *groups.entry(member.operator_group.clone()).or_insert(0) += 1;
        }
        assert!(vendors.values().all(|count| count * 2 <= drawn.len()), "seed {seed}: {vendors:?}");
        assert!(groups.values().all(|count| count * 3 <= drawn.len()), "seed {seed}: {groups:?}");
    }
}

#[test]
fn hardware_of_one_vendor_alone_makes_no_committee() {
    let drawn = draw(b"seed", &candidates(30, |_| Tee::Sgx, |_| String::new()), 21);
    assert!(drawn.len() <= 1, "{drawn:?}");
}

#[test]
fn places_follow_stake() {
    let mut all = candidates(20, vendor, |_| String::new());
    all[0].weight = 60;
    all[1].weight = 0;
    let drawn = |at: usize| (0u64..300).filter(|seed| draw(&seed.to_be_bytes(), &all, 4).contains(&all[at])).count();
    let (heavy, none, usual) = (drawn(0), drawn(1), drawn(2));
    assert!(heavy > 2 * usual, "{heavy} to {usual}");
    assert_eq!(none, 0);
}
