//! Lists as rows and columns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::text::{scalar, text};

/// A list of objects, or an object in which one field is such a list: a row for each. Everything else: a row for each
/// field.
pub fn table(value: &Value) -> String {
    match value {
        Value::Array(items) => of_list(items).unwrap_or_else(|| text(value)),
        Value::Object(fields) => {
            let lists: Vec<(&String, String)> =
                fields.iter().filter_map(|(name, value)| Some((name, of_list(value.as_array()?)?))).collect();
            match lists.as_slice() {
                [(list, rows)] => {
                    let mut rest = fields.clone();
                    rest.remove(*list);
                    if rest.is_empty() { rows.clone() } else { format!("{rows}\n{}", text(&rest.into())) }
                }
                _ => {
                    let rows = flat(value).into_iter().map(|(name, value)| vec![name, value]);
                    align(&[vec!["NAME".into(), "VALUE".into()]].into_iter().chain(rows).collect::<Vec<_>>())
                }
            }
        }
        other => text(other),
    }
}

/// `None` unless there are items and all are objects.
fn of_list(items: &[Value]) -> Option<String> {
    if items.is_empty() || !items.iter().all(Value::is_object) {
        return None;
    }
    let rows: Vec<BTreeMap<String, String>> = items.iter().map(flat).collect();
    let columns: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    let cell = |row: &BTreeMap<String, String>, column: &String| row.get(column).cloned().unwrap_or_else(|| "-".into());
    let mut lines = vec![columns.iter().map(|column| column.to_uppercase()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()));
    Some(align(&lines))
}

/// Fields of fields as `outer.inner`.
fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut cells = BTreeMap::new();
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            match cell(value) {
                Some(text) => drop(cells.insert(name.clone(), text)),
                None => {
                    let inner = flat(value);
                    cells.extend(inner.into_iter().map(|(below, text)| (format!("{name}.{below}"), text)));
                }
            }
        }
    }
    cells
}

/// One line; `None` for objects with fields of their own.
fn cell(value: &Value) -> Option<String> {
    let line = match (scalar(value), value) {
        (Some(line), _) => line,
        (None, Value::Array(items)) => {
            let parts: Option<Vec<String>> = items.iter().map(scalar).collect();
            parts.map_or_else(|| format!("{} entries", items.len()), |parts| parts.join(", "))
        }
        (None, _) => return None,
    };
    Some(line.replace('\n', " "))
}

fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}
