use super::{check_name, covers};

#[test]
fn a_domain_is_two_or_more_lower_case_labels() {
    for good in ["example.com", "a.b-c.example", "xn--bcher-kva.example", "1.example"] {
        check_name(good).expect(good);
    }
    let long = format!("{}.example", "a".repeat(64));
    for bad in [
        "example",
        "Example.com",
        "-a.example",
        "a-.example",
        "a..example",
        ".example",
        "a.example.",
        "10.0.0.1",
        "b\u{fc}cher.example",
        &long,
    ] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
    assert!(check_name(&["a"; 127].join(".")).is_ok());
    assert!(check_name(&["a"; 128].join(".")).is_err());
}

#[test]
fn a_gateway_lies_under_its_domain_and_not_under_one_that_ends_alike() {
    assert!(covers("example.com", "https://example.com"));
    assert!(covers("example.com", "https://Gateway.example.com:8443/"));
    assert!(!covers("example.com", "https://badexample.com"));
    assert!(!covers("example.com", "https://example.com.evil.net"));
    assert!(!covers("gateway.example.com", "https://example.com"));
}
