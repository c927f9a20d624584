pub mod update_params;
