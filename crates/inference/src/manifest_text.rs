//! A manifest as text: fixed lines `key value`, so one manifest has one text and one hash.

use super::{FileEntry, MAX_FILES, MAX_TEXT, Manifest, ManifestError, ModelType, is_path};

const HEAD: &str = "VE-MODEL 1";

impl Manifest {
    /// The canonical text; every line ends in a line feed.
    pub fn to_text(&self) -> String {
        let mut lines = vec![
            HEAD.to_owned(),
            format!("name {}", self.name),
            format!("version {}", self.version),
            format!("type {}", self.kind.name()),
            format!("licence {}", self.licence),
            format!("bundle_hash {}", hex(&self.bundle_hash)),
            format!("training_dataset_hash {}", hex(&self.training_dataset_hash)),
            format!("training_code_hash {}", hex(&self.training_code_hash)),
            format!("eval_report_hash {}", hex(&self.eval_report_hash)),
            format!("model_card_hash {}", hex(&self.model_card_hash)),
        ];
        let file = |entry: &FileEntry| format!("file {} {} {}", hex(&entry.sha256), entry.size, entry.path);
        lines.extend(self.files.iter().map(file));
        lines.join("\n") + "\n"
    }

    /// Reads a canonical text; anything that [`Self::to_text`] would not write is refused.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_TEXT {
            return Err(ManifestError::Text(0));
        }
        let mut lines = Lines { rest: text, at: 0 };
        if lines.next()? != HEAD {
            return Err(ManifestError::Text(1));
        }
        let mut manifest = Self {
            name: lines.value("name", is_name)?.to_owned(),
            version: lines.value("version", is_version)?.to_owned(),
            kind: lines.parsed("type", ModelType::from_name)?,
            licence: lines.value("licence", is_licence)?.to_owned(),
            bundle_hash: lines.parsed("bundle_hash", unhex)?,
            training_dataset_hash: lines.parsed("training_dataset_hash", unhex)?,
            training_code_hash: lines.parsed("training_code_hash", unhex)?,
            eval_report_hash: lines.parsed("eval_report_hash", unhex)?,
            model_card_hash: lines.parsed("model_card_hash", unhex)?,
            files: Vec::new(),
        };
        while !lines.rest.is_empty() {
            let entry = lines.parsed("file", file)?;
            if manifest.files.last().is_some_and(|before| before.path >= entry.path) {
                return Err(ManifestError::Text(lines.at));
            }
            manifest.files.push(entry);
            if manifest.files.len() > MAX_FILES {
                return Err(ManifestError::Files(manifest.files.len()));
            }
        }
        if manifest.files.is_empty() { Err(ManifestError::Files(0)) } else { Ok(manifest) }
    }
}

struct Lines<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, ManifestError> {
        self.at += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or(ManifestError::Text(self.at))?;
        self.rest = rest;
        Ok(line)
    }

    fn parsed<T>(&mut self, key: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, ManifestError> {
        let value = self.next()?.strip_prefix(key).and_then(|rest| rest.strip_prefix(' '));
        value.and_then(parse).ok_or(ManifestError::Text(self.at))
    }

    fn value(&mut self, key: &str, valid: impl Fn(&str) -> bool) -> Result<&'a str, ManifestError> {
        self.parsed(key, |value| valid(value).then_some(value))
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    let number = |part: &&str| part.parse::<u32>().is_ok_and(|number| number.to_string() == **part);
    parts.len() == 3 && parts.iter().all(number)
}

fn is_licence(licence: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+() ".contains(&byte);
    (1..=128).contains(&licence.len()) && licence.bytes().all(plain) && licence.trim() == licence
}

fn file(value: &str) -> Option<FileEntry> {
    let (sha256, rest) = value.split_once(' ')?;
    let (size, path) = rest.split_once(' ')?;
    let number: u64 = size.parse().ok()?;
    let canonical = number.to_string() == size && is_path(path);
    canonical.then_some(())?;
    Some(FileEntry { path: path.to_owned(), size: number, sha256: unhex(sha256)? })
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (lower && text.len() == 64).then_some(())?;
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
