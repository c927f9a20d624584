//! Feature schema v2: 64 values of basis points and which of them are present, in 140 canonical bytes.

use sha2::{Digest, Sha256};

use crate::BP;

#[cfg(test)]
#[path = "features_tests.rs"]
mod tests;

/// Number of features.
pub const COUNT: usize = 64;
/// Length of the canonical bytes: magic 3, minor 1, presence 8, values 128.
pub const LEN: usize = 140;
/// First bytes of every vector.
pub const MAGIC: &[u8; 3] = b"VF2";
/// The only minor version of the schema.
pub const MINOR: u8 = 0;

/// Who vouches for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Bit-exact on every processor: members of a committee must agree on it to the bit.
    Exact,
    /// From an engine that is not bit-exact: quantised and agreed on by the lower median.
    Tolerant,
    /// Attested on chain by a verification service.
    Attested,
    /// Computed by the chain from its own state.
    Chain,
}

/// What a feature may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Domain {
    /// 0..=10000.
    Bp,
    /// 0 or 10000.
    Flag,
}

macro_rules! schema {
    ($($index:literal $id:ident $class:ident $domain:ident,)*) => {
        /// Index of each feature in the vector.
        pub mod id {
            $(#[allow(missing_docs)] pub const $id: usize = $index;)*
        }
        const CLASSES: [Class; COUNT] = [$(Class::$class,)*];
        const DOMAINS: [Domain; COUNT] = [$(Domain::$domain,)*];
        const NAMES: [&str; COUNT] = [$(stringify!($id),)*];
    };
}

schema! {
    0 DOC_PRESENT Exact Flag,
    1 DOC_BACK_PRESENT Exact Flag,
    2 DOC_SHARPNESS Exact Bp,
    3 DOC_EXPOSURE Exact Bp,
    4 DOC_CONTRAST Exact Bp,
    5 DOC_NOISE_INV Exact Bp,
    6 DOC_GLARE_INV Exact Bp,
    7 DOC_RESOLUTION Exact Bp,
    8 DOC_CORNER_CONF Exact Bp,
    9 DOC_TEMPLATE_MATCH Exact Bp,
    10 TAMPER_ELA_INV Exact Bp,
    11 COPYMOVE_INV Exact Bp,
    12 PHOTO_SEAM_INV Exact Bp,
    13 RECAPTURE_INV Exact Bp,
    14 ANOMALY_INV Exact Bp,
    15 SECURITY_FEATURES Exact Bp,
    16 OCR_CONF_ID Tolerant Bp,
    17 OCR_CONF_FIRST Tolerant Bp,
    18 OCR_CONF_LAST Tolerant Bp,
    19 OCR_CONF_BIRTH Tolerant Bp,
    20 OCR_CONF_EXPIRY Tolerant Bp,
    21 FIELD_VALID_ID Tolerant Flag,
    22 FIELD_VALID_FIRST Tolerant Flag,
    23 FIELD_VALID_LAST Tolerant Flag,
    24 FIELD_VALID_BIRTH Tolerant Flag,
    25 FIELD_VALID_EXPIRY Tolerant Flag,
    26 MRZ_PRESENT Exact Flag,
    27 MRZ_CHECK_DIGITS Exact Bp,
    28 BARCODE_PRESENT Exact Flag,
    29 BARCODE_VALID Exact Bp,
    30 XCHECK_ID Tolerant Bp,
    31 XCHECK_NAMES Tolerant Bp,
    32 XCHECK_DATES Tolerant Bp,
    33 NOT_EXPIRED Tolerant Flag,
    34 FACE_DOC_CONF Exact Bp,
    35 FACE_SELFIE_CONF Exact Bp,
    36 FACE_DOC_QUALITY Exact Bp,
    37 FACE_SELFIE_QUALITY Exact Bp,
    38 FACE_SIMILARITY Exact Bp,
    39 FACE_VIDEO_CONSISTENCY Exact Bp,
    40 FACE_SINGLE Exact Flag,
    41 FACE_FRONTAL Exact Bp,
    42 LIVE_ACTIVE Exact Bp,
    43 LIVE_PASSIVE Exact Bp,
    44 LIVE_PAD Exact Bp,
    45 LIVE_CHALLENGE_BOUND Exact Flag,
    46 GAN_REAL Exact Bp,
    47 DEEPFAKE_REAL Exact Bp,
    48 MORPH_REAL Exact Bp,
    49 CAPTURE_BINDING Chain Bp,
    50 DEVICE_INTEGRITY Attested Bp,
    51 DEVICE_REPUTATION Chain Bp,
    52 IP_REPUTATION Attested Bp,
    53 GEO_CONSISTENCY Attested Bp,
    54 VELOCITY Chain Bp,
    55 EMAIL_PROOF Attested Bp,
    56 SMS_PROOF Attested Bp,
    57 SSO_PROOF Attested Bp,
    58 SOCIAL_PROOF Attested Bp,
    59 DOMAIN_PROOF Attested Bp,
    60 ACCOUNT_AGE Chain Bp,
    61 PRIOR_SUCCESS Chain Bp,
    62 GOV_DATA_MATCH Attested Bp,
    63 BEHAVIOUR_CLUSTER Exact Bp,
}

/// A feature whose value says whether another one is measured at all: 10000 exactly if the other is present. So no
/// value can rise without the thing that it speaks of, and scores stay monotone for a given presence.
const ANNOUNCES: [(usize, usize); 2] =
    [(id::MRZ_PRESENT, id::MRZ_CHECK_DIGITS), (id::BARCODE_PRESENT, id::BARCODE_VALID)];

/// Name of the feature at `index` in lower case, as reports and explanations write it; empty beyond the schema.
pub fn name(index: usize) -> String {
    NAMES.get(index).map(|name| name.to_ascii_lowercase()).unwrap_or_default()
}

/// Class of the feature at `index`; `None` beyond the schema.
pub fn class(index: usize) -> Option<Class> {
    CLASSES.get(index).copied()
}

/// Why bytes or values are no feature vector. Source: identity-ml.md sections 4 and 14 (SCHEMA).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not 140 bytes.
    #[error("a feature vector has {LEN} bytes, not {0}")]
    Length(usize),
    /// Another magic or minor version.
    #[error("these bytes are not of feature schema 2.{MINOR}; extract them anew with this release")]
    Version,
    /// There is no such feature.
    #[error("feature {0} is not in the schema")]
    Index(usize),
    /// More than one whole, or between 0 and one whole where only these two are possible.
    #[error("feature {0} has a value out of its range")]
    Range(usize),
    /// An absent feature with a value, or a flag that disagrees with the presence of what it announces.
    #[error("feature {0} disagrees with the presence mask")]
    Presence(usize),
}

/// A valid feature vector: every value in range, absent ones 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Features {
    presence: u64,
    values: [u16; COUNT],
}

impl Features {
    /// Reads canonical bytes; exactly one sequence of bytes stands for each vector.
    pub fn decode(bytes: &[u8]) -> Result<Self, SchemaError> {
        let fixed: &[u8; LEN] = bytes.try_into().map_err(|_| SchemaError::Length(bytes.len()))?;
        let (head, values) = fixed.split_at(12);
        let (version, presence) = head.split_at(4);
        if !version.starts_with(MAGIC) || !version.ends_with(&[MINOR]) {
            return Err(SchemaError::Version);
        }
        let presence = presence.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mut read = [0u16; COUNT];
        for (value, pair) in read.iter_mut().zip(values.chunks_exact(2)) {
            *value = pair.iter().fold(0u16, |sum, byte| sum << 8 | u16::from(*byte));
        }
        Self::new(presence, read)
    }

    /// Takes values that are present where `presence` has the bit of their index.
    pub fn new(presence: u64, values: [u16; COUNT]) -> Result<Self, SchemaError> {
        for (index, (value, domain)) in values.iter().zip(DOMAINS).enumerate() {
            let whole = u64::from(*value) == BP;
            if u64::from(*value) > BP || (domain == Domain::Flag && *value != 0 && !whole) {
                return Err(SchemaError::Range(index));
            }
            if *value != 0 && presence >> index & 1 == 0 {
                return Err(SchemaError::Presence(index));
            }
        }
        let features = Self { presence, values };
        match ANNOUNCES.iter().find(|(flag, told)| features.is_set(*flag) != features.get(*told).is_some()) {
            Some((flag, _)) => Err(SchemaError::Presence(*flag)),
            None => Ok(features),
        }
    }

    /// Takes `(index, value)` pairs; what is not named is absent, and the last value for an index counts.
    pub fn from_pairs(pairs: &[(usize, u16)]) -> Result<Self, SchemaError> {
        let (mut presence, mut values) = (0u64, [0u16; COUNT]);
        for (index, value) in pairs {
            *values.get_mut(*index).ok_or(SchemaError::Index(*index))? = *value;
            presence |= 1 << index;
        }
        Self::new(presence, values)
    }

    /// The canonical bytes: `"VF2" || minor || presence u64 BE || 64 x u16 BE`.
    pub fn encode(&self) -> [u8; LEN] {
        let values = self.values.iter().flat_map(|value| value.to_be_bytes());
        let bytes = MAGIC.iter().copied().chain([MINOR]).chain(self.presence.to_be_bytes()).chain(values);
        let mut out = [0; LEN];
        for (slot, byte) in out.iter_mut().zip(bytes) {
            *slot = byte;
        }
        out
    }

    /// Which features are present: bit `i` for feature `i`.
    pub fn presence(&self) -> u64 {
        self.presence
    }

    /// All values, 0 where absent.
    pub fn values(&self) -> &[u16; COUNT] {
        &self.values
    }

    /// Value at `index`, 0 if absent or beyond the schema.
    pub fn value(&self, index: usize) -> u64 {
        self.values.get(index).map_or(0, |value| u64::from(*value))
    }

    /// Value at `index`, `None` if absent.
    pub fn get(&self, index: usize) -> Option<u64> {
        (index < COUNT && self.presence >> index & 1 == 1).then(|| self.value(index))
    }

    /// Whether a flag is raised.
    pub fn is_set(&self, index: usize) -> bool {
        self.value(index) == BP
    }

    /// SHA-256 of the canonical bytes and a salt. The salt keeps people from finding values by trial.
    pub fn salted_digest(&self, salt: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(self.encode()).chain_update(salt).finalize().into()
    }
}

/// Values are somebody's: only which of them are present is written into logs.
impl std::fmt::Debug for Features {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Features(presence {:#018x})", self.presence)
    }
}
