//! What a chain starts from: the `app_state` object of its genesis file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// Parts by module. From a file they stay text until they are asked for: parsed at once, a genesis with a million
/// accounts would take gigabytes.
#[derive(Clone, Debug)]
pub enum AppState {
    Parsed(Value),
    Texts(BTreeMap<String, Arc<str>>),
}

impl From<Value> for AppState {
    fn from(value: Value) -> Self {
        Self::Parsed(value)
    }
}

impl AppState {
    /// Names of the modules that have a part; `None` when this is no object.
    pub fn modules(&self) -> Option<Vec<String>> {
        match self {
            Self::Parsed(value) => value.as_object().map(|object| object.keys().cloned().collect()),
            Self::Texts(texts) => Some(texts.keys().cloned().collect()),
        }
    }

    /// Removes and returns the part of a module; `None` when it has none.
    pub fn take(&mut self, module: &str) -> Result<Option<Value>, serde_json::Error> {
        match self {
            Self::Parsed(value) => Ok(value.as_object_mut().and_then(|object| object.remove(module))),
            Self::Texts(texts) => texts.remove(module).map(|text| serde_json::from_str(&text)).transpose(),
        }
    }

    /// The whole object, for writing a genesis file.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Parsed(value) => Ok(value.clone()),
            Self::Texts(texts) => {
                let parts = texts.iter().map(|(name, text)| Ok((name.clone(), serde_json::from_str(text)?)));
                parts.collect::<Result<_, _>>().map(Value::Object)
            }
        }
    }
}
