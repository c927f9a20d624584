//! The binary as scripts use it.

mod audit;
mod doctor;
mod general;
mod keys;
mod offline;
mod support;
mod verifier;
