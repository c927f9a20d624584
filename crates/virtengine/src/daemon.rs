//! What all daemons share: logs and the end.

use std::sync::OnceLock;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
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

/// Resolves at Ctrl-C or SIGTERM, also when that came before the call. Call [`listen`] early: until then these signals
/// end the process at once.
pub async fn asked_to_stop() {
    asked(1).await;
}

/// Resolves when that was asked for a second time.
pub async fn asked_again() {
    asked(2).await;
}

async fn asked(times: u32) {
    let mut asked = listen();
    let _ = asked.wait_for(|asked| *asked >= times).await;
}

/// Starts to watch for Ctrl-C and SIGTERM; counts them.
pub fn listen() -> watch::Receiver<u32> {
    static ASKED: OnceLock<watch::Receiver<u32>> = OnceLock::new();
    ASKED
        .get_or_init(|| {
            let (sender, receiver) = watch::channel(0);
            // Handlers are installed before this returns, not when the task first runs.
            let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
            tokio::spawn(async move {
                let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
                    // Without its sender every receiver would take this for a request to stop.
                    return std::future::pending().await;
                };
                loop {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                    }
                    sender.send_modify(|asked| *asked += 1);
                }
            });
            receiver
        })
        .clone()
}
