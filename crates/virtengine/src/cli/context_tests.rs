use super::is_test_chain;

#[test]
fn only_chains_that_say_so_are_for_tests() {
    for name in ["ve-local-1", "ve-testnet-12", "ve-devnet-1", "test-1"] {
        assert!(is_test_chain(name), "{name}");
    }
    for name in ["ve-1", "ve", "", "velocal-1", "latest-1", "ve-mainnet-1"] {
        assert!(!is_test_chain(name), "{name}");
    }
}
