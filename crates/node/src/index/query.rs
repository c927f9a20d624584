//! The event query language of CometBFT 0.38, shared by `tx_search`, `block_search`, `subscribe` and `GetTxsEvent`:
//! conditions `key op value` joined by `AND`, e.g. `tm.event = 'Tx' AND transfer.amount > 100`.
//!
//! Conditions on the same event type must hold within one event; conditions on different types combine.

use std::{cmp::Ordering, collections::BTreeMap, fmt, str::FromStr};

use prost_types::Timestamp;
use ve_proto::tendermint::abci::Event;

/// Keys that describe the block or transaction itself; each stands alone, because applications emit events of type
/// `tx` too.
pub const RESERVED: &[&str] = &["tm.event", "tx.hash", "tx.height", "block.height"];

/// Longest accepted query text, in bytes.
pub const MAX_QUERY_BYTES: usize = 512;

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    text: String,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `{event type}.{attribute}`.
    pub key: String,
    pub op: Op,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Compare(Comparison, Operand),
    Exists,
    Contains(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Text(String),
    Number(Decimal),
    Time(Timestamp),
}

/// Where and why a query text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("got {cause} at byte {at} of the query; write it like tm.event = 'Tx' AND transfer.sender = 've1...'")]
pub struct QueryError {
    pub at: usize,
    pub cause: String,
}

/// A non-negative decimal of any length, compared without rounding: amounts exceed every machine type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Without leading zeros.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// The number at the start of `text`: `1500uve` is 1500. `None` when there is no digit.
    pub fn leading(text: &str) -> Option<Self> {
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let end = digits(text);
        if end == 0 {
            return None;
        }
        let (whole, rest) = text.split_at(end);
        let fraction = rest.strip_prefix('.').map_or("", |f| &f[..digits(f)]);
        Some(Self {
            whole: whole.trim_start_matches('0').to_string(),
            fraction: fraction.trim_end_matches('0').to_string(),
        })
    }

    /// `None` when there is a fraction or the value exceeds 64 bits.
    pub fn to_u64(&self) -> Option<u64> {
        if !self.fraction.is_empty() {
            return None;
        }
        if self.whole.is_empty() { Some(0) } else { self.whole.parse().ok() }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = self.whole.len().cmp(&other.whole.len()).then_with(|| self.whole.cmp(&other.whole));
        Some(order.then_with(|| self.fraction.cmp(&other.fraction)))
    }
}

impl Comparison {
    pub fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::GreaterOrEqual => order != Ordering::Less,
            Self::Greater => order == Ordering::Greater,
        }
    }
}

impl Op {
    /// Whether an attribute's value satisfies the condition. Text is compared for equality only, as in CometBFT.
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Contains(part) => value.contains(part.as_str()),
            Self::Compare(Comparison::Equal, Operand::Text(text)) => value == text,
            Self::Compare(_, Operand::Text(_)) => false,
            Self::Compare(op, Operand::Number(number)) => {
                Decimal::leading(value).and_then(|v| v.partial_cmp(number)).is_some_and(|order| op.accepts(order))
            }
            Self::Compare(op, Operand::Time(time)) => Timestamp::from_str(value)
                .is_ok_and(|v| op.accepts((v.seconds, v.nanos).cmp(&(time.seconds, time.nanos)))),
        }
    }
}

impl Query {
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Conditions that one event must satisfy together: those on the same event type (the key up to its last dot), and
    /// each [`RESERVED`] key for itself.
    pub fn groups(&self) -> BTreeMap<&str, Vec<&Condition>> {
        let mut groups: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
        for condition in &self.conditions {
            let key = condition.key.as_str();
            let group = if RESERVED.contains(&key) { key } else { condition.kind() };
            groups.entry(group).or_default().push(condition);
        }
        groups
    }

    pub fn matches(&self, events: &[Event]) -> bool {
        self.groups().values().all(|conditions| {
            events.iter().any(|event| conditions.iter().all(|c| c.kind() == event.r#type && c.holds_in(event)))
        })
    }
}

impl Condition {
    fn kind(&self) -> &str {
        self.key.rsplit_once('.').map_or(&self.key, |(kind, _)| kind)
    }

    fn holds_in(&self, event: &Event) -> bool {
        let Some((_, attribute)) = self.key.rsplit_once('.') else { return self.op == Op::Exists };
        event.attributes.iter().any(|a| a.key == attribute && self.op.accepts(&a.value))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY_BYTES {
            return Err(QueryError {
                at: MAX_QUERY_BYTES,
                cause: format!("{} bytes; the limit is {MAX_QUERY_BYTES}", text.len()),
            });
        }
        let mut parser = Parser { text, at: 0 };
        let mut conditions = vec![parser.condition()?];
        while parser.more() {
            if !parser.word("AND") {
                return Err(parser.error("something else than AND"));
            }
            conditions.push(parser.condition()?);
        }
        Ok(Self { text: text.to_string(), conditions })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, cause: impl Into<String>) -> QueryError {
        QueryError { at: self.at, cause: cause.into() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn more(&mut self) -> bool {
        self.skip_space();
        !self.rest().is_empty()
    }

    /// Consumes `word` when a space or the end follows.
    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        let Some(after) = self.rest().strip_prefix(word) else { return false };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return false;
        }
        self.at += word.len();
        true
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let key = self.key()?;
        let op = if self.word("EXISTS") {
            Op::Exists
        } else if self.word("CONTAINS") {
            Op::Contains(self.quoted()?)
        } else if self.symbol("<=") {
            Op::Compare(Comparison::LessOrEqual, self.ordered()?)
        } else if self.symbol(">=") {
            Op::Compare(Comparison::GreaterOrEqual, self.ordered()?)
        } else if self.symbol("<") {
            Op::Compare(Comparison::Less, self.ordered()?)
        } else if self.symbol(">") {
            Op::Compare(Comparison::Greater, self.ordered()?)
        } else if self.symbol("=") {
            Op::Compare(Comparison::Equal, self.operand()?)
        } else {
            return Err(self.error("no operator (= < <= > >= EXISTS CONTAINS)"));
        };
        Ok(Condition { key, op })
    }

    fn key(&mut self) -> Result<String, QueryError> {
        self.skip_space();
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || "\\()\"'=><".contains(c);
        let key = &rest[..rest.find(ends).unwrap_or(rest.len())];
        if key.is_empty() {
            return Err(self.error("no event key"));
        }
        self.at += key.len();
        Ok(key.to_string())
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        self.skip_space();
        let Some(inner) = self.rest().strip_prefix('\'') else {
            return Err(self.error("no text in single quotes"));
        };
        let Some(end) = inner.find('\'') else {
            return Err(self.error("text without its closing quote"));
        };
        self.at += end + 2;
        Ok(inner[..end].to_string())
    }

    fn ordered(&mut self) -> Result<Operand, QueryError> {
        match self.operand()? {
            Operand::Text(_) => Err(self.error("text after an ordering; only numbers and times are ordered")),
            operand => Ok(operand),
        }
    }

    fn operand(&mut self) -> Result<Operand, QueryError> {
        self.skip_space();
        if self.rest().starts_with('\'') {
            return Ok(Operand::Text(self.quoted()?));
        }
        if self.word("TIME") {
            return self.time("");
        }
        if self.word("DATE") {
            return self.time("T00:00:00Z");
        }
        let literal = self.literal();
        let numeric = literal.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && literal.matches('.').count() <= 1
            && !literal.ends_with('.');
        match Decimal::leading(literal) {
            Some(number) if numeric => {
                self.at += literal.len();
                Ok(Operand::Number(number))
            }
            _ => Err(self.error("neither a number, a time nor text in single quotes")),
        }
    }

    fn literal(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())]
    }

    fn time(&mut self, suffix: &str) -> Result<Operand, QueryError> {
        self.skip_space();
        let literal = self.literal();
        let time = Timestamp::from_str(&format!("{literal}{suffix}"))
            .map_err(|_| self.error("a time that is not RFC 3339"))?;
        self.at += literal.len();
        Ok(Operand::Time(time))
    }
}
