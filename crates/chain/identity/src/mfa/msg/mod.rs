pub mod challenge;
pub mod factor;
pub mod policy;
pub mod recovery;
pub mod session;
pub mod update_action_config;
pub mod update_params;
