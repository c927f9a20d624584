//! Runs a node with a key-value application on an initialised home directory: `kv_node <home>`. The tests start it as
//! child processes, since a process can hold one consensus engine only.

#[path = "../tests/support/app.rs"]
mod app;

use std::process::ExitCode;
use std::sync::Arc;

use ve_node::config::{Home, NodeConfig};
use ve_node::core::Halt;
use ve_node::node::Node;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: kv_node <home>");
        return ExitCode::from(2);
    };
    match run(Home::new(path)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if matches!(error.downcast_ref(), Some(Halt::Planned(_))) { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(home: Home) -> anyhow::Result<()> {
    let config = NodeConfig::load(&home.config())?;
    let application = Arc::new(app::KvApp::open(home.data().join("kv.json")));
    let node = Node::start(&home, config, application).await?;
    let stopper = node.stopper();
    // The test that started this process closes its input to stop it in order.
    std::thread::spawn(move || {
        let mut nothing = Vec::new();
        if std::io::Read::read_to_end(&mut std::io::stdin(), &mut nothing).is_ok() {
            stopper.stop();
        }
    });
    Ok(node.wait().await?)
}
