//! Whole networks of real processes, started as a user starts them.

mod crash;
mod deploy;
mod support;
mod validators;
