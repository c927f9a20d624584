//! Multi-factor authentication, recovery and the gate through the whole application.

mod factors;
mod gate;
mod lockout;
mod matrix;
mod recovery;
mod support;
