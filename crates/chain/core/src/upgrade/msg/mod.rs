pub mod cancel;
pub mod software_upgrade;
