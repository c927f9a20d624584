//! What every chain module is written against.

pub mod application;
