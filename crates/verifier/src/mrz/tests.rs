use proptest::prelude::*;

use super::*;

/// 2026-11-21.
const NOW: u64 = 1_795_219_200;

/// Specimens of ICAO Doc 9303 parts 4, 5 and 6, the expiry of TD1 as in identity-ml.md.
const PASSPORT: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
const CARD: &str = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";
const TWO: &str = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6";

fn read(text: &str) -> Result<Extraction, ExtractError> {
    Mrz.extract(text.as_bytes(), &Circumstances { now: NOW, ..Circumstances::default() })
}

fn good(text: &str) -> Extraction {
    read(text).expect("a zone")
}

fn field(extraction: &Extraction, field: Field) -> &str {
    extraction.fields.get(&field).map_or("", |value| value.reveal())
}

fn digits(extraction: &Extraction) -> u16 {
    extraction.features[&id::MRZ_CHECK_DIGITS]
}

#[test]
fn check_digits_are_those_of_the_specification() {
    assert_eq!(check_digit("D23145890"), Some(7));
    assert_eq!(check_digit("740812"), Some(2));
    assert_eq!(check_digit("320415"), Some(3));
    assert_eq!(check_digit("L898902C3"), Some(6));
    assert_eq!(check_digit("ZE184226B<<<<<"), Some(1));
    assert_eq!(check_digit(""), Some(0));
    assert_eq!(check_digit("a"), None);
    assert_eq!(check_digit("\u{ff11}"), None);
}

#[test]
fn specimens_of_all_three_sizes_are_read_and_check() {
    for (text, format, number) in
        [(PASSPORT, "TD3", "L898902C3"), (CARD, "TD1", "D23145890"), (TWO, "TD2", "D23145890")]
    {
        let zone = good(text);
        assert_eq!(digits(&zone), 10_000, "{format}");
        assert_eq!(zone.problems, [""; 0], "{format}");
        assert_eq!(field(&zone, Field::Format), format);
        assert_eq!(field(&zone, Field::Number), number);
        assert_eq!((field(&zone, Field::Family), field(&zone, Field::Given)), ("ERIKSSON", "ANNA MARIA"));
        assert_eq!((field(&zone, Field::Issuer), field(&zone, Field::Nationality)), ("UTO", "UTO"));
        assert_eq!((field(&zone, Field::Birth), field(&zone, Field::Sex)), ("1974-08-12", "F"));
        assert_eq!(field(&zone, Field::Expiry), "2012-04-15");
        assert_eq!(zone.features[&id::NOT_EXPIRED], 0);
        assert_eq!(zone.features[&id::MRZ_PRESENT], 10_000);
    }
}

#[test]
fn the_card_of_the_specification_is_valid_until_2032() {
    let zone = good("IDUTOD231458907<<<<<<<<<<<<<<<\n7408122F3204153UTO<<<<<<<<<<<2\nERIKSSON<<ANNA<MARIA<<<<<<<<<<");
    assert_eq!((digits(&zone), zone.features[&id::NOT_EXPIRED]), (10_000, 10_000));
    assert_eq!(field(&zone, Field::Expiry), "2032-04-15");
}

#[test]
fn a_number_that_is_longer_than_nine_goes_on_in_the_optional_data() {
    let text = |digit| format!("I<UTOD23145890<734{digit}<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<COMPOSITE");
    let with = |digit: u32| {
        let line = text(digit).lines().next().expect("a line").to_owned();
        let second = "7408122F1204159UTO<<<<<<<<<<<";
        let all = format!("{}{}{}{}", &line[5..], &second[..7], &second[8..15], &second[18..]);
        format!("{line}\n{second}{}\nERIKSSON<<ANNA<MARIA<<<<<<<<<<", check_digit(&all).expect("permitted"))
    };
    let right = check_digit("D23145890734").expect("permitted");
    let zone = good(&with(right));
    assert_eq!((field(&zone, Field::Number), digits(&zone)), ("D23145890734", 10_000));
    let zone = good(&with((right + 1) % 10));
    assert_eq!((digits(&zone), zone.problems), (7500, vec!["check digit of document number is wrong".to_owned()]));
}

#[test]
fn every_wrong_check_digit_is_named_and_counted() {
    let zone = good(&PASSPORT.replace("7408122F", "7408123F"));
    // The whole zone covers the digit, too.
    assert_eq!(digits(&zone), 6000);
    assert_eq!(zone.problems, ["check digit of date of birth is wrong", "check digit of whole zone is wrong"]);
    let personal = good(&PASSPORT.replace("B<<<<<10", "B<<<<<00"));
    assert!(personal.problems.contains(&"check digit of personal number is wrong".to_owned()));
}

#[test]
fn an_unused_personal_number_may_have_no_check_digit() {
    let second = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<";
    let whole = format!("{}{}{}", &second[..10], &second[13..20], &second[21..]);
    for digit in ["<", "0"] {
        let all = check_digit(&format!("{whole}{digit}")).expect("permitted");
        let first = PASSPORT.lines().next().expect("a line");
        assert_eq!(digits(&good(&format!("{first}\n{second}{digit}{all}"))), 10_000, "{digit}");
    }
}

#[test]
fn letters_in_places_of_digits_are_read_as_digits_only_if_then_all_checks() {
    let confused = CARD.replace("7408122F", "74O8I2ZF");
    let zone = good(&confused);
    assert_eq!((digits(&zone), field(&zone, Field::Birth)), (10_000, "1974-08-12"));
    assert_eq!(zone.problems.len(), 1);
    let name = good(&PASSPORT.replace("ERIKSSON", "ER1K550N"));
    assert_eq!(name.problems, [""; 0], "names have no check digit, so nothing asks for a repair");
    let wrong = good(&CARD.replace("7408122F", "74O8I3ZF"));
    assert!(digits(&wrong) < 10_000 && !wrong.fields.contains_key(&Field::Birth));
    // Four in one line are too many.
    let four = good(&CARD.replace("7408122F1204159", "74O8I2ZFI204159"));
    assert!(digits(&four) < 10_000);
}

#[test]
fn what_is_no_zone_is_refused() {
    let long = "A".repeat(129);
    for text in ["", "P<UTO", &PASSPORT.replace('<', "_"), &PASSPORT.to_lowercase(), &PASSPORT[..88], &long] {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read(&PASSPORT.replacen('P', "V", 1)).is_err());
    assert!(read(&CARD.replacen('I', "Z", 1)).is_err());
    assert_eq!(Mrz.extract(&[0xff; 40], &Circumstances::default()), Err(ExtractError::Form("it is not text")));
    // Thirty bytes, but not thirty characters.
    assert!(read(&CARD.replacen("UTOD2", "UT\u{e9}2", 1)).is_err());
}

#[test]
fn fields_of_a_person_are_not_printed() {
    let shown = format!("{:?}", good(PASSPORT));
    assert!(!shown.contains("ERIKSSON") && !shown.contains("L898902C3"), "{shown}");
}

/// A zone with right check digits.
fn zone() -> impl Strategy<Value = String> {
    ("[A-Z0-9]{9}", 0u32..100, 1u32..13, 1u32..29, "[A-Z]{3,12}", "[A-Z]{3,9}", "[A-Z0-9]{0,14}").prop_map(
        |(number, year, month, day, family, given, personal)| {
            let digit = |text: &str| check_digit(text).expect("permitted");
            let date = format!("{year:02}{month:02}{day:02}");
            let first = format!("{:<<44}", format!("P<UTO{family}<<{given}"));
            let personal = format!("{personal:<<14}");
            let second = format!(
                "{number}{}UTO{date}{}F{date}{}{personal}{}",
                digit(&number),
                digit(&date),
                digit(&date),
                digit(&personal)
            );
            let all = format!("{}{}{}", &second[..10], &second[13..20], &second[21..43]);
            format!("{first}\n{second}{}", digit(&all))
        },
    )
}

proptest! {
    #[test]
    fn generated_zones_read_and_a_substitution_is_found_unless_values_differ_by_ten(
        zone in zone(), at in 0usize..43, letter in "[A-Z0-9<]",
    ) {
        prop_assert_eq!(digits(&good(&zone)), 10_000);
        let covered = at < 10 || (13..20).contains(&at) || at >= 21;
        let place = 45 + at;
        let old = &zone[place..=place];
        let value = |text: &str| text.chars().next().and_then(|c| c.to_digit(36)).unwrap_or(0);
        if covered && value(old) % 10 != value(&letter) % 10 {
            let changed = format!("{}{letter}{}", &zone[..place], &zone[place + 1..]);
            let read = good(&changed);
            let undone = read.problems.iter().any(|problem| problem.contains("confused"));
            prop_assert!(digits(&read) < 10_000 || undone, "{}", changed);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..140), text in "[A-Z0-9<]{30}\n[A-Z0-9<]{30}\n[A-Z0-9<]{30}") {
        let _ = Mrz.extract(&bytes, &Circumstances::default());
        let card = format!("I{}", &text[1..]);
        let read = good(&card);
        prop_assert!(digits(&read) <= 10_000);
    }
}
