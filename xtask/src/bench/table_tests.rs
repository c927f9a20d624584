use serde_json::json;

use super::table::text;

#[test]
fn the_table_shows_each_measurement_beside_its_peer_and_its_limit() {
    let report = json!({
        "store": {
            "accounts": 1_000_000, "load_seconds": 4.25, "reads_per_second": 250_000, "idle_mib": 90,
            "commits": [{
                "keys": 1_000, "ours_per_second": 60_000, "peer_per_second": 30_000, "ratio": 2.0,
                "ours_ms": 16.0, "ours_hashing_ms": 10.0,
            }],
        },
        "application": {
            "transfers": 10_000, "verifications_per_second": 20_000, "check": 10_000, "execute": 15_000, "all": 5_000,
            "commit_ms": 6.0,
        },
        "network": {
            "accounts": 1_000_000, "cores": 2, "verifications_per_second": 20_000,
            "networks": [{
                "validators": 4, "genesis": {"seconds": 40.0, "peak_mib": 900}, "idle_mib": 120, "loaded_mib": 300,
                "throughput": {
                    "transfers": 60_000, "per_second": 5_000, "efficiency": 0.25, "blocks": 30, "largest_block": 2_500,
                    "gas_used": 90_000, "gas_wanted": 130_000, "node_cpu_us": 300, "sender_cpu_us": 20,
                    "limit": "processors: 99 % busy",
                },
                "latency": {"rate": 200, "p50_ms": 600, "p99_ms": 1_100, "limit": "block interval"},
            }],
        },
    });
    let shown = text(&report);
    for part in [
        "1 000 000 accounts",
        "60 000",
        "30 000",
        "2.00",
        "0.25 of bare verification (60 000 in 30 blocks, at most 2 500)",
        "5 000/s",
        "processors: 99 % busy",
        "p50 600 ms, p99 1 100 ms at 200 transfers/s",
        "120 MiB idle",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
}

#[test]
fn a_report_with_missing_parts_is_still_a_table() {
    assert!(text(&json!({})).contains("State commits, 0 accounts"));
}
