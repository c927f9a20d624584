//! Machine-readable zones of travel documents: TD1, TD2 and TD3 of ICAO Doc 9303 parts 3 to 6.
//!
//! A zone is fixed columns of `A-Z`, `0-9` and `<`. Text from a camera confuses letters and digits; where a zone does not
//! check, at most three letters a line that stand in places of digits (or the reverse) are read as what they look like,
//! and only if then every check digit holds.

mod check;
mod layout;
mod repair;

use ve_inference::features::id;

use crate::{Circumstances, Date, Extract, ExtractError, Extraction, Field};
pub use check::check_digit;
use layout::{Layout, TD1, TD2, TD3};

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

/// Reads the lines of a zone as text.
pub struct Mrz;

/// Expiry dates lie at most so many years ahead.
const EXPIRY_AHEAD: u32 = 50;

impl Extract for Mrz {
    fn limit(&self) -> usize {
        // Three lines of 30 or two of 44, with ends of lines and some blanks.
        128
    }

    fn read(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, ExtractError> {
        let text = std::str::from_utf8(input).map_err(|_| ExtractError::Form("it is not text"))?;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let zone = Zone::new(&lines)?;
        let best = if zone.all_check() { zone } else { zone.repaired().unwrap_or(zone) };
        Ok(best.extraction(at.today()))
    }
}

/// Lines of one layout, all of permitted characters.
struct Zone {
    layout: &'static Layout,
    lines: Vec<String>,
    repaired: bool,
}

impl Zone {
    fn new(lines: &[&str]) -> Result<Self, ExtractError> {
        let widths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
        let layout = match widths.as_slice() {
            [30, 30, 30] => &TD1,
            [36, 36] => &TD2,
            [44, 44] => &TD3,
            _ => return Err(ExtractError::Form("a zone has three lines of 30, or two of 36 or of 44 characters")),
        };
        let permitted = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'<';
        if !lines.iter().all(|line| line.bytes().all(permitted)) {
            return Err(ExtractError::Form("a zone has capital letters, digits and `<` only"));
        }
        let first = lines.first().and_then(|line| line.bytes().next()).unwrap_or_default();
        if !layout.kinds.contains(&first) {
            return Err(ExtractError::Form("the first letter is not of a document of this size"));
        }
        Ok(Self { layout, lines: lines.iter().map(|line| (*line).to_owned()).collect(), repaired: false })
    }

    fn at(&self, span: layout::Span) -> &str {
        self.lines.get(span.line).and_then(|line| line.get(span.from..span.to)).unwrap_or_default()
    }

    /// Number of the document with its check digit: nine characters, or more that go on in the optional data.
    fn number(&self) -> (String, String) {
        let short = self.at(self.layout.number);
        let digit = self.at(self.layout.number.after());
        let Some(continued) = self.layout.continued.filter(|_| digit == "<") else {
            return (short.to_owned(), digit.to_owned());
        };
        let rest = self.at(continued).split('<').next().unwrap_or_default();
        match rest.char_indices().last() {
            Some((last, _)) => (format!("{short}{}", &rest[..last]), rest[last..].to_owned()),
            None => (short.to_owned(), digit.to_owned()),
        }
    }

    /// Whether each check digit holds: number, birth, expiry, where it exists and is used the personal number, all.
    fn checks(&self) -> Vec<(&'static str, bool)> {
        let layout = self.layout;
        let holds = |text: &str, digit: &str| check_digit(text).is_some_and(|expected| expected.to_string() == digit);
        let span = |span: layout::Span| holds(self.at(span), self.at(span.after()));
        let (number, digit) = self.number();
        let mut checks = vec![
            ("document number", holds(&number, &digit)),
            ("date of birth", span(layout.birth)),
            ("date of expiry", span(layout.expiry)),
        ];
        if let Some(personal) = layout.personal {
            let unused = self.at(personal).bytes().all(|byte| byte == b'<') && self.at(personal.after()) == "<";
            checks.push(("personal number", unused || span(personal)));
        }
        let all: String = layout.composite.iter().map(|span| self.at(*span)).collect();
        checks.push(("whole zone", holds(&all, self.at(layout.composite_digit))));
        checks
    }

    fn all_check(&self) -> bool {
        self.checks().iter().all(|(_, holds)| *holds)
    }

    /// The zone with confused characters replaced, if then everything checks.
    fn repaired(&self) -> Option<Self> {
        let lines = repair::repair(self.layout, &self.lines)?;
        let zone = Self { layout: self.layout, lines, repaired: true };
        zone.all_check().then_some(zone)
    }

    fn extraction(&self, today: Date) -> Extraction {
        let layout = self.layout;
        let mut out = Extraction::default();
        out.field(Field::Format, layout.name);
        out.field(Field::Issuer, self.at(layout.issuer).trim_end_matches('<'));
        out.field(Field::Number, self.number().0.trim_end_matches('<'));
        out.field(Field::Nationality, self.at(layout.nationality).trim_end_matches('<'));
        let (family, given) = self.at(layout.names).split_once("<<").unwrap_or((self.at(layout.names), ""));
        out.field(Field::Family, words(family));
        out.field(Field::Given, words(given));
        match self.at(layout.sex) {
            "<" => out.field(Field::Sex, "X"),
            sex @ ("F" | "M" | "X") => out.field(Field::Sex, sex),
            _ => out.problems.push("sex is none of F, M and <".into()),
        }
        let birth = Date::of_short(self.at(layout.birth), today, 0);
        let expiry = Date::of_short(self.at(layout.expiry), today, EXPIRY_AHEAD);
        birth.iter().for_each(|date| out.field(Field::Birth, date.to_string()));
        expiry.iter().for_each(|date| out.field(Field::Expiry, date.to_string()));
        self.judge(&mut out, birth, expiry, today);
        out
    }

    fn judge(&self, out: &mut Extraction, birth: Option<Date>, expiry: Option<Date>, today: Date) {
        let checks = self.checks();
        let wrong = checks.iter().filter(|(_, holds)| !holds);
        out.problems.extend(wrong.map(|(what, _)| format!("check digit of {what} is wrong")));
        let valid = checks.iter().filter(|(_, holds)| *holds).count();
        // At most five checks.
        let share = (valid * 10_000 / checks.len().max(1)) as u16;
        out.flag(id::MRZ_PRESENT, true);
        out.features.insert(id::MRZ_CHECK_DIGITS, share);
        match expiry {
            Some(date) => out.flag(id::NOT_EXPIRED, date >= today),
            None => out.problems.push("date of expiry is no date".into()),
        }
        if birth.is_none() {
            out.problems.push("date of birth is no date".into());
        }
        if self.repaired {
            out.problems.push("letters and digits were confused and read as what they look like".into());
        }
    }
}

/// `<` between words becomes a blank.
fn words(name: &str) -> String {
    name.split('<').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
