//! Types that every layer shares. No I/O.

pub mod time;

pub use time::BlockTime;
