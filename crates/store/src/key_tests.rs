use proptest::prelude::*;

use super::*;
use crate::typed::{Map, Space};

fn round_trips<K: Key + PartialEq + std::fmt::Debug>(key: &K) {
    assert_eq!(K::from_key(&key.to_key()).as_ref(), Ok(key));
}

type Sample = (String, Vec<u8>, i64, (u8, [u8; 3]));

fn sample() -> impl Strategy<Value = Sample> {
    // Few distinct bytes, with the escape's own among them, so that collisions would be likely.
    let byte = prop_oneof![Just(0u8), Just(1), Just(0xFF), Just(b'a')];
    (
        "[\u{0}\u{1}ab]{0,4}",
        prop::collection::vec(byte.clone(), 0..4),
        any::<i64>(),
        (byte.clone(), [byte.clone(), byte.clone(), byte]),
    )
}

proptest! {
    #[test]
    fn keys_round_trip(key in sample()) {
        round_trips(&key);
    }

    #[test]
    fn no_key_is_a_prefix_of_another(left in sample(), right in sample()) {
        let (left_bytes, right_bytes) = (left.to_key(), right.to_key());
        prop_assert_eq!(left == right, left_bytes == right_bytes);
        prop_assert!(left == right || !right_bytes.starts_with(&left_bytes));
    }

    #[test]
    fn byte_order_is_value_order(left in sample(), right in sample()) {
        prop_assert_eq!(left.cmp(&right), left.to_key().cmp(&right.to_key()));
    }

    #[test]
    fn keys_of_different_spaces_neither_meet_nor_nest(
        left in (("[a-c]{1,3}", any::<u8>()), sample()),
        right in (("[a-c]{1,3}", any::<u8>()), sample()),
    ) {
        prop_assume!(left.0 != right.0);
        let bytes = |((module, tag), key): &((String, u8), Sample)| {
            let module: &'static str = Box::leak(module.clone().into_boxed_str());
            let mut bytes = Space { module, tag: *tag }.prefix();
            key.write(&mut bytes);
            bytes
        };
        prop_assert!(!bytes(&right).starts_with(&bytes(&left)));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_have_one_reading(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(key) = Sample::from_key(&bytes) {
            prop_assert_eq!(key.to_key(), bytes);
        }
    }
}

#[test]
fn numbers_and_booleans_keep_their_order() {
    assert!((-1i64).to_key() < 0i64.to_key());
    assert!(i64::MIN.to_key() < i64::MAX.to_key());
    assert!(255u64.to_key() < 256u64.to_key());
    assert!(false.to_key() < true.to_key());
    round_trips(&(u128::MAX, u32::MAX, u16::MAX, 7u8));
    round_trips(&BlockTime { seconds: -5, nanos: 999_999_999 });
}

#[test]
fn malformed_keys_are_refused() {
    assert!(bool::from_key(&[2]).is_err());
    assert!(u64::from_key(&[0; 7]).is_err());
    assert!(u64::from_key(&[0; 9]).is_err());
    assert!(String::from_key(b"abc").is_err());
    assert!(String::from_key(&[0, 2]).is_err());
    assert!(String::from_key(&[0xC3, 0, 1]).is_err());
}

#[test]
fn borrowed_tuples_make_the_key_of_the_owned_tuple() {
    const PAIRS: Map<(String, u64), u64> = Map::new("test", 1);
    let (owner, id) = ("alice".to_owned(), 7u64);
    assert_eq!(PAIRS.raw_key((&owner, &id)), PAIRS.raw_key(&(owner.clone(), id)));
    assert_eq!(PAIRS.raw_key((&owner, &id)), b"\x04test\x01alice\x00\x01\0\0\0\0\0\0\0\x07");
}

#[test]
fn addresses_of_any_length_and_denominations_are_components() {
    for length in [1, 20, 32, 255] {
        let address = Address::try_from(vec![0xFF; length].as_slice()).expect("valid length");
        round_trips(&(address, Denom::native()));
    }
    assert!(Address::from_key(&[0]).is_err());
    assert!(Address::from_key(&[3, 1, 2]).is_err());
    assert!(Denom::from_key(&"no denom".to_owned().to_key()).is_err());
}

#[test]
fn text_may_be_borrowed_wherever_a_string_is_the_component() {
    const BALANCES: Map<(Address, String), u64> = Map::new("test", 1);
    const OWNERS: Map<(String, Address), ()> = Map::new("test", 2);
    let address = Address::from([7; 20]);
    let owned = (address.clone(), "uve".to_owned());
    assert_eq!(BALANCES.raw_key((&address, "uve")), BALANCES.raw_key(&owned));
    assert_eq!(OWNERS.raw_key(("uve", &address)), OWNERS.raw_key(&(owned.1, owned.0)));
    assert_eq!(OWNERS.prefix(&crate::MemoryState::new(), "uve").count(), 0);
}
