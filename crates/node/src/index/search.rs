//! Answers queries from the postings: per event type the places where one event satisfies all conditions, then the
//! intersection over the types.

use std::{collections::BTreeSet, ops::RangeInclusive};

use super::{
    Index, IndexError, MAX_SCANNED, TxPlace,
    keys::{self, Posting, Subject},
    query::{Comparison, Condition, Op, Operand, Query, RESERVED},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Ascending,
    Descending,
}

/// Part of a result: `offset` entries are skipped, at most `limit` returned, nothing above the height `through`. While a
/// block is being committed the index may know it already, and nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub offset: usize,
    pub limit: usize,
    pub order: Order,
    pub through: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchResult<T> {
    /// Matches before paging.
    pub total: usize,
    pub items: Vec<T>,
}

/// Counts entries read by one search.
struct Budget(usize);

impl Budget {
    fn spend(&mut self) -> Result<(), IndexError> {
        self.0 = self.0.checked_sub(1).ok_or(IndexError::TooBroad)?;
        Ok(())
    }
}

impl Index {
    /// Transactions whose result events satisfy the query; `tx.height`, `tx.hash` and `tm.event` are known as well.
    pub fn search_txs(&self, query: &Query, page: Page) -> Result<SearchResult<TxPlace>, IndexError> {
        let mut budget = Budget(MAX_SCANNED);
        let Some(heights) = bounds(query, "tx.height", page) else { return Ok(empty()) };
        let mut found: Option<BTreeSet<TxPlace>> = None;
        for condition in query.conditions() {
            match (condition.key.as_str(), &condition.op) {
                ("tm.event", op) if !op.accepts("Tx") => return Ok(empty()),
                ("tx.hash", Op::Compare(Comparison::Equal, Operand::Text(hash))) => {
                    let places = self.by_hash(hash)?.into_iter().filter(|p| heights.contains(&p.height)).collect();
                    found = Some(intersect(found, places));
                }
                _ => {}
            }
        }
        for (kind, conditions) in query.groups() {
            if !RESERVED.contains(&kind) {
                let places = self.group(Subject::Tx, &conditions, &heights, &mut budget)?;
                found = Some(intersect(found, places));
            }
        }
        let places = match found {
            Some(places) => places,
            None => self.at_heights(&heights, &mut budget)?,
        };
        Ok(cut(places, page))
    }

    /// Heights of blocks whose begin and end block events satisfy the query; `block.height` is known as well.
    pub fn search_blocks(&self, query: &Query, page: Page) -> Result<SearchResult<u64>, IndexError> {
        let mut budget = Budget(MAX_SCANNED);
        let Some(heights) = bounds(query, "block.height", page) else { return Ok(empty()) };
        let mut found: Option<BTreeSet<TxPlace>> = None;
        for (kind, conditions) in query.groups() {
            if !RESERVED.contains(&kind) {
                let places = self.group(Subject::Block, &conditions, &heights, &mut budget)?;
                found = Some(intersect(found, places));
            }
        }
        let Some(found) = found else { return self.block_range(heights, page) };
        Ok(cut(found.into_iter().map(|p| p.height).collect(), page))
    }

    fn block_range(&self, heights: RangeInclusive<u64>, page: Page) -> Result<SearchResult<u64>, IndexError> {
        let (first, last) = ((*heights.start()).max(1), (*heights.end()).min(self.height()?));
        if first > last {
            return Ok(empty());
        }
        let total = (last - first + 1) as usize;
        let at = |i: usize| match page.order {
            Order::Ascending => first + i as u64,
            Order::Descending => last - i as u64,
        };
        let end = page.offset.saturating_add(page.limit).min(total);
        Ok(SearchResult { total, items: (page.offset.min(end)..end).map(at).collect() })
    }

    fn by_hash(&self, hash: &str) -> Result<Vec<TxPlace>, IndexError> {
        let Ok(hash) = hex::decode(hash) else { return Ok(Vec::new()) };
        Ok(self.tx(&hash)?.into_iter().collect())
    }

    fn at_heights(&self, heights: &RangeInclusive<u64>, budget: &mut Budget) -> Result<BTreeSet<TxPlace>, IndexError> {
        let from = keys::tx_at(TxPlace { height: *heights.start(), index: 0 });
        let to = keys::tx_at(TxPlace { height: *heights.end(), index: u32::MAX });
        let mut places = BTreeSet::new();
        for entry in self.postings.range(from..=to) {
            budget.spend()?;
            places.insert(keys::parse_tx_at(&entry.key()?)?);
        }
        Ok(places)
    }

    /// Places where one event satisfies all conditions.
    fn group(
        &self,
        subject: Subject,
        conditions: &[&Condition],
        heights: &RangeInclusive<u64>,
        budget: &mut Budget,
    ) -> Result<BTreeSet<TxPlace>, IndexError> {
        let mut found: Option<BTreeSet<Posting>> = None;
        for condition in conditions {
            let postings = self.postings_of(subject, condition, heights, budget)?;
            found = Some(match found {
                None => postings,
                Some(previous) => previous.intersection(&postings).copied().collect(),
            });
        }
        Ok(found.unwrap_or_default().into_iter().map(|p| p.place).collect())
    }

    fn postings_of(
        &self,
        subject: Subject,
        condition: &Condition,
        heights: &RangeInclusive<u64>,
        budget: &mut Budget,
    ) -> Result<BTreeSet<Posting>, IndexError> {
        let mut found = BTreeSet::new();
        let Some(of_key) = keys::of_key(subject, &condition.key) else { return Ok(found) };
        if let Op::Compare(Comparison::Equal, Operand::Text(text)) = &condition.op {
            let Some(exact) = keys::of_value(subject, &condition.key, text) else { return Ok(found) };
            let (mut from, mut to) = (exact.clone(), exact);
            from.extend(heights.start().to_be_bytes());
            to.extend(heights.end().to_be_bytes());
            for entry in self.postings.range(from..=to) {
                let (key, spots) = entry.into_inner()?;
                let (_, height) = keys::parse_event(&key[of_key.len()..])?;
                take(&mut found, height, &spots, budget)?;
            }
            return Ok(found);
        }
        for entry in self.postings.prefix(&of_key) {
            budget.spend()?;
            let (key, spots) = entry.into_inner()?;
            let (value, height) = keys::parse_event(&key[of_key.len()..])?;
            if heights.contains(&height) && condition.op.accepts(value) {
                take(&mut found, height, &spots, budget)?;
            }
        }
        Ok(found)
    }
}

fn take(found: &mut BTreeSet<Posting>, height: u64, spots: &[u8], budget: &mut Budget) -> Result<(), IndexError> {
    for posting in keys::parse_spots(height, spots)? {
        budget.spend()?;
        found.insert(posting);
    }
    Ok(())
}

/// The heights of `page` that the conditions on `key` leave; `None` when they contradict each other.
fn bounds(query: &Query, key: &str, page: Page) -> Option<RangeInclusive<u64>> {
    let (mut low, mut high) = (0_u64, page.through);
    for condition in query.conditions().iter().filter(|c| c.key == key) {
        let (op, value) = match &condition.op {
            Op::Compare(op, Operand::Number(number)) => (*op, number.to_u64()?),
            Op::Compare(op, Operand::Text(text)) => (*op, text.parse().ok()?),
            Op::Exists => continue,
            _ => return None,
        };
        match op {
            Comparison::Equal => (low, high) = (low.max(value), high.min(value)),
            Comparison::Less => high = high.min(value.checked_sub(1)?),
            Comparison::LessOrEqual => high = high.min(value),
            Comparison::Greater => low = low.max(value.checked_add(1)?),
            Comparison::GreaterOrEqual => low = low.max(value),
        }
    }
    (low <= high).then_some(low..=high)
}

fn intersect(found: Option<BTreeSet<TxPlace>>, places: BTreeSet<TxPlace>) -> BTreeSet<TxPlace> {
    match found {
        None => places,
        Some(previous) => previous.intersection(&places).copied().collect(),
    }
}

fn empty<T>() -> SearchResult<T> {
    SearchResult { total: 0, items: Vec::new() }
}

fn cut<T: Ord>(all: BTreeSet<T>, page: Page) -> SearchResult<T> {
    let total = all.len();
    let items = match page.order {
        Order::Ascending => all.into_iter().skip(page.offset).take(page.limit).collect(),
        Order::Descending => all.into_iter().rev().skip(page.offset).take(page.limit).collect(),
    };
    SearchResult { total, items }
}
