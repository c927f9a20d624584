//! The part of CBOR (RFC 8949) that authenticators and hypervisors write: shortest integers, definite lengths of bytes
//! and text, nothing else. Maps and lists without a length are read where somebody writes them.

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
    value(input, Form { depth: 0, open: false })
}

/// Reads one value that is all of `input`.
pub fn whole(mut input: &[u8]) -> Option<Value> {
    let value = read(&mut input)?;
    input.is_empty().then_some(value)
}

/// As [`whole`], with maps and lists that may end with a break instead of beginning with their length.
pub fn whole_open(mut input: &[u8]) -> Option<Value> {
    let value = value(&mut input, Form { depth: 0, open: true })?;
    input.is_empty().then_some(value)
}

#[derive(Clone, Copy)]
struct Form {
    depth: usize,
    /// Whether lengths of maps and lists may be missing.
    open: bool,
}

impl Form {
    fn deeper(self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self }
    }
}

/// Ends a map or list without a length.
const BREAK: u8 = 0xff;
const OPEN_LIST: u8 = 0x9f;
const OPEN_MAP: u8 = 0xbf;

fn value(input: &mut &[u8], form: Form) -> Option<Value> {
    if form.depth > MAX_DEPTH {
        return None;
    }
    let (first, rest) = input.split_first()?;
    *input = rest;
    match *first {
        OPEN_LIST if form.open => return list(input, None, form),
        OPEN_MAP if form.open => return map(input, None, form),
        _ => {}
    }
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
        4 => list(input, Some(argument), form),
        5 => map(input, Some(argument), form),
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

/// Whether another entry follows the `read` ones; takes the break away that ends those without a count.
fn more(input: &mut &[u8], count: Option<u64>, read: usize) -> Option<bool> {
    let more = match count {
        Some(count) => u64::try_from(read).ok()? < count,
        None => match input.split_first() {
            Some((&BREAK, rest)) => {
                *input = rest;
                false
            }
            _ => true,
        },
    };
    (!more || read < MAX_ENTRIES).then_some(more)
}

fn list(input: &mut &[u8], count: Option<u64>, form: Form) -> Option<Value> {
    let mut items = Vec::new();
    while more(input, count, items.len())? {
        items.push(value(input, form.deeper())?);
    }
    Some(Value::List(items))
}

/// A key twice is refused: two readers could see two maps.
fn map(input: &mut &[u8], count: Option<u64>, form: Form) -> Option<Value> {
    let mut known: Vec<(Value, Value)> = Vec::new();
    while more(input, count, known.len())? {
        let key = value(input, form.deeper())?;
        let of = value(input, form.deeper())?;
        if known.iter().any(|(name, _)| *name == key) {
            return None;
        }
        known.push((key, of));
    }
    Some(Value::Map(known))
}

#[cfg(test)]
#[path = "cbor_tests.rs"]
mod tests;
