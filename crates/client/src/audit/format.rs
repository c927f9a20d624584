//! Three forms of the same entries, each of which reads back to the same bytes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ve_proto::ve::audit::v1::{Entry, Outcome};

use super::AuditError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON object on each line.
    Jsonl,
    /// RFC 4180 with a header.
    Csv,
    /// Common Event Format, version 0.
    Cef,
}

/// Names of the fields, in their order; numbers and hashes are text.
const FIELDS: [&str; 12] = [
    "seq",
    "height",
    "time",
    "actor",
    "module",
    "action",
    "resource_id",
    "outcome",
    "metadata_hash",
    "details_ref",
    "prev_hash",
    "hash",
];

type Row = [String; 12];

fn row(entry: &Entry) -> Row {
    [
        entry.seq.to_string(),
        entry.height.to_string(),
        entry.time.to_string(),
        entry.actor.clone(),
        entry.module.clone(),
        entry.action.clone(),
        entry.resource_id.clone(),
        entry.outcome().as_str_name().to_owned(),
        hex::encode(&entry.metadata_hash),
        entry.details_ref.clone(),
        hex::encode(&entry.prev_hash),
        hex::encode(&entry.hash),
    ]
}

fn entry(row: Row) -> Result<Entry, &'static str> {
    let [seq, height, time, actor, module, action, resource_id, outcome, metadata_hash, details_ref, prev_hash, hash] =
        row;
    let number = |text: &str| text.parse::<u64>().map_err(|_| "a number is none");
    let bytes = |text: &str| hex::decode(text).map_err(|_| "a hash is not hexadecimal");
    Ok(Entry {
        seq: number(&seq)?,
        height: number(&height)?,
        time: number(&time)?,
        actor,
        module,
        action,
        resource_id,
        outcome: Outcome::from_str_name(&outcome).ok_or("the outcome is unknown")?.into(),
        metadata_hash: bytes(&metadata_hash)?,
        details_ref,
        prev_hash: bytes(&prev_hash)?,
        hash: bytes(&hash)?,
    })
}

impl Format {
    pub fn write(self, entries: &[Entry]) -> Vec<u8> {
        let mut text = String::new();
        if self == Self::Csv {
            text.push_str(&FIELDS.join(","));
            text.push('\n');
        }
        for entry in entries {
            text.push_str(&match self {
                Self::Jsonl => json_line(&row(entry)),
                Self::Csv => row(entry).iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(","),
                Self::Cef => cef_line(&row(entry)),
            });
            text.push('\n');
        }
        text.into_bytes()
    }

    pub fn read(self, bytes: &[u8]) -> Result<Vec<Entry>, AuditError> {
        let text = std::str::from_utf8(bytes).map_err(|_| AuditError::Line(0, "the file is not UTF-8"))?;
        let skipped = usize::from(self == Self::Csv);
        if self == Self::Csv && text.lines().next() != Some(FIELDS.join(",").as_str()) {
            return Err(AuditError::Line(1, "the header is not that of an export"));
        }
        let parse = |line: &str| match self {
            Self::Jsonl => read_json(line),
            Self::Csv => read_csv(line),
            Self::Cef => read_cef(line),
        };
        let lines = text.lines().enumerate().skip(skipped);
        lines.map(|(at, line)| parse(line).and_then(entry).map_err(|cause| AuditError::Line(at + 1, cause))).collect()
    }
}

fn json_line(row: &Row) -> String {
    let fields = FIELDS.iter().zip(row).map(|(name, field)| ((*name).to_owned(), Value::String(field.clone())));
    Value::Object(fields.collect::<Map<_, _>>()).to_string()
}

fn read_json(line: &str) -> Result<Row, &'static str> {
    let Ok(Value::Object(object)) = serde_json::from_str(line) else { return Err("not a JSON object") };
    let fields = FIELDS.map(|name| object.get(name).and_then(Value::as_str).map(str::to_owned));
    if object.len() != FIELDS.len() || fields.iter().any(Option::is_none) {
        return Err("its fields are not those of an entry");
    }
    Ok(fields.map(Option::unwrap_or_default))
}

fn csv_field(field: &str) -> String {
    if field.contains(['"', ',']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

fn read_csv(line: &str) -> Result<Row, &'static str> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields.try_into().map_err(|_| "it has not twelve fields")
}

/// Names of the fields in the extension of CEF: standard keys where there are any.
const CEF: [&str; 12] = [
    "externalId",
    "veHeight",
    "rt",
    "suser",
    "veModule",
    "act",
    "veResource",
    "outcome",
    "veMetadataHash",
    "veDetails",
    "vePrevHash",
    "veHash",
];

fn cef_line(row: &Row) -> String {
    let header = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|");
    let extension = |text: &str| text.replace('\\', "\\\\").replace('=', "\\=");
    let [module, action] = [header(&row[4]), header(&row[5])];
    let fields: Vec<String> = CEF.iter().zip(row).map(|(name, field)| format!("{name}={}", extension(field))).collect();
    format!("CEF:0|VirtEngine|audit|1|{module}.{action}|{action}|3|{}", fields.join(" "))
}

/// The extension alone decides: the header repeats what stands in it.
fn read_cef(line: &str) -> Result<Row, &'static str> {
    let mut at = line.find("|3|externalId=").ok_or("it has no extension")? + 3;
    let mut fields = Vec::new();
    for (index, name) in CEF.iter().enumerate() {
        let rest = line[at..].strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        let rest = rest.ok_or("a key is missing or out of order")?;
        let end = match CEF.get(index + 1) {
            Some(next) => rest.find(&format!(" {next}=")).ok_or("a key is missing or out of order")?,
            None => rest.len(),
        };
        let field = &rest[..end];
        fields.push(field.replace("\\=", "=").replace("\\\\", "\\"));
        at = line.len() - rest.len() + end + 1;
        if index + 1 == CEF.len() {
            break;
        }
    }
    let row: Row = fields.try_into().map_err(|_| "it has not twelve fields")?;
    if cef_line(&row) == line { Ok(row) } else { Err("the header or an escape was changed") }
}
