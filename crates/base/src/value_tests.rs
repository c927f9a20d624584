use super::Value;

#[test]
fn scalars_and_messages_round_trip_and_are_never_empty() {
    fn check<V: Value + PartialEq + std::fmt::Debug>(value: V) {
        let bytes = value.to_state();
        assert!(!bytes.is_empty());
        assert_eq!(V::from_state(&bytes), Ok(value));
    }
    check(0u64);
    check(u64::MAX);
    check(());
    check(false);
    check(true);
    check(String::new());
    check("text".to_owned());
    check(Vec::<u8>::new());
    check(vec![0u8]);
}

#[test]
fn unknown_fields_trailing_bytes_and_long_varints_are_refused() {
    let mut unknown = 5u64.to_state();
    unknown.extend([0x10, 0x01]);
    assert!(u64::from_state(&unknown).is_err());
    let mut trailing = 5u64.to_state();
    trailing.push(0);
    assert!(u64::from_state(&trailing).is_err());
    assert!(u64::from_state(&[0x08, 0x85, 0x00]).is_err());
    assert!(u64::from_state(&[0x08, 0x00]).is_err());
    assert!(u64::from_state(&[]).is_err());
    assert!(<()>::from_state(&[0, 0]).is_err());
}
