use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ve_sdk::application::{
    AppInfo, Application, BlockInput, CheckKind, CheckTxResult, Fatal, FinalizeBlockResponse, InitChain,
    InitChainResponse, Query, QueryResult, TxResult, Verdict,
};

use super::{Limits, Mempool};
use crate::rpc::backend::SubmitError;

/// Transactions are `sender:sequence:priority[:bad|:stale]`. `bad` never passes, `stale` passes only the first check.
#[derive(Default)]
struct Checker {
    keeps: bool,
    rechecked: Mutex<Vec<String>>,
    restarts: AtomicUsize,
}

impl Application for Checker {
    fn info(&self) -> AppInfo {
        AppInfo {
            name: "checker".into(),
            version: "1".into(),
            app_version: 1,
            last_height: 0,
            last_app_hash: Vec::new(),
            ..AppInfo::default()
        }
    }

    fn init_chain(&self, _: InitChain) -> Result<InitChainResponse, Fatal> {
        Err(Fatal("not a chain".into()))
    }

    fn check_tx(&self, tx: &Bytes, kind: CheckKind) -> CheckTxResult {
        let text = String::from_utf8_lossy(tx);
        let mut fields = text.split(':');
        let sender = fields.next().unwrap_or_default().as_bytes().to_vec();
        let sequence = fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let priority = fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let mark = fields.next().unwrap_or_default();
        if kind == CheckKind::Recheck {
            self.rechecked.lock().expect("no panic").push(text.clone().into_owned());
        }
        let refused = mark == "bad" || (mark == "stale" && kind == CheckKind::Recheck);
        let result = TxResult { code: u32::from(refused), ..TxResult::default() };
        CheckTxResult { result, sender, sequence, priority }
    }

    fn keeps_checks(&self) -> bool {
        self.keeps
    }

    fn sender(&self, tx: &Bytes) -> Option<Vec<u8>> {
        tx.split(|byte| *byte == b':').next().map(<[u8]>::to_vec)
    }

    fn restart_checks(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    fn simulate(&self, _: &Bytes) -> TxResult {
        TxResult::default()
    }

    fn prepare_proposal(&self, block: &BlockInput, _: u64) -> Vec<Bytes> {
        block.txs.clone()
    }

    fn process_proposal(&self, _: &BlockInput) -> Verdict {
        Verdict::Accept
    }

    fn extend_vote(&self, _: u64, _: &[u8]) -> Bytes {
        Bytes::new()
    }

    fn verify_vote_extension(&self, _: u64, _: &[u8; 20], _: &[u8]) -> Verdict {
        Verdict::Accept
    }

    fn finalize_block(&self, _: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        Ok(FinalizeBlockResponse::default())
    }

    fn commit(&self) -> Result<u64, Fatal> {
        Ok(0)
    }

    fn query(&self, _: &Query) -> QueryResult {
        QueryResult::default()
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        Ok(serde_json::Value::Null)
    }
}

fn pool(limits: Limits) -> Arc<Mempool> {
    Mempool::new(Arc::new(Checker::default()), limits).0
}

fn tx(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn add(pool: &Mempool, text: &str) {
    assert_eq!(pool.submit(tx(text)).expect("room").result.code, 0, "{text}");
}

fn refusal(pool: &Mempool, text: &str) -> SubmitError {
    pool.submit(tx(text)).map(|_| ()).expect_err("refused")
}

fn order(pool: &Mempool) -> Vec<String> {
    pool.reap(u64::MAX).iter().map(|tx| String::from_utf8_lossy(tx).into_owned()).collect()
}

#[test]
fn an_account_keeps_its_sequence_order_and_accounts_go_by_priority() {
    let pool = pool(Limits::default());
    for text in ["a:2:9", "b:7:5", "a:1:1", "c:1:5", "a:3:2"] {
        add(&pool, text);
    }
    assert_eq!(order(&pool), ["b:7:5", "c:1:5", "a:1:1", "a:2:9", "a:3:2"]);
}

#[test]
fn the_same_transaction_is_refused_while_it_waits_and_after_it_was_committed() {
    let pool = pool(Limits::default());
    add(&pool, "a:1:1");
    assert_eq!(refusal(&pool, "a:1:1"), SubmitError::AlreadyKnown);
    pool.pause().update(2, [(tx("a:1:1"), 0)]);
    assert_eq!(order(&pool).len(), 0);
    assert_eq!(refusal(&pool, "a:1:1"), SubmitError::AlreadyKnown);
}

#[test]
fn a_transaction_that_failed_in_its_block_or_its_check_may_come_again() {
    let pool = pool(Limits::default());
    add(&pool, "a:1:1");
    pool.pause().update(2, [(tx("a:1:1"), 5)]);
    add(&pool, "a:1:1");
    for _ in 0..2 {
        assert_eq!(pool.submit(tx("a:2:1:bad")).expect("checked").result.code, 1);
    }
}

#[test]
fn one_account_cannot_fill_the_pool() {
    let pool = pool(Limits::default());
    let refused = (0..10_000u32)
        .filter(|n| matches!(pool.submit(tx(&format!("spam:{n}:9"))), Err(SubmitError::Full { .. })))
        .count();
    assert_eq!(refused, 10_000 - 64);
    add(&pool, "honest:1:1");
}

#[test]
fn a_full_pool_drops_what_is_worth_less_and_refuses_what_is_not_worth_more() {
    let pool = pool(Limits { max_txs: 2, ..Limits::default() });
    add(&pool, "a:1:1");
    add(&pool, "b:1:5");
    assert!(matches!(refusal(&pool, "c:1:1"), SubmitError::Full { transactions: 2, .. }));
    add(&pool, "c:1:3");
    assert_eq!(order(&pool), ["b:1:5", "c:1:3"]);
    assert_eq!(pool.sizes().bytes, 10);
}

#[test]
fn an_oversized_transaction_is_refused_without_a_check() {
    let pool = pool(Limits { max_tx_bytes: 8, ..Limits::default() });
    assert_eq!(refusal(&pool, "a:1:1:bad"), SubmitError::TooLarge { bytes: 9, limit: 8 });
}

#[test]
fn a_commit_rechecks_what_waits_and_drops_what_is_too_old() {
    let pool = pool(Limits { ttl_blocks: 3, ttl: Duration::from_secs(3600), ..Limits::default() });
    pool.pause().update(1, []);
    add(&pool, "a:1:1:stale");
    add(&pool, "b:1:1");
    pool.pause().update(2, []);
    assert_eq!(order(&pool), ["b:1:1"]);
    pool.pause().update(3, []);
    assert_eq!(order(&pool).len(), 1);
    pool.pause().update(4, []);
    assert_eq!(order(&pool).len(), 0);
}

#[test]
fn an_account_whose_next_transaction_does_not_fit_is_passed_over_as_a_whole() {
    let pool = pool(Limits::default());
    add(&pool, &format!("a:1:9:{}", "x".repeat(100)));
    add(&pool, "a:2:9");
    add(&pool, "b:1:1");
    assert_eq!(pool.reap(50), [tx("b:1:1")]);
}

/// A pool over an application that keeps checks, with so many waiting accounts that not all are rechecked.
fn crowded() -> (Arc<Checker>, Arc<Mempool>) {
    let app = Arc::new(Checker { keeps: true, ..Checker::default() });
    let pool = Mempool::new(app.clone(), Limits::default()).0;
    for account in 0..600 {
        add(&pool, &format!("a{account}:1:1"));
    }
    for sequence in 1..4 {
        add(&pool, &format!("busy:{sequence}:1"));
    }
    (app, pool)
}

fn rechecked(app: &Checker) -> Vec<String> {
    std::mem::take(&mut app.rechecked.lock().expect("no panic"))
}

#[test]
fn among_many_only_accounts_of_the_block_are_rechecked() {
    let (app, pool) = crowded();
    pool.pause().update(1, [(tx("busy:1:1"), 0), (tx("stranger:1:1"), 0)]);
    assert_eq!(rechecked(&app), ["busy:2:1", "busy:3:1"]);
    assert_eq!(app.restarts.load(Ordering::Relaxed), 0);
}

#[test]
fn what_a_block_refused_or_the_pool_dropped_makes_all_start_over() {
    let (app, pool) = crowded();
    pool.pause().update(1, [(tx("busy:1:1"), 5)]);
    assert_eq!((rechecked(&app).len(), app.restarts.load(Ordering::Relaxed)), (602, 1));

    let pool = Mempool::new(app.clone(), Limits { max_txs: 600, ..Limits::default() }).0;
    for account in 0..600 {
        add(&pool, &format!("a{account}:1:1"));
    }
    add(&pool, "rich:1:9");
    pool.pause().update(1, []);
    assert_eq!((rechecked(&app).len(), app.restarts.load(Ordering::Relaxed)), (600, 2));
    pool.pause().update(2, []);
    assert_eq!((rechecked(&app).len(), app.restarts.load(Ordering::Relaxed)), (0, 2));
    pool.pause().update(20, []);
    assert_eq!(rechecked(&app).len(), 600, "from time to time all are asked about");
}

#[test]
fn the_next_block_hurries_only_when_what_waits_would_fill_another_like_the_last() {
    let pool = pool(Limits::default());
    let txs: Vec<String> = (0..250).map(|account| format!("a{account}:1:1")).collect();
    for text in &txs[..99] {
        add(&pool, text);
    }
    assert!(!pool.is_crowded(), "a few can wait for their time");
    for text in &txs[99..] {
        add(&pool, text);
    }
    assert!(pool.is_crowded());
    pool.pause().update(1, txs[..140].iter().map(|text| (tx(text), 0)));
    assert!(!pool.is_crowded(), "110 wait, the last block took 140");
    pool.pause().update(2, txs[140..150].iter().map(|text| (tx(text), 0)));
    assert!(pool.is_crowded(), "100 wait, the last block took 10");
}
