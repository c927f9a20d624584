//! The part of CBOR (RFC 8949) that authenticators write: definite lengths, shortest integers, nothing else.

/// Maps and lists within one another.
const MAX_DEPTH: usize = 4;
const MAX_ENTRIES: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Integer(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Bool(bool),
    Null,
}

impl Value {
    /// The value of an integer key of a map.
    pub fn number(&self, key: i64) -> Option<&Value> {
        self.entry(&Value::Integer(key))
    }

    /// The value of a text key of a map.
    pub fn text(&self, key: &str) -> Option<&Value> {
        self.entry(&Value::Text(key.to_owned()))
    }

    fn entry(&self, key: &Value) -> Option<&Value> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// Reads one value from the front; the rest stays in `input`. `None` when it is not well formed.
pub fn read(input: &mut &[u8]) -> Option<Value> {
    value(input, 0)
}

/// Reads one value that is all of `input`.
pub fn whole(mut input: &[u8]) -> Option<Value> {
    let value = read(&mut input)?;
    input.is_empty().then_some(value)
}

fn value(input: &mut &[u8], depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let (first, rest) = input.split_first()?;
    *input = rest;
    let (major, minor) = (first >> 5, first & 0x1f);
    if major == 7 {
        return match minor {
            20 => Some(Value::Bool(false)),
            21 => Some(Value::Bool(true)),
            22 => Some(Value::Null),
            _ => None,
        };
    }
    let argument = argument(input, minor)?;
    match major {
        0 => Some(Value::Integer(i64::try_from(argument).ok()?)),
        1 => Some(Value::Integer(i64::try_from(argument).ok()?.checked_neg()?.checked_sub(1)?)),
        2 => Some(Value::Bytes(take(input, argument)?.to_vec())),
        3 => Some(Value::Text(std::str::from_utf8(take(input, argument)?).ok()?.to_owned())),
        4 => list(input, argument, depth),
        5 => map(input, argument, depth),
        _ => None,
    }
}

/// The number behind the first byte, in its shortest form only.
fn argument(input: &mut &[u8], minor: u8) -> Option<u64> {
    let (width, least) = match minor {
        0..24 => return Some(u64::from(minor)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return None,
    };
    let mut number = 0u64;
    for byte in take(input, width)? {
        number = (number << 8) | u64::from(*byte);
    }
    (number >= least).then_some(number)
}

fn take<'a>(input: &mut &'a [u8], count: u64) -> Option<&'a [u8]> {
    let count = usize::try_from(count).ok()?;
    let taken = input.get(..count)?;
    *input = input.get(count..)?;
    Some(taken)
}

fn entries(count: u64) -> Option<usize> {
    usize::try_from(count).ok().filter(|count| *count <= MAX_ENTRIES)
}

fn list(input: &mut &[u8], count: u64, depth: usize) -> Option<Value> {
    let mut items = Vec::new();
    for _ in 0..entries(count)? {
        items.push(value(input, depth.saturating_add(1))?);
    }
    Some(Value::List(items))
}

/// A key twice is refused: two readers could see two maps.
fn map(input: &mut &[u8], count: u64, depth: usize) -> Option<Value> {
    let mut known: Vec<(Value, Value)> = Vec::new();
    for _ in 0..entries(count)? {
        let key = value(input, depth.saturating_add(1))?;
        let of = value(input, depth.saturating_add(1))?;
        if known.iter().any(|(name, _)| *name == key) {
            return None;
        }
        known.push((key, of));
    }
    Some(Value::Map(known))
}
