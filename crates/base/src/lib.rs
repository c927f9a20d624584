//! Types that every layer shares. No I/O.

pub mod time;
pub mod value;

pub use time::BlockTime;
