//! Attributes and the requirements that they satisfy, pure.

use ve_proto::ve::provider::v1::Attribute;

use super::error::Error;
use crate::text::{is_attribute_key, shown};

pub const MAX_ATTRIBUTES: usize = 128;
pub const MAX_VALUE: usize = 256;

/// Sorted by key, each key once, within the limits.
pub fn normalize(attributes: &[Attribute]) -> Result<Vec<Attribute>, Error> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Error::Attributes(format!("{} attributes; at most {MAX_ATTRIBUTES}", attributes.len())));
    }
    let mut sorted = attributes.to_vec();
    sorted.sort_by(|left, right| left.key.cmp(&right.key));
    for attribute in &sorted {
        if !is_attribute_key(&attribute.key) || attribute.value.len() > MAX_VALUE {
            return Err(Error::Attributes(format!(
                "{:?} is not a valid key or its value is too long",
                shown(&attribute.key)
            )));
        }
    }
    if !sorted.is_sorted_by(|left, right| left.key < right.key) {
        return Err(Error::Attributes("a key is given twice".into()));
    }
    Ok(sorted)
}

/// Whether `key` is what a requirement asks for; `pattern` may end in `*`.
fn key_matches(pattern: &str, key: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == key, |start| key.starts_with(start))
}

/// The first requirement that no attribute meets. Values match exactly.
pub fn missing<'a>(required: &'a [Attribute], offered: &[Attribute]) -> Option<&'a Attribute> {
    required
        .iter()
        .find(|wanted| !offered.iter().any(|has| key_matches(&wanted.key, &has.key) && wanted.value == has.value))
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;
