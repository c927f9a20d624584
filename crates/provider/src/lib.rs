
pub mod backend;
