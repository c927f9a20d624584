//! Vectors for tests.

use proptest::prelude::*;

use crate::{
    Features, Findings,
    features::{COUNT, id},
};

/// Features that are 0 or one whole.
pub const FLAGS: &[usize] = &[0, 1, 21, 22, 23, 24, 25, 26, 28, 33, 40, 45];

/// A bundle whose components are those of identity-ml.md's worked example: doc 9200, face 8800, live 9000, cons 9500,
/// hist 5000, risk 8000, with everything else good.
pub fn worked() -> Vec<(usize, u16)> {
    let mut pairs = vec![(id::DOC_PRESENT, 10_000), (id::DOC_TEMPLATE_MATCH, 9200), (id::SECURITY_FEATURES, 8000)];
    // (35*9200 + 25*9920 + 25*9200 + 15*8000)/100 = 9200; the mean of 10000, 9760 and 10000 is 9920.
    pairs.extend((id::TAMPER_ELA_INV..=id::ANOMALY_INV).map(|index| (index, 9200)));
    pairs.extend([(id::MRZ_PRESENT, 10_000), (id::MRZ_CHECK_DIGITS, 10_000)]);
    pairs.extend([(id::BARCODE_PRESENT, 10_000), (id::BARCODE_VALID, 9760)]);
    pairs.extend((id::FIELD_VALID_ID..=id::FIELD_VALID_BIRTH).map(|index| (index, 10_000)));
    pairs.extend((id::OCR_CONF_ID..=id::OCR_CONF_EXPIRY).map(|index| (index, 9000)));
    pairs.extend((id::XCHECK_ID..=id::XCHECK_DATES).map(|index| (index, 9500)));
    pairs.push((id::NOT_EXPIRED, 10_000));
    pairs.extend((id::FACE_DOC_CONF..=id::FACE_SELFIE_QUALITY).map(|index| (index, 9000)));
    pairs.extend([(id::FACE_SIMILARITY, 8800), (id::FACE_VIDEO_CONSISTENCY, 9000)]);
    pairs.extend((id::LIVE_ACTIVE..=id::LIVE_PAD).map(|index| (index, 9000)));
    pairs.extend([(id::LIVE_CHALLENGE_BOUND, 10_000), (id::GAN_REAL, 9500)]);
    pairs.push((id::CAPTURE_BINDING, 10_000));
    pairs.extend((id::DEVICE_INTEGRITY..=id::DOMAIN_PROOF).map(|index| (index, 8000)));
    pairs
}

/// The worked bundle with other values for some features.
pub fn worked_but(changes: &[(usize, u16)]) -> Features {
    let pairs = [worked(), changes.to_vec()].concat();
    Features::from_pairs(&pairs).expect("the bundle is within the schema")
}

/// The worked bundle without some features.
pub fn worked_without(absent: &[usize]) -> Features {
    let pairs: Vec<(usize, u16)> = worked().into_iter().filter(|(index, _)| !absent.contains(index)).collect();
    Features::from_pairs(&pairs).expect("the bundle is within the schema")
}

/// Makes any mask and values a valid vector.
pub fn repaired(mut presence: u64, mut values: [u16; COUNT]) -> Features {
    for index in FLAGS {
        values[*index] = if values[*index] < 5000 { 0 } else { 10_000 };
    }
    for (flag, told) in [(id::MRZ_PRESENT, id::MRZ_CHECK_DIGITS), (id::BARCODE_PRESENT, id::BARCODE_VALID)] {
        if presence >> told & 1 == 1 {
            (presence, values[flag]) = (presence | 1 << flag, 10_000);
        } else {
            values[flag] = 0;
        }
    }
    for (index, value) in values.iter_mut().enumerate() {
        *value = if presence >> index & 1 == 1 { (*value).min(10_000) } else { 0 };
    }
    Features::new(presence, values).expect("repaired vectors are valid")
}

/// Any valid vector; half of them with most features present.
pub fn features() -> impl Strategy<Value = Features> {
    let mask =
        prop_oneof![any::<u64>(), any::<u64>().prop_map(|mask| mask | mask.rotate_left(17) | 0x0002_0008_0000_0001)];
    (mask, proptest::collection::vec(0u16..=10_000, COUNT))
        .prop_map(|(presence, values)| repaired(presence, values.try_into().expect("as many values as features")))
}

/// Any findings.
pub fn findings() -> impl Strategy<Value = Findings> {
    (0u8..32).prop_map(|bits| Findings::from_bits(bits).expect("five bits are five findings"))
}
