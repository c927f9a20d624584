//! Where the fields of each size of document stand. Source: ICAO Doc 9303 part 5 (TD1), part 6 (TD2), part 4 (TD3).

/// Characters of one line, from 0, the last one excluded.
#[derive(Clone, Copy)]
pub struct Span {
    pub line: usize,
    pub from: usize,
    pub to: usize,
}

impl Span {
    const fn new(line: usize, from: usize, to: usize) -> Self {
        Self { line, from, to }
    }

    /// The one character behind: where a field's check digit stands.
    pub fn after(self) -> Self {
        Self { line: self.line, from: self.to, to: self.to + 1 }
    }
}

pub struct Layout {
    pub name: &'static str,
    /// First letters of documents.
    pub kinds: &'static [u8],
    pub issuer: Span,
    pub number: Span,
    /// Where a number goes on that is longer than nine.
    pub continued: Option<Span>,
    pub nationality: Span,
    pub names: Span,
    pub birth: Span,
    pub sex: Span,
    pub expiry: Span,
    /// A number of the person with a check digit of its own.
    pub personal: Option<Span>,
    pub composite: &'static [Span],
    pub composite_digit: Span,
}

pub static TD1: Layout = Layout {
    name: "TD1",
    kinds: b"ACI",
    issuer: Span::new(0, 2, 5),
    number: Span::new(0, 5, 14),
    continued: Some(Span::new(0, 15, 30)),
    nationality: Span::new(1, 15, 18),
    names: Span::new(2, 0, 30),
    birth: Span::new(1, 0, 6),
    sex: Span::new(1, 7, 8),
    expiry: Span::new(1, 8, 14),
    personal: None,
    composite: &[Span::new(0, 5, 30), Span::new(1, 0, 7), Span::new(1, 8, 15), Span::new(1, 18, 29)],
    composite_digit: Span::new(1, 29, 30),
};

pub static TD2: Layout = Layout {
    name: "TD2",
    // Visas of this size begin with V; they have no check digit over the whole zone.
    kinds: b"ACIP",
    issuer: Span::new(0, 2, 5),
    number: Span::new(1, 0, 9),
    continued: Some(Span::new(1, 28, 35)),
    nationality: Span::new(1, 10, 13),
    names: Span::new(0, 5, 36),
    birth: Span::new(1, 13, 19),
    sex: Span::new(1, 20, 21),
    expiry: Span::new(1, 21, 27),
    personal: None,
    composite: &[Span::new(1, 0, 10), Span::new(1, 13, 20), Span::new(1, 21, 35)],
    composite_digit: Span::new(1, 35, 36),
};

pub static TD3: Layout = Layout {
    name: "TD3",
    kinds: b"P",
    issuer: Span::new(0, 2, 5),
    number: Span::new(1, 0, 9),
    continued: None,
    nationality: Span::new(1, 10, 13),
    names: Span::new(0, 5, 44),
    birth: Span::new(1, 13, 19),
    sex: Span::new(1, 20, 21),
    expiry: Span::new(1, 21, 27),
    personal: Some(Span::new(1, 28, 42)),
    composite: &[Span::new(1, 0, 10), Span::new(1, 13, 20), Span::new(1, 21, 43)],
    composite_digit: Span::new(1, 43, 44),
};
