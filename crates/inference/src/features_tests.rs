use proptest::prelude::*;

use super::*;
use crate::testing;

fn bytes(pairs: &[(usize, u16)]) -> [u8; LEN] {
    Features::from_pairs(pairs).expect("valid pairs").encode()
}

#[test]
fn canonical_bytes_are_magic_minor_presence_and_values_big_endian() {
    let encoded = bytes(&[(id::DOC_PRESENT, 10_000), (id::BEHAVIOUR_CLUSTER, 258)]);
    assert_eq!(&encoded[..4], b"VF2\0");
    assert_eq!(encoded[4..12], [0x80, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(encoded[12..14], [0x27, 0x10]);
    assert_eq!(encoded[138..], [1, 2]);
}

#[test]
fn the_schema_names_each_feature_once_and_has_the_classes_of_the_specification() {
    let of = |wanted| (0..COUNT).filter(|index| class(*index) == Some(wanted)).collect::<Vec<_>>();
    assert_eq!(of(Class::Tolerant), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31, 32, 33]);
    assert_eq!(of(Class::Attested), [50, 52, 53, 55, 56, 57, 58, 59, 62]);
    assert_eq!(of(Class::Chain), [49, 51, 54, 60, 61]);
    assert_eq!((name(38).as_str(), name(64).as_str(), class(64)), ("face_similarity", "", None));
    let names: std::collections::BTreeSet<String> = (0..COUNT).map(name).collect();
    assert_eq!(names.len(), COUNT);
}

#[test]
fn what_is_not_exactly_one_vector_is_refused() {
    let good = bytes(&testing::worked());
    assert_eq!(Features::decode(&good[..139]), Err(SchemaError::Length(139)));
    assert_eq!(Features::decode(&[good.as_slice(), &[0]].concat()), Err(SchemaError::Length(141)));
    let with = |at: usize, byte: u8| {
        let mut bytes = good;
        bytes[at] = byte;
        Features::decode(&bytes)
    };
    assert_eq!(with(2, b'1'), Err(SchemaError::Version));
    assert_eq!(with(3, 1), Err(SchemaError::Version));
    // Feature 9 becomes 0x33f0, feature 0 only almost a whole.
    assert_eq!(with(12 + 18, 0x33), Err(SchemaError::Range(9)));
    assert_eq!(with(13, 0x0f), Err(SchemaError::Range(0)));
    // Presence of feature 8 to 15 goes.
    assert_eq!(with(10, 0), Err(SchemaError::Presence(9)));
    assert_eq!(Features::from_pairs(&[(64, 1)]), Err(SchemaError::Index(64)));
}

#[test]
fn a_flag_that_announces_a_value_agrees_with_its_presence() {
    let of = Features::from_pairs;
    assert_eq!(of(&[(id::MRZ_PRESENT, 10_000)]), Err(SchemaError::Presence(id::MRZ_PRESENT)));
    assert_eq!(of(&[(id::MRZ_PRESENT, 0), (id::MRZ_CHECK_DIGITS, 0)]), Err(SchemaError::Presence(id::MRZ_PRESENT)));
    assert_eq!(of(&[(id::BARCODE_VALID, 7)]), Err(SchemaError::Presence(id::BARCODE_PRESENT)));
    assert!(of(&[(id::MRZ_PRESENT, 10_000), (id::MRZ_CHECK_DIGITS, 0)]).is_ok());
    assert!(of(&[(id::MRZ_PRESENT, 0)]).is_ok());
}

#[test]
fn what_is_printed_tells_no_values() {
    let shown = format!("{:?}", testing::worked_but(&[(id::FACE_SIMILARITY, 4321)]));
    assert!(shown.contains("presence") && !shown.contains("4321"), "{shown}");
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded_and_any_changed_bit_changes_the_digest(
        features in testing::features(), bit in 0usize..LEN * 8,
    ) {
        let encoded = features.encode();
        prop_assert_eq!(Features::decode(&encoded), Ok(features));
        let mut changed = encoded;
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Features::decode(&changed) {
            prop_assert_eq!(other.encode(), changed);
            prop_assert_ne!(other.salted_digest(&[7; 32]), features.salted_digest(&[7; 32]));
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_and_what_is_decoded_is_canonical(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>(),
    ) {
        if headed {
            bytes.resize(LEN, 0);
            bytes[..4].copy_from_slice(b"VF2\0");
        }
        if let Ok(features) = Features::decode(&bytes) {
            prop_assert_eq!(features.encode().to_vec(), bytes);
        }
    }
}
