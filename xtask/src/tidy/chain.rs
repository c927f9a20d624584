//! What code that every validator runs must not contain.

use super::{
    Violation,
    exceptions::Exceptions,
    tokens::{Kind, Token},
    tree::Tree,
};

/// Names that are refused wherever they stand.
const NAMES: &[(&str, &str)] = &[
    ("HashMap", "iteration order differs between runs; use BTreeMap"),
    ("HashSet", "iteration order differs between runs; use BTreeSet"),
    ("SystemTime", "validators' clocks differ; use the block's time"),
    ("Instant", "validators' clocks differ; use the block's time"),
    ("f32", "floats round differently; use Dec"),
    ("f64", "floats round differently; use Dec"),
    ("OsRng", "validators draw different numbers"),
    ("getrandom", "validators draw different numbers"),
    ("thread_local", "threads make order depend on the machine"),
    ("rayon", "threads make order depend on the machine"),
];

/// Arithmetic that goes on with a wrong number.
const WRAPPING: &[&str] = &["add", "sub", "mul", "div", "rem", "neg", "shl", "shr", "pow", "abs"];

/// Names that are refused as a segment of a path.
const PATH_SEGMENTS: &[(&str, &str)] = &[
    ("rand", "validators draw different numbers"),
    ("thread", "threads make order depend on the machine"),
    ("env", "validators' environments differ"),
];

/// No clock, randomness, float, hash order, thread, environment or wrapping arithmetic.
pub fn determinism(tree: &Tree, exceptions: &Exceptions) -> Vec<Violation> {
    each_token(tree, exceptions, "chain-determinism", |place| match place.token().kind {
        Kind::Ident => {
            let name = place.text(0);
            let find = |names: &[(&str, &'static str)]| names.iter().find(|(n, _)| *n == name).map(|(_, why)| *why);
            find(NAMES)
                .or_else(|| find(PATH_SEGMENTS).filter(|_| place.is_path_segment()))
                .or_else(|| wraps(name).then_some("a wrapped amount is a wrong amount; use checked arithmetic"))
                .map(|why| (name.to_owned(), why))
        }
        // After a dot, `0.1` is a field of a field of a tuple.
        Kind::Literal if is_float(place.text(0)) && place.text(-1) != "." => {
            Some(("float".to_owned(), "floats round differently; use Dec"))
        }
        _ => None,
    })
}

/// A panic stops every validator at the same block.
pub fn failures(tree: &Tree, exceptions: &Exceptions) -> Vec<Violation> {
    each_token(tree, exceptions, "chain-failures", |place| {
        let name = place.text(0);
        let method = place.text(-1) == "." && matches!(name, "unwrap" | "expect" | "unwrap_err" | "expect_err");
        let bang = place.text(1) == "!" && matches!(name, "panic" | "unreachable" | "todo" | "unimplemented");
        (method || bang).then(|| (name.to_owned(), "a panic here stops the chain; return a coded error"))
    })
}

/// A token with its neighbours.
struct Place<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Place<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    /// The token `offset` further; empty beyond the ends.
    fn text(&self, offset: isize) -> &str {
        let at = self.at.checked_add_signed(offset);
        at.and_then(|at| self.tokens.get(at)).map_or("", |token| token.text.as_str())
    }

    fn is_path_segment(&self) -> bool {
        let colons = |first, second| self.text(first) == ":" && self.text(second) == ":";
        colons(1, 2) || colons(-1, -2)
    }
}

fn each_token(
    tree: &Tree,
    exceptions: &Exceptions,
    rule: &'static str,
    judge: impl Fn(&Place<'_>) -> Option<(String, &'static str)>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, code) in tree.rust().filter(|(file, _)| file.is_chain()) {
        for at in 0..code.tokens.len() {
            let place = Place { tokens: &code.tokens, at };
            let Some((name, why)) = judge(&place).filter(|_| !place.token().in_test) else { continue };
            if !exceptions.chain(&file.path, &name) {
                let message = format!("`{name}`: {why}");
                found.push(Violation { path: file.path.clone(), line: place.token().line, rule, message });
            }
        }
    }
    found
}

fn wraps(name: &str) -> bool {
    let operation = name.strip_prefix("wrapping_").or_else(|| name.strip_prefix("overflowing_"));
    operation.is_some_and(|operation| WRAPPING.contains(&operation))
}

fn is_float(literal: &str) -> bool {
    let after_digits = literal.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    let exponent = after_digits
        .strip_prefix(['e', 'E'])
        .is_some_and(|rest| rest.starts_with(|c: char| "+-0123456789".contains(c)));
    after_digits.len() < literal.len()
        && (exponent || after_digits.starts_with('.') || matches!(after_digits, "f32" | "f64"))
}
