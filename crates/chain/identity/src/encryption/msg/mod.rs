pub mod register_key;
pub mod revoke_key;
pub mod rotate_key;
pub mod update_label;
pub mod update_params;
