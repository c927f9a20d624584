//! What all daemons share: logs and the end.

use tracing_subscriber::EnvFilter;

/// Structured logs on standard error. `RUST_LOG` chooses; the default hides a message that a lone validator's engine
/// repeats for every part it cannot hand to anyone.
pub fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(format!(
            "{default},libp2p=warn,libp2p_gossipsub=error,arc_malachitebft_network=off,arc_malachitebft_engine=warn,\
             arc_malachitebft_core_consensus=warn,arc_malachitebft_core_driver=warn,arc_malachitebft_sync=warn,\
             arc_malachitebft_wal=warn,arc_malachitebft_app=warn,arc_malachitebft_discovery=warn"
        ))
    });
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}

/// Resolves at Ctrl-C or SIGTERM.
pub async fn asked_to_stop() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
