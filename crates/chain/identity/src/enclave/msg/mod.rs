pub mod heartbeat;
pub mod register;
pub mod retire;
pub mod revoke_measurement;
pub mod set_measurement;
pub mod set_tcb_floor;
pub mod update_params;
