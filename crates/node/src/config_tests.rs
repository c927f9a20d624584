use super::*;

#[test]
fn the_defaults_survive_writing_and_reading() {
    let config = NodeConfig { moniker: "first".into(), ..NodeConfig::default() };
    let text = toml::to_string(&config).expect("TOML");
    assert_eq!(NodeConfig::parse(&text).expect("its own output"), config);
    assert_eq!(NodeConfig::parse("").expect("an empty file"), NodeConfig::default());
}

#[test]
fn unknown_keys_and_values_out_of_range_are_refused() {
    for text in [
        "colour = \"red\"",
        "[consensus]\nblock_time = \"1s\"",
        "[consensus]\nblock_interval = \"0s\"",
        "[mempool]\nmax_txs = 0",
        "[p2p]\npersistent_peers = [\"10.0.0.2:26656\"]",
        "[rpc]\nlisten = \"everywhere\"",
    ] {
        assert!(NodeConfig::parse(text).is_err(), "{text}");
    }
}

#[test]
fn every_port_moves_by_the_offset() {
    let config = NodeConfig::default().with_port_offset(100);
    let ports = [config.rpc.listen, config.rpc.grpc, config.rpc.rest, config.p2p.listen, config.p2p.tx_listen];
    assert_eq!(ports.map(|address| address.port()), [26757, 9190, 1417, 26756, 26755]);
    assert_eq!(config.metrics.listen.port(), 26760);
}
