//! Text of the PDF417 barcode on American and Canadian driving licences and identity cards: AAMVA DL/ID Card Design
//! Standard, versions 1 to 10.
//!
//! The text is a header, a list of where its parts stand, and parts of lines that each begin with three letters that name
//! the element. Everything in it is as good as what printed it: the barcode is not signed.

mod issuers;

use std::collections::BTreeMap;

use ve_inference::features::id;

use crate::{Circumstances, Date, Extract, ExtractError, Extraction, Field};
use issuers::{Country, country};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

/// Most bytes that a PDF417 symbol holds.
const MAX_BYTES: usize = 2710;
/// Most elements of all parts.
const MAX_ELEMENTS: usize = 64;
/// Most parts.
const MAX_PARTS: usize = 10;
/// Longest value of an element.
const MAX_VALUE: usize = 128;
/// Versions whose elements are known.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=10;
const FILE_TYPE: &[u8] = b"@\n\x1e\rANSI ";

/// Reads the text of a barcode.
pub struct Aamva;

impl Extract for Aamva {
    fn limit(&self) -> usize {
        MAX_BYTES
    }

    fn read(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, ExtractError> {
        let header = Header::read(input)?;
        let elements = elements(input, &header)?;
        Ok(Card { header, elements }.extraction(at.today()))
    }
}

struct Header {
    issuer: String,
    version: u32,
    /// Where each part stands: offset and length.
    parts: Vec<(usize, usize)>,
}

/// Takes so many ASCII digits.
fn number(input: &[u8], from: usize, width: usize) -> Option<usize> {
    let text = std::str::from_utf8(input.get(from..from.checked_add(width)?)?).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Header {
    fn read(input: &[u8]) -> Result<Self, ExtractError> {
        const BROKEN: ExtractError = ExtractError::Form("the barcode has no AAMVA header");
        if !input.starts_with(FILE_TYPE) {
            return Err(BROKEN);
        }
        let at = FILE_TYPE.len();
        let issuer = number(input, at, 6).map(|issuer| format!("{issuer:06}")).ok_or(BROKEN)?;
        let version = number(input, at + 6, 2).ok_or(BROKEN)?;
        // The first version has no number of the jurisdiction's own version.
        let counted = if version == 1 { at + 8 } else { at + 10 };
        let count = number(input, counted, 2).ok_or(BROKEN)?;
        if !(1..=MAX_PARTS).contains(&count) {
            return Err(ExtractError::Form("the barcode names no part or too many"));
        }
        let part = |index: usize| {
            let at = counted + 2 + 10 * index;
            let (offset, length) = (number(input, at + 2, 4)?, number(input, at + 6, 4)?);
            let end = offset.checked_add(length)?;
            (offset >= counted + 2 + 10 * count && end <= input.len()).then_some((offset, length))
        };
        let parts = (0..count).map(part).collect::<Option<Vec<_>>>();
        // Two digits.
        let version = version as u32;
        parts
            .map(|parts| Self { issuer, version, parts })
            .ok_or(ExtractError::Form("a part lies outside of the barcode's text"))
    }
}

/// Values by the three letters of their element; the first one of a name counts.
fn elements(input: &[u8], header: &Header) -> Result<BTreeMap<String, String>, ExtractError> {
    let mut found = BTreeMap::new();
    let mut count = 0;
    for (offset, length) in &header.parts {
        let bytes = input.get(*offset..offset + length).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| ExtractError::Form("a part of the barcode is not text"))?;
        // Parts begin with two letters that name them, directly before the first element.
        let body = text.strip_prefix("DL").or_else(|| text.strip_prefix("ID")).or_else(|| text.get(2..));
        for line in body.unwrap_or_default().split(['\n', '\r']).filter(|line| !line.is_empty()) {
            count += 1;
            let plain = line.len() <= MAX_VALUE && line.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            if count > MAX_ELEMENTS || !plain {
                return Err(ExtractError::Form("the barcode has too many, too long or unprintable elements"));
            }
            if let Some((name, value)) = line.split_at_checked(3) {
                found.entry(name.to_owned()).or_insert_with(|| value.trim().to_owned());
            }
        }
    }
    Ok(found)
}

struct Card {
    header: Header,
    elements: BTreeMap<String, String>,
}

impl Card {
    /// The first of the named elements that says something.
    fn one_of(&self, names: &[&str]) -> Option<&str> {
        let said = |name: &&str| self.elements.get(*name).map(String::as_str);
        names.iter().filter_map(said).find(|value| !value.is_empty() && !["NONE", "unavl"].contains(value))
    }

    /// Dates are written as in the country of issue, and year first in the first version.
    fn date(&self, name: &str) -> Option<Date> {
        let year_first = self.country() == Some(Country::Canada) || self.header.version == 1;
        Date::of_long(self.one_of(&[name])?, year_first)
    }

    fn country(&self) -> Option<Country> {
        match self.one_of(&["DCG"]) {
            Some("USA") => Some(Country::UnitedStates),
            Some("CAN") => Some(Country::Canada),
            Some(_) => None,
            None => country(&self.header.issuer),
        }
    }

    fn family(&self) -> Option<&str> {
        // The first version has one element for the whole name, family name first.
        self.one_of(&["DCS", "DAB"]).or_else(|| self.one_of(&["DAA"])?.split(',').next())
    }

    /// Given names: of their own, in versions 2 and 3 together, in the first one perhaps within the whole name.
    fn given(&self) -> Option<String> {
        let first = self.one_of(&["DAC", "DCT"]).or_else(|| self.one_of(&["DAA"])?.split(',').nth(1));
        let all = [first, self.one_of(&["DAD"])].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let given = all.replace(',', " ").trim().to_owned();
        (!given.is_empty()).then_some(given)
    }

    fn extraction(&self, today: Date) -> Extraction {
        let mut out = Extraction::default();
        let (birth, expiry) = (self.date("DBB"), self.date("DBA"));
        out.field(Field::Format, format!("AAMVA {:02}", self.header.version));
        out.field(Field::Issuer, self.header.issuer.clone());
        let number = self.one_of(&["DAQ"]);
        number.into_iter().for_each(|number| out.field(Field::Number, number));
        self.family().into_iter().for_each(|family| out.field(Field::Family, family));
        self.given().into_iter().for_each(|given| out.field(Field::Given, given));
        birth.iter().for_each(|date| out.field(Field::Birth, date.to_string()));
        expiry.iter().for_each(|date| out.field(Field::Expiry, date.to_string()));
        match self.one_of(&["DBC"]) {
            Some("1" | "M") => out.field(Field::Sex, "M"),
            Some("2" | "F") => out.field(Field::Sex, "F"),
            _ => out.field(Field::Sex, "X"),
        }
        let issued = self.date("DBD");
        let known_country = country(&self.header.issuer);
        let checks = [
            (VERSIONS.contains(&self.header.version), "the version of the barcode is unknown"),
            (known_country.is_some(), "the issuer is unknown"),
            (known_country.is_none() || known_country == self.country(), "issuer and country do not belong together"),
            (number.is_some(), "the number is missing"),
            (self.family().is_some(), "the family name is missing"),
            (birth.is_some_and(|date| date <= today), "the date of birth is no past date"),
            (expiry.is_some(), "the date of expiry is no date"),
            (
                issued.is_none_or(|date| date <= today && expiry.is_none_or(|end| date <= end)),
                "the day of issue cannot be",
            ),
        ];
        let failed: Vec<String> =
            checks.iter().filter(|(holds, _)| !holds).map(|(_, problem)| (*problem).to_owned()).collect();
        out.flag(id::BARCODE_PRESENT, true);
        out.flag(id::BARCODE_VALID, failed.is_empty());
        expiry.iter().for_each(|date| out.flag(id::NOT_EXPIRED, *date >= today));
        out.problems = failed;
        out
    }
}
