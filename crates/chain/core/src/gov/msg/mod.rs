pub mod cancel;
pub mod deposit;
pub mod legacy;
pub mod submit;
pub mod update_params;
pub mod vote;
