//! The report for people.

use std::fmt::Write as _;

use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// With thousands separated.
fn count(value: &Value) -> String {
    let digits = format!("{:.0}", number(value));
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// The whole report of `bench chain`.
pub fn text(report: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = store(&mut out, &report["store"]);
    let _ = application(&mut out, &report["application"]);
    let _ = network(&mut out, &report["network"]);
    out
}

fn store(out: &mut String, store: &Value) -> std::fmt::Result {
    writeln!(out, "\nState commits, {} accounts; the peer is bare jmt on fjall", count(&store["accounts"]))?;
    writeln!(out, "  {:>14} {:>14} {:>14} {:>7}   limit", "keys", "ours, keys/s", "peer, keys/s", "ratio")?;
    for commit in list(&store["commits"]) {
        let (whole, hashing) = (number(&commit["ours_ms"]), number(&commit["ours_hashing_ms"]));
        writeln!(
            out,
            "  {:>14} {:>14} {:>14} {:>7.2}   {:.1} ms, of which {:.1} ms reading and hashing, the rest durable write",
            count(&commit["keys"]),
            count(&commit["ours_per_second"]),
            count(&commit["peer_per_second"]),
            number(&commit["ratio"]),
            whole,
            hashing,
        )?;
    }
    writeln!(
        out,
        "  random reads {}/s; loaded in {:.1} s; memory when idle {} MiB",
        count(&store["reads_per_second"]),
        number(&store["load_seconds"]),
        count(&store["idle_mib"]),
    )
}

fn application(out: &mut String, application: &Value) -> std::fmt::Result {
    writeln!(
        out,
        "\nApplication without consensus, {} transfers; bare verification {}/s on one core",
        count(&application["transfers"]),
        count(&application["verifications_per_second"]),
    )?;
    for (name, title) in [("check", "mempool check"), ("execute", "execution, hashing"), ("all", "all with commit")] {
        let rate = &application[name];
        writeln!(
            out,
            "  {title:<20} {:>10}/s = {:.2} of bare verification",
            count(rate),
            number(rate) / number(&application["verifications_per_second"]).max(1.0),
        )?;
    }
    writeln!(out, "  {:<20} {:>8.1} ms a block", "durable commit", number(&application["commit_ms"]))
}

fn network(out: &mut String, network: &Value) -> std::fmt::Result {
    writeln!(
        out,
        "\nNetworks of real nodes on {} cores, {} accounts; bare verification {}/s on one core",
        count(&network["cores"]),
        count(&network["accounts"]),
        count(&network["verifications_per_second"]),
    )?;
    for one in list(&network["networks"]) {
        let (flood, latency) = (&one["throughput"], &one["latency"]);
        writeln!(out, "  {} validators", count(&one["validators"]))?;
        writeln!(
            out,
            "    committed transfers  {}/s = {:.2} of bare verification ({} in {} blocks, at most {})",
            count(&flood["per_second"]),
            number(&flood["efficiency"]),
            count(&flood["transfers"]),
            count(&flood["blocks"]),
            count(&flood["largest_block"]),
        )?;
        writeln!(out, "      limit: {}", text_of(&flood["limit"]))?;
        writeln!(
            out,
            "      processor time of a transfer: {} us in nodes, {} us in the sender; gas {} used of {}",
            count(&flood["node_cpu_us"]),
            count(&flood["sender_cpu_us"]),
            count(&flood["gas_used"]),
            count(&flood["gas_wanted"]),
        )?;
        writeln!(
            out,
            "    submit to final      p50 {} ms, p99 {} ms at {} transfers/s",
            count(&latency["p50_ms"]),
            count(&latency["p99_ms"]),
            count(&latency["rate"]),
        )?;
        writeln!(out, "      limit: {}", text_of(&latency["limit"]))?;
        writeln!(
            out,
            "    memory of a node     {} MiB idle, {} MiB under full load; genesis in {:.1} s with at most {} MiB",
            count(&one["idle_mib"]),
            count(&one["loaded_mib"]),
            number(&one["genesis"]["seconds"]),
            count(&one["genesis"]["peak_mib"]),
        )?;
    }
    Ok(())
}
