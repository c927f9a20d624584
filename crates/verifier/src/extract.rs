//! The one interface of all extractors.

use std::collections::BTreeMap;

use crate::{Date, aamva, attestation, device, mrz};

#[cfg(test)]
#[path = "extract_tests.rs"]
mod tests;

/// Reads one kind of evidence.
pub trait Extract {
    /// Longest input in bytes.
    fn limit(&self) -> usize;

    /// Reads input that is within the limit. Evidence that is readable but bad gives low features; what cannot be read
    /// at all is an error.
    fn read(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, ExtractError>;

    /// Reads input of any length.
    fn extract(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, ExtractError> {
        if input.len() > self.limit() {
            return Err(ExtractError::TooLong { limit: self.limit() });
        }
        self.read(input, at)
    }
}

/// What extraction depends on besides the evidence. The time is the block's, so that all members of a committee agree.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// Seconds since 1970.
    pub now: u64,
    /// Chain that attestations are for.
    pub chain_id: String,
    /// Account that the evidence is of.
    pub subject: String,
    /// Ed25519 keys of attesters by their address and key id.
    pub issuer_keys: BTreeMap<(String, String), [u8; 32]>,
}

impl Circumstances {
    /// The day in UTC.
    pub fn today(&self) -> Date {
        Date::of_seconds(self.now)
    }
}

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Machine-readable zone of a travel document, as text.
    Mrz,
    /// Text of the barcode of an American or Canadian driving licence or identity card.
    Aamva,
    /// What the gateway measured of device and network.
    Device,
    /// Statement of an attester about the account.
    Attestation,
}

impl Evidence {
    /// Every kind with its name.
    pub const ALL: &[(&str, Self)] =
        &[("aamva", Self::Aamva), ("attestation", Self::Attestation), ("device", Self::Device), ("mrz", Self::Mrz)];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// What reads it.
    pub fn extractor(self) -> &'static dyn Extract {
        match self {
            Self::Mrz => &mrz::Mrz,
            Self::Aamva => &aamva::Aamva,
            Self::Device => &device::Device,
            Self::Attestation => &attestation::Attestations,
        }
    }
}

/// A field of a person's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `TD1`, `TD2`, `TD3` or the version of a barcode.
    Format,
    /// State or authority.
    Issuer,
    /// Number of the document.
    Number,
    /// Family names.
    Family,
    /// Given names.
    Given,
    /// `YYYY-MM-DD`.
    Birth,
    /// `YYYY-MM-DD`.
    Expiry,
    /// `F`, `M` or `X`.
    Sex,
    /// Three letters.
    Nationality,
    /// What an attester vouched for.
    Kind,
}

impl Field {
    /// Name in lower case.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// A value of a person: it is shown only where that is asked for by [`Value::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "[{} characters]", self.0.chars().count())
    }
}

/// What a piece of evidence says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Features of `ve_inference::features` with their basis points.
    pub features: BTreeMap<usize, u16>,
    /// What was read.
    pub fields: BTreeMap<Field, Value>,
    /// What is wrong with it, in words.
    pub problems: Vec<String>,
}

impl Extraction {
    pub(crate) fn field(&mut self, field: Field, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.fields.insert(field, Value(text));
        }
    }

    pub(crate) fn flag(&mut self, feature: usize, holds: bool) {
        self.features.insert(feature, if holds { 10_000 } else { 0 });
    }
}

/// Why evidence cannot be read. No text in it comes from the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Longer than the extractor reads.
    #[error("the evidence is longer than {limit} bytes")]
    TooLong {
        /// Longest input in bytes.
        limit: usize,
    },
    /// Not of the form that the kind has.
    #[error("this is no evidence of that kind: {0}")]
    Form(&'static str),
    /// Signed by nobody who may, or for somebody else.
    #[error("the attestation does not count: {0}")]
    Untrusted(&'static str),
}
