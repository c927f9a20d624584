use super::*;

fn source(fields: &[(Field, &str)]) -> Extraction {
    let mut source = Extraction::default();
    fields.iter().for_each(|(field, text)| source.field(*field, *text));
    source
}

fn checked(left: &[(Field, &str)], right: &[(Field, &str)]) -> Vec<(usize, u16)> {
    check(&[("mrz", &source(left)), ("aamva", &source(right))])
}

#[test]
fn numbers_one_character_apart_are_close_and_others_contradict() {
    let number = |text| checked(&[(Field::Number, "D23145890")], &[(Field::Number, text)]);
    assert_eq!(number("D23145890"), [(id::XCHECK_ID, 10_000)]);
    for near in ["D23145891", "D2314589", "X23145890", "D231458900", "D2345890"] {
        assert_eq!(number(near), [(id::XCHECK_ID, 6_000)], "{near}");
    }
    for far in ["D23145801", "D231458", "", "231458901"] {
        let expected = if far.is_empty() { 5_000 } else { 0 };
        assert_eq!(number(far), [(id::XCHECK_ID, expected)], "{far}");
    }
}

#[test]
fn dates_are_equal_or_contradict_and_the_worse_of_two_counts() {
    let dates = |birth| {
        checked(
            &[(Field::Birth, "1974-08-12"), (Field::Expiry, "2032-04-15")],
            &[(Field::Birth, birth), (Field::Expiry, "2032-04-15")],
        )
    };
    assert_eq!(dates("1974-08-12"), [(id::XCHECK_DATES, 10_000)]);
    assert_eq!(dates("1974-08-13"), [(id::XCHECK_DATES, 0)]);
}

#[test]
fn names_may_be_cut_short_but_not_be_others() {
    let name = |text| checked(&[(Field::Given, "ANNA MARIA")], &[(Field::Given, text)]);
    assert_eq!(name("ANNA MAR"), [(id::XCHECK_NAMES, 10_000)]);
    assert_eq!(name("MARIA ANNA"), [(id::XCHECK_NAMES, 10_000)]);
    assert_eq!(name("ANNA EVA"), [(id::XCHECK_NAMES, 0)]);
}

#[test]
fn a_single_source_is_worth_half() {
    assert_eq!(check(&[("mrz", &source(&[(Field::Number, "X1")]))]), [(id::XCHECK_ID, 5_000)]);
}

#[test]
fn one_document_given_twice_is_one_source_and_two_of_a_kind_that_differ_contradict() {
    let (one, other) = (source(&[(Field::Number, "D23145890")]), source(&[(Field::Number, "D23145891")]));
    assert_eq!(check(&[("mrz", &one), ("mrz", &one)]), [(id::XCHECK_ID, 5_000)]);
    assert_eq!(check(&[("mrz", &one), ("mrz", &other)]), [(id::XCHECK_ID, 0)]);
    assert_eq!(check(&[("mrz", &one), ("mrz", &one), ("aamva", &other)]), [(id::XCHECK_ID, 6_000)]);
}
