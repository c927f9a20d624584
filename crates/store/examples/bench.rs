//! Times commits on a large store: `cargo run -p ve-store --features bench --example bench -- [accounts]`.

use ve_store::bench::{Plan, run};

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut plan = Plan::default();
    if let Some(accounts) = std::env::args().nth(1) {
        plan.accounts = accounts.parse()?;
    }
    let home = tempfile::tempdir()?;
    print!("{}", run(home.path(), &plan)?);
    Ok(())
}
