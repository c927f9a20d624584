//! The `virtengine` binary: builds, wires and runs what the libraries provide.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let matches = cli::command().get_matches();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("error: the runtime cannot start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli::run(&matches)).unwrap_or(ExitCode::from(2));
    // A read from the terminal cannot be cancelled; nothing else may keep the process alive.
    runtime.shutdown_background();
    code
}
