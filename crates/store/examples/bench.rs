//! Times commits on a large store and prints the report as JSON: `cargo run -p ve-store --features bench --example bench -- [accounts]`.

use ve_store::bench::{Plan, run};

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut plan = Plan::default();
    if let Some(accounts) = std::env::args().nth(1) {
        plan.accounts = accounts.parse()?;
    }
    let home = tempfile::tempdir()?;
    println!("{}", run(home.path(), &plan)?.to_json(&plan));
    Ok(())
}
