//! Developer tasks that are not part of the product.

mod proto;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("proto") => proto::run(args.iter().any(|a| a == "--check")),
        _ => anyhow::bail!("usage: cargo xtask proto [--check]"),
    }
}
