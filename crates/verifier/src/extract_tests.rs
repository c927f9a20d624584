use super::*;

#[test]
fn every_kind_has_a_name_and_refuses_what_is_too_long() {
    for (name, kind) in Evidence::ALL {
        assert_eq!(Evidence::from_name(name), Some(*kind));
        let extractor = kind.extractor();
        let long = vec![b'<'; extractor.limit() + 1];
        let refused = extractor.extract(&long, &Circumstances::default());
        assert_eq!(refused, Err(ExtractError::TooLong { limit: extractor.limit() }), "{name}");
        assert!(extractor.extract(b"", &Circumstances::default()).is_err(), "{name}");
    }
    assert_eq!(Evidence::from_name("oracle"), None);
}
