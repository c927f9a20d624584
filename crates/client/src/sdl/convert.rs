//! Akash files to ours: the denominations change, every other byte stays, comments included.

use super::cursor::Cursor;
use super::error::{Position, SdlError};
use super::{Sdl, parse, yaml};

const FOREIGN: [&str; 2] = ["uakt", "uact"];

#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    pub text: String,
    /// Places of the denominations that were rewritten. Amounts are kept: one uakt becomes one uve.
    pub rewritten: Vec<Position>,
    pub sdl: Sdl,
}

/// Rewrites `uakt` and `uact` prices to `uve`, then checks the result.
pub fn convert(text: &str) -> Result<Converted, SdlError> {
    let root = yaml::read(text)?;
    let mut places = Vec::new();
    foreign_prices(&Cursor { node: &root, path: String::new() }, &mut places);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut rewritten = Vec::new();
    // From the end, so that earlier places on the same line keep their columns.
    places.sort_by_key(|at: &Position| std::cmp::Reverse((at.line, at.column)));
    places.dedup();
    for at in places {
        let Some(line) = lines.get_mut(at.line.saturating_sub(1)) else { continue };
        let start = line.char_indices().nth(at.column.saturating_sub(1)).map_or(line.len(), |(index, _)| index);
        let tail = line.split_off(start);
        let quoted = usize::from(tail.starts_with(['"', '\'']));
        match FOREIGN.iter().find(|denom| tail[quoted..].starts_with(*denom)) {
            Some(denom) => {
                line.push_str(&tail[..quoted]);
                line.push_str("uve");
                line.push_str(&tail[quoted + denom.len()..]);
                rewritten.push(at);
            }
            // An alias: the text stands at its anchor, which is in the list too.
            None => line.push_str(&tail),
        }
    }
    rewritten.reverse();
    let text = lines.concat();
    let sdl = parse(&text)?;
    Ok(Converted { text, rewritten, sdl })
}

fn foreign_prices(root: &Cursor<'_>, places: &mut Vec<Position>) {
    let Some(placements) = child(root, "profiles").and_then(|node| child(&cursor(node), "placement")) else { return };
    for (_, placement) in cursor(placements).entries().unwrap_or_default() {
        let Some(pricing) = child(&placement, "pricing") else { continue };
        for (_, price) in cursor(pricing).entries().unwrap_or_default() {
            let Some(denom) = child(&price, "denom") else { continue };
            let denom = cursor(denom);
            if denom.text().is_ok_and(|text| FOREIGN.contains(&text)) {
                places.push(denom.at());
            }
        }
    }
}

fn child<'a>(at: &Cursor<'a>, name: &str) -> Option<&'a yaml::Node> {
    at.entries().ok()?.into_iter().find(|(key, _)| key.text == name).map(|(_, value)| value.node)
}

fn cursor(node: &yaml::Node) -> Cursor<'_> {
    Cursor { node, path: String::new() }
}
