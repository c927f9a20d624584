//! Identity wallets, evidence and what follows from them, through the whole application.

mod appeals;
mod capture;
mod clients;
mod fairness;
mod gate;
mod verification;
mod wallets;
