//! Lays a sorted stream of writes over a sorted stream of entries.

use std::cmp::Ordering;
use std::iter::Peekable;

use crate::kv::{KvError, KvIter};

/// One key of the upper stream; `None` hides the entry below.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);
pub(crate) type Write = Result<Change, KvError>;

struct Merge<'a, U: Iterator<Item = Write>> {
    lower: Peekable<KvIter<'a>>,
    upper: Peekable<U>,
    reverse: bool,
}

/// Both streams must be sorted by key, descending if `reverse`. On equal keys the upper stream wins.
pub(crate) fn merge<'a, U>(lower: KvIter<'a>, upper: U, reverse: bool) -> KvIter<'a>
where
    U: Iterator<Item = Write> + 'a,
{
    Box::new(Merge { lower: lower.peekable(), upper: upper.peekable(), reverse })
}

impl<U: Iterator<Item = Write>> Iterator for Merge<'_, U> {
    type Item = Result<(Vec<u8>, Vec<u8>), KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.lower.peek(), self.upper.peek()) {
                (_, None) => return self.lower.next(),
                (None, Some(_)) => Ordering::Greater,
                (Some(Err(_)), _) => return self.lower.next(),
                (_, Some(Err(_))) => Ordering::Greater,
                (Some(Ok((lower, _))), Some(Ok((upper, _)))) if self.reverse => upper.cmp(lower),
                (Some(Ok((lower, _))), Some(Ok((upper, _)))) => lower.cmp(upper),
            };
            match order {
                Ordering::Less => return self.lower.next(),
                Ordering::Equal => {
                    self.lower.next();
                }
                Ordering::Greater => {}
            }
            match self.upper.next()? {
                Ok((key, Some(value))) => return Some(Ok((key, value))),
                Ok((_, None)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
