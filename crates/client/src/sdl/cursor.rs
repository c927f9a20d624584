//! Typed access to the tree: every refusal names its place and the field's path.

use std::str::FromStr;

use super::error::{Position, SdlError};
use super::yaml::{Key, Node, Value};

/// A value and the path that leads to it.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    pub node: &'a Node,
    pub path: String,
}

impl<'a> Cursor<'a> {
    pub fn at(&self) -> Position {
        self.node.at
    }

    pub fn fail(&self, cause: impl Into<String>, remedy: &str) -> SdlError {
        SdlError::new(self.node.at, &self.path, cause.into(), remedy)
    }

    fn kind(&self) -> &'static str {
        match self.node.value {
            Value::Null => "nothing",
            Value::Text(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    pub fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    pub fn text(&self) -> Result<&'a str, SdlError> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.fail(format!("{} where text is expected", self.kind()), "write one value here")),
        }
    }

    pub fn boolean(&self) -> Result<bool, SdlError> {
        match self.text()? {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            other => Err(self.fail(format!("`{other}` is not a truth value"), "write true or false")),
        }
    }

    /// A whole number inside a range.
    pub fn number<T: FromStr + PartialOrd + std::fmt::Display>(&self, min: T, max: T) -> Result<T, SdlError> {
        let text = self.text()?;
        let range = format!("write a whole number from {min} to {max}");
        match text.parse::<T>() {
            Ok(number) if number >= min && number <= max && !text.starts_with('+') => Ok(number),
            _ => Err(self.fail(format!("`{text}` is not a number in range"), &range)),
        }
    }

    pub fn list(&self) -> Result<Vec<Cursor<'a>>, SdlError> {
        match &self.node.value {
            Value::List(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Cursor { node, path: format!("{}[{index}]", self.path) })
                .collect()),
            Value::Null => Ok(Vec::new()),
            _ => Err(self.fail(format!("{} where a list is expected", self.kind()), "start each item with `- `")),
        }
    }

    pub fn texts(&self) -> Result<Vec<String>, SdlError> {
        self.list()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// Free names as keys, in the order of the file.
    pub fn entries(&self) -> Result<Vec<(&'a Key, Cursor<'a>)>, SdlError> {
        let join =
            |key: &Key| if self.path.is_empty() { key.text.clone() } else { format!("{}.{}", self.path, key.text) };
        match &self.node.value {
            Value::Map(entries) => {
                Ok(entries.iter().map(|(key, node)| (key, Cursor { node, path: join(key) })).collect())
            }
            Value::Null => Ok(Vec::new()),
            _ => Err(self.fail(format!("{} where fields are expected", self.kind()), "write `name: value` lines")),
        }
    }

    /// Fields with fixed names; any other name is refused with the list of those that exist.
    pub fn fields(&self, known: &[&str]) -> Result<Fields<'a>, SdlError> {
        let entries = self.entries()?;
        for (key, value) in &entries {
            if !known.contains(&key.text.as_str()) {
                return Err(unknown(key, value, known));
            }
        }
        Ok(Fields { parent: self.clone(), entries })
    }
}

fn unknown(key: &Key, value: &Cursor<'_>, known: &[&str]) -> SdlError {
    let remedy = match key.text.as_str() {
        "<<" => "YAML 1.2 has no merge keys; write the fields out".to_owned(),
        "include" => "includes are not read; put everything into this file".to_owned(),
        _ => format!("fields here: {}", known.join(", ")),
    };
    SdlError::new(key.at, &value.path, format!("unknown field `{}`", key.text), &remedy)
}

pub(super) struct Fields<'a> {
    parent: Cursor<'a>,
    entries: Vec<(&'a Key, Cursor<'a>)>,
}

impl<'a> Fields<'a> {
    /// The field, unless absent or null.
    pub fn get(&self, name: &str) -> Option<&Cursor<'a>> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    pub fn require(&self, name: &str, remedy: &str) -> Result<&Cursor<'a>, SdlError> {
        self.get(name).ok_or_else(|| self.parent.fail(format!("`{name}` is missing"), remedy))
    }

    pub fn list(&self, name: &str) -> Result<Vec<Cursor<'a>>, SdlError> {
        self.get(name).map_or(Ok(Vec::new()), Cursor::list)
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>, SdlError> {
        self.get(name).map_or(Ok(Vec::new()), Cursor::texts)
    }

    pub fn entries(&self, name: &str) -> Result<Vec<(&'a Key, Cursor<'a>)>, SdlError> {
        self.get(name).map_or(Ok(Vec::new()), Cursor::entries)
    }

    pub fn boolean(&self, name: &str) -> Result<bool, SdlError> {
        self.get(name).map_or(Ok(false), Cursor::boolean)
    }

    pub fn number<T>(&self, name: &str, default: T, min: T, max: T) -> Result<T, SdlError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        self.get(name).map_or(Ok(default), |value| value.number(min, max))
    }
}
