use super::*;

fn answer(codespace: &str, code: u32, log: &str) -> ClientError {
    ClientError::Query { path: "/x".into(), codespace: codespace.into(), code, log: log.into() }
}

#[test]
fn only_the_codes_of_a_missing_object_mean_that_it_is_missing() {
    for (codespace, code) in [("market", 3), ("provider", 3), ("cert", 5)] {
        assert!(not_found(&answer(codespace, code, "reworded")), "{codespace} {code}");
    }
    // The same numbers elsewhere, other numbers here, and texts that only sound like it.
    assert!(!not_found(&answer("sdk", 3, "not found")));
    assert!(!not_found(&answer("cert", 3, "does not exist")));
    assert!(!not_found(&answer("market", 7, "lease ve1/1/1/1 does not exist yet")));
    let down = ClientError::Unreachable { endpoint: "http://127.0.0.1:9".into(), cause: "not found".into() };
    assert!(!not_found(&down));
}
