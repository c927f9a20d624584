//! How typed keys become bytes.
//!
//! A key is `len(module) module tag component…`. Every component delimits itself, so no key of one map is a prefix of
//! another key, no two maps share a key (tags are unique within a module), and scanning by leading components is a
//! byte-prefix scan. Order of bytes is order of values for every component except addresses of unequal length.

use ve_base::{Address, BlockTime, Denom};

/// Why bytes are not the key that a map expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub &'static str);

/// A key component, or a tuple of up to four of them. Implementations must delimit themselves: no encoding may be a
/// prefix of another encoding of the same type. Build own types from the ones given here.
pub trait Key: Sized {
    fn write(&self, out: &mut Vec<u8>);

    /// Takes one component off the front of `input`; refuses bytes that [`Key::write`] does not produce.
    fn read(input: &mut &[u8]) -> Result<Self, KeyError>;

    fn to_key(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.write(&mut out);
        out
    }

    /// The whole of `bytes` as one key.
    fn from_key(mut bytes: &[u8]) -> Result<Self, KeyError> {
        let key = Self::read(&mut bytes)?;
        if bytes.is_empty() { Ok(key) } else { Err(KeyError("key with trailing bytes")) }
    }
}

/// Takes `N` bytes off the front of `input`.
pub fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], KeyError> {
    let (head, tail) = input.split_first_chunk::<N>().ok_or(KeyError("key is cut short"))?;
    *input = tail;
    Ok(*head)
}

macro_rules! integer_keys {
    ($($integer:ty),*) => {$(
        impl Key for $integer {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
                take(input).map(Self::from_be_bytes)
            }
        }
    )*};
}

integer_keys!(u8, u16, u32, u64, u128);

/// Sign bit flipped, so that negative numbers come first.
impl Key for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        (self.cast_unsigned() ^ (1 << 63)).write(out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        Ok((u64::read(input)? ^ (1 << 63)).cast_signed())
    }
}

impl Key for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        match u8::read(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(KeyError("boolean key component is neither 0 nor 1")),
        }
    }
}

impl<const N: usize> Key for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        take(input)
    }
}

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0x01;

/// Bytes of any length: 00 becomes `00 FF` and `00 01` ends them. Unlike a length in front this keeps the order of the
/// bytes, so that text scans alphabetically.
pub fn write_terminated(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == ESCAPE {
            out.push(ESCAPED_ZERO);
        }
    }
    out.extend_from_slice(&[ESCAPE, END]);
}

/// Reverses [`write_terminated`].
pub fn read_terminated(input: &mut &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut bytes = Vec::new();
    loop {
        match take::<1>(input)? {
            [ESCAPE] => match take::<1>(input)? {
                [ESCAPED_ZERO] => bytes.push(0),
                [END] => return Ok(bytes),
                _ => return Err(KeyError("text key component is not escaped")),
            },
            [byte] => bytes.push(byte),
        }
    }
}

impl Key for Vec<u8> {
    fn write(&self, out: &mut Vec<u8>) {
        write_terminated(self, out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        read_terminated(input)
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_terminated(self.as_bytes(), out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        String::from_utf8(read_terminated(input)?).map_err(|_| KeyError("text key component is not UTF-8"))
    }
}

impl Key for BlockTime {
    fn write(&self, out: &mut Vec<u8>) {
        self.seconds.write(out);
        self.nanos.write(out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        Ok(Self { seconds: i64::read(input)?, nanos: u32::read(input)? })
    }
}

/// Length in one byte, then the bytes: addresses have at most 255.
impl Key for Address {
    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.as_bytes();
        out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(bytes);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        let [length] = take(input)?;
        let (bytes, rest) = input.split_at_checked(usize::from(length)).ok_or(KeyError("key is cut short"))?;
        *input = rest;
        Self::try_from(bytes).map_err(|_| KeyError("address key component is empty"))
    }
}

impl Key for Denom {
    fn write(&self, out: &mut Vec<u8>) {
        write_terminated(self.as_str().as_bytes(), out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        String::read(input)?.parse().map_err(|_| KeyError("key component is not a denomination"))
    }
}

macro_rules! tuple_keys {
    ($(($($part:ident),+))*) => {$(
        impl<$($part: Key),+> Key for ($($part,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                #[allow(non_snake_case)]
                let ($($part,)+) = self;
                $($part.write(out);)+
            }

            fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
                Ok(($($part::read(input)?,)+))
            }
        }
    )*};
}

tuple_keys!((A)(A, B)(A, B, C)(A, B, C, D));

/// What may be given where a map wants a key of type `K`: `&K`, or a tuple of references to its parts.
pub trait AsKey<K> {
    fn write_key(&self, out: &mut Vec<u8>);
}

/// What may be given as the leading part of a key of type `K`: a reference to its first component, a tuple of
/// references to its first components, or a whole key.
pub trait AsPrefix<K> {
    fn write_prefix(&self, out: &mut Vec<u8>);
}

impl<K: Key> AsKey<K> for &K {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl AsKey<String> for &str {
    fn write_key(&self, out: &mut Vec<u8>) {
        write_terminated(self.as_bytes(), out);
    }
}

impl AsKey<Vec<u8>> for &[u8] {
    fn write_key(&self, out: &mut Vec<u8>) {
        write_terminated(self, out);
    }
}

impl AsPrefix<String> for &str {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write_key(out);
    }
}

impl<K: Key> AsPrefix<K> for &K {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl<A: Key, B: Key> AsPrefix<(A, B)> for &A {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl<A: Key, B: Key, C: Key> AsPrefix<(A, B, C)> for &A {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl<A: Key, B: Key, C: Key, D: Key> AsPrefix<(A, B, C, D)> for &A {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl<A: Key> AsKey<(A, String)> for (&A, &str) {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        write_terminated(self.1.as_bytes(), out);
    }
}

impl<A: Key> AsPrefix<(A, String)> for (&A, &str) {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.write_key(out);
    }
}

impl<B: Key> AsPrefix<(String, B)> for &str {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        write_terminated(self.as_bytes(), out);
    }
}

impl<B: Key> AsKey<(String, B)> for (&str, &B) {
    fn write_key(&self, out: &mut Vec<u8>) {
        write_terminated(self.0.as_bytes(), out);
        self.1.write(out);
    }
}

macro_rules! borrowed_tuples {
    ($($trait:ident $method:ident ($($part:ident),+) of ($($whole:ident),+);)*) => {$(
        impl<$($whole: Key),+> $trait<($($whole,)+)> for ($(&$part,)+) {
            fn $method(&self, out: &mut Vec<u8>) {
                #[allow(non_snake_case)]
                let ($($part,)+) = self;
                $($part.write(out);)+
            }
        }
    )*};
}

borrowed_tuples! {
    AsKey write_key (A, B) of (A, B);
    AsKey write_key (A, B, C) of (A, B, C);
    AsKey write_key (A, B, C, D) of (A, B, C, D);
    AsPrefix write_prefix (A, B) of (A, B);
    AsPrefix write_prefix (A, B) of (A, B, C);
    AsPrefix write_prefix (A, B, C) of (A, B, C);
    AsPrefix write_prefix (A, B) of (A, B, C, D);
    AsPrefix write_prefix (A, B, C) of (A, B, C, D);
    AsPrefix write_prefix (A, B, C, D) of (A, B, C, D);
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
