//! Issuer identification numbers of the members of AAMVA.

/// Where an issuer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    UnitedStates,
    Canada,
}

/// States, the district, territories, and the Department of State (636027).
const UNITED_STATES: &[&str] = &[
    "604427", "604430", "604431", "636000", "636001", "636002", "636003", "636004", "636005", "636006", "636007",
    "636008", "636009", "636010", "636011", "636014", "636015", "636018", "636019", "636020", "636021", "636022",
    "636023", "636024", "636025", "636026", "636027", "636029", "636030", "636031", "636032", "636033", "636034",
    "636035", "636036", "636037", "636038", "636039", "636040", "636041", "636042", "636043", "636045", "636046",
    "636047", "636049", "636050", "636051", "636052", "636053", "636054", "636055", "636058", "636059", "636060",
    "636061", "636062",
];

/// Provinces and territories.
const CANADA: &[&str] = &[
    "604426", "604428", "604429", "604432", "604433", "604434", "636012", "636013", "636016", "636017", "636028",
    "636044", "636048",
];

/// Country of an issuer; `None` for a number that no member has.
pub fn country(issuer: &str) -> Option<Country> {
    let lists = [(UNITED_STATES, Country::UnitedStates), (CANADA, Country::Canada)];
    lists.into_iter().find(|(list, _)| list.contains(&issuer)).map(|(_, country)| country)
}
