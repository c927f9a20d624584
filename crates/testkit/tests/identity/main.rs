//! Identity wallets, evidence and what follows from them, through the whole application.

mod capture;
mod clients;
mod gate;
mod kit;
mod wallets;
