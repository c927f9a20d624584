//! Tar extension headers, read with a bound: long names (GNU) and PAX records.

use std::io::Read;

use tar::EntryType;

use super::ImageError;
use super::unpack::{read_error, refuse};

/// Largest extension header.
const MAX_EXTENSION: u64 = 1 << 20;

/// What extension headers said about the next entry.
#[derive(Default)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<u64>,
    pub(super) size: Option<u64>,
}

/// Consumes an extension header; `false` when the entry is a real one.
pub(super) fn read_extension(kind: EntryType, entry: &mut impl Read, next: &mut Overrides) -> Result<bool, ImageError> {
    let is_extension = kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions();
    if !is_extension {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    let read = entry.take(MAX_EXTENSION + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if read as u64 > MAX_EXTENSION {
        return refuse(format!("an extension header larger than {MAX_EXTENSION} bytes"));
    }
    if kind.is_pax_global_extensions() {
        return Ok(true);
    }
    if !kind.is_pax_local_extensions() {
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        let slot = if kind.is_gnu_longname() { &mut next.path } else { &mut next.link };
        *slot = Some(bytes);
        return Ok(true);
    }
    for record in tar::PaxExtensions::new(&bytes) {
        let record = record.map_err(read_error)?;
        let value = record.value_bytes();
        let number = || {
            let text = std::str::from_utf8(value).ok()?;
            text.split('.').next()?.parse::<u64>().ok()
        };
        match record.key_bytes() {
            b"path" => next.path = Some(value.to_vec()),
            b"linkpath" => next.link = Some(value.to_vec()),
            b"uid" => next.uid = number(),
            b"gid" => next.gid = number(),
            b"mtime" => next.mtime = number(),
            b"size" => next.size = number(),
            key if key.starts_with(b"GNU.sparse") => {
                return refuse("sparse files are not supported in layers".to_owned());
            }
            _ => {}
        }
    }
    Ok(true)
}
