use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_795_219_200;
const VIRGINIA: &[&str] = &[
    "DAQT64235789",
    "DCSSAMPLE",
    "DDEN",
    "DACMICHAEL",
    "DDFN",
    "DADJOHN",
    "DDGN",
    "DCUJR",
    "DCAD",
    "DCBK",
    "DCDPH",
    "DBD06062019",
    "DBB06061986",
    "DBA12102034",
    "DBC1",
    "DAU068 in",
    "DAYBRO",
    "DAG2300 WEST BROAD STREET",
    "DAIRICHMOND",
    "DAJVA",
    "DAK232690000  ",
    "DCF2424244747474786102204",
    "DCGUSA",
    "DCK123456789",
    "DDAF",
    "DDB06062018",
    "DDC06062020",
    "DDD1",
];

/// The text of a barcode with one part.
fn text(issuer: &str, version: &str, elements: &[&str]) -> Vec<u8> {
    let part = format!("DL{}\r", elements.join("\n"));
    let own = if version == "01" { "" } else { "00" };
    let offset = FILE_TYPE.len() + 6 + 2 + own.len() + 2 + 10;
    let head = format!("{issuer}{version}{own}01DL{offset:04}{:04}", part.len());
    [FILE_TYPE, head.as_bytes(), part.as_bytes()].concat()
}

fn read(input: &[u8]) -> Result<Extraction, ExtractError> {
    Aamva.extract(input, &Circumstances { now: NOW, ..Circumstances::default() })
}

fn good(input: &[u8]) -> Extraction {
    read(input).expect("a barcode")
}

fn field(extraction: &Extraction, field: Field) -> &str {
    extraction.fields.get(&field).map_or("", |value| value.reveal())
}

fn with(change: (&str, &str)) -> Vec<&'static str> {
    let changed: &'static str = Box::leak(change.1.to_owned().into_boxed_str());
    VIRGINIA.iter().map(|element| if element.starts_with(change.0) { changed } else { element }).collect()
}

#[test]
fn a_licence_of_the_united_states_is_read() {
    for version in ["04", "08", "10"] {
        let card = good(&text("636000", version, VIRGINIA));
        assert_eq!(card.problems, [""; 0]);
        assert_eq!((card.features[&id::BARCODE_PRESENT], card.features[&id::BARCODE_VALID]), (10_000, 10_000));
        assert_eq!(card.features[&id::NOT_EXPIRED], 10_000);
        assert_eq!((field(&card, Field::Number), field(&card, Field::Issuer)), ("T64235789", "636000"));
        assert_eq!((field(&card, Field::Family), field(&card, Field::Given)), ("SAMPLE", "MICHAEL JOHN"));
        assert_eq!((field(&card, Field::Birth), field(&card, Field::Expiry)), ("1986-06-06", "2034-12-10"));
        assert_eq!(field(&card, Field::Sex), "M");
    }
}

#[test]
fn canada_writes_the_year_first() {
    let elements = ["DAQA1234-56789", "DCSTREMBLAY", "DACLOUISE", "DBB19900228", "DBA20280228", "DBC2", "DCGCAN"];
    let card = good(&text("636012", "08", &elements));
    assert_eq!((card.problems.as_slice(), field(&card, Field::Birth)), ([].as_slice(), "1990-02-28"));
    // By the issuer alone.
    assert_eq!(good(&text("636012", "08", &elements[..6])).problems, [""; 0]);
    let american = good(&text("636000", "08", &elements));
    assert_eq!(american.problems, ["issuer and country do not belong together"]);
}

#[test]
fn older_versions_have_other_elements_for_names_and_dates() {
    let first = ["DAQ1", "DAASAMPLE,MICHAEL,JOHN", "DBB19860606", "DBA20301210", "DBC1"];
    let card = good(&text("636000", "01", &first));
    assert_eq!(card.problems, [""; 0]);
    assert_eq!((field(&card, Field::Family), field(&card, Field::Given)), ("SAMPLE", "MICHAEL"));
    let third = ["DAQ1", "DCSSAMPLE", "DCTMICHAEL,JOHN", "DBB06061986", "DBA12102030"];
    assert_eq!(field(&good(&text("636000", "03", &third)), Field::Given), "MICHAEL JOHN");
}

#[test]
fn what_cannot_be_makes_a_barcode_invalid_but_not_unread() {
    let cases: &[(Vec<u8>, &str)] = &[
        (text("636000", "11", VIRGINIA), "the version of the barcode is unknown"),
        (text("636000", "00", VIRGINIA), "the version of the barcode is unknown"),
        (text("636099", "10", VIRGINIA), "the issuer is unknown"),
        (text("636000", "10", &with(("DAQ", "DAQ"))), "the number is missing"),
        (text("636000", "10", &with(("DCS", "DCSNONE"))), "the family name is missing"),
        (text("636000", "10", &with(("DBB", "DBB02301986"))), "the date of birth is no past date"),
        (text("636000", "10", &with(("DBB", "DBB06062986"))), "the date of birth is no past date"),
        (text("636000", "10", &with(("DBA", "DBA20341210"))), "the date of expiry is no date"),
        (text("636000", "10", &with(("DBD", "DBD06062035"))), "the day of issue cannot be"),
    ];
    for (input, problem) in cases {
        let card = good(input);
        assert!(card.problems.contains(&(*problem).to_owned()), "{problem}: {:?}", card.problems);
        assert_eq!(card.features[&id::BARCODE_VALID], 0, "{problem}");
    }
}

#[test]
fn an_expired_licence_is_valid_and_expired() {
    let card = good(&text("636000", "10", &with(("DBA", "DBA11202026"))));
    assert_eq!((card.features[&id::BARCODE_VALID], card.features[&id::NOT_EXPIRED]), (10_000, 0));
    let today = good(&text("636000", "10", &with(("DBA", "DBA11212026"))));
    assert_eq!(today.features[&id::NOT_EXPIRED], 10_000);
}

#[test]
fn hostile_texts_are_refused() {
    let good = text("636000", "10", VIRGINIA);
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "cut at {length}");
    }
    let replaced = |from: &str, to: &str| String::from_utf8_lossy(&good).replacen(from, to, 1).into_bytes();
    // Behind the header, issuer, versions, count and the part's name.
    let offset = String::from_utf8_lossy(&good[23..27]).into_owned();
    for to in ["9999", "0000", "-001", "+001"] {
        assert!(read(&replaced(&format!("DL{offset}"), &format!("DL{to}"))).is_err(), "{to}");
    }
    assert!(read(&replaced("0001DL", "0000DL")).is_err());
    assert!(read(&replaced("0001DL", "0099DL")).is_err());
    assert!(read(&replaced("ANSI ", "AAMVA")).is_err());
    let escape = with(("DCS", "DCSSAM\u{1b}[31m"));
    assert!(read(&text("636000", "10", &escape)).is_err());
    assert!(read(&text("636000", "10", &with(("DCS", "DCS\u{202e}ELPMAS")))).is_err());
    assert!(read(&text("636000", "10", &with(("DCS", &format!("DCS{}", "A".repeat(126)))))).is_err());
    let many: Vec<String> = (0..65).map(|at| format!("Z{at:02}x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(read(&text("636000", "10", &many)).is_err());
    assert!(read(&text("636000", "10", &many[..64])).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..400, byte in any::<u8>(),
    ) {
        prop_assert!(read(&bytes).is_err());
        let _ = read(&[FILE_TYPE, b"6360001000", &bytes].concat());
        let mut changed = text("636000", "10", VIRGINIA);
        let at = at % changed.len();
        changed[at] = byte;
        if let Ok(card) = read(&changed) {
            prop_assert!([0, 10_000].contains(&card.features[&id::BARCODE_VALID]));
        }
    }
}
