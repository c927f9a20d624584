//! Stress in the economy raises the lowest price of gas.

mod common;

use std::sync::{Arc, atomic};

use common::World;
use ve_base::{CodedError, Dec};
use ve_chain_core::auth::Auth;
use ve_chain_core::bank::Bank;
use ve_chain_core::feemarket::{Feemarket, StressGauge, base_fee};
use ve_sdk::hooks::Hooks;
use ve_sdk::{Context, Module};

/// So many of a hundred accounts ran dry.
struct Gauge(Arc<atomic::AtomicU64>);

impl StressGauge for Gauge {
    fn dry(&self, _: &Context<'_>) -> Result<(u64, u64), CodedError> {
        Ok((self.0.load(atomic::Ordering::Relaxed), 100))
    }
}

fn end_block(world: &mut World) -> String {
    world.block.height += 1;
    Feemarket.end_block(&mut world.ctx()).expect("the end of a block");
    world.check();
    let price: Dec = base_fee(&world.ctx()).expect("a price");
    format!("{price:#}")
}

#[test]
fn more_than_a_twentieth_of_all_accounts_running_dry_raises_the_lowest_price_until_it_is_over() {
    let dry = Arc::new(atomic::AtomicU64::new(5));
    let mut hooks = Hooks::default();
    hooks.add::<dyn StressGauge>(Arc::new(Gauge(dry.clone())));
    let mut world = World::of(vec![Box::new(Auth), Box::new(Bank), Box::new(Feemarket)], hooks);
    assert_eq!(end_block(&mut world), "0.0025", "a twentieth is not more than a twentieth");
    dry.store(6, atomic::Ordering::Relaxed);
    assert_eq!(end_block(&mut world), "0.00345");
    assert_eq!(end_block(&mut world), "0.00375");
    assert_eq!(end_block(&mut world), "0.00375");
    dry.store(0, atomic::Ordering::Relaxed);
    let after: Vec<String> = (0..3).map(|_| end_block(&mut world)).collect();
    assert_eq!(after.last().map(String::as_str), Some("0.0025"), "{after:?}");
}
