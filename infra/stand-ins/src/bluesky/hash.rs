//! Names made of hashes: content ids, DIDs, timestamp ids.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

/// 32 bytes that only the text decides. No cryptography: it only has to look the part.
pub(super) fn digest(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (part, chunk) in out.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    out
}

/// A content id in the right form (CIDv1, dag-cbor, sha-256), so that other clients can parse it.
pub(super) fn cid(text: &str) -> String {
    let mut bytes = vec![0x01, 0x71, 0x12, 0x20];
    bytes.extend(digest(text));
    format!("b{}", base32(&bytes))
}

pub(super) fn base32(bytes: &[u8]) -> String {
    in_alphabet(bytes, 5, b"abcdefghijklmnopqrstuvwxyz234567")
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    in_alphabet(
        bytes,
        6,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    )
}

/// Writes bytes in digits of `bits` bits, without padding.
fn in_alphabet(bytes: &[u8], bits: usize, alphabet: &[u8]) -> String {
    let bit = |at: usize| {
        let byte = bytes.get(at / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - at % 8) & 1)
    };
    (0..(bytes.len() * 8).div_ceil(bits))
        .map(|digit| (0..bits).fold(0, |value, at| value << 1 | bit(digit * bits + at)))
        .filter_map(|value| alphabet.get(value).copied().map(char::from))
        .collect()
}

/// A timestamp id; the serial in place of the clock id keeps two of one moment apart and in order.
pub(super) fn tid(at: Timestamp, serial: u64) -> String {
    const SORTABLE: &[u8] = b"234567abcdefghijklmnopqrstuvwxyz";
    let micros = u64::try_from(at.as_microsecond()).unwrap_or_default() + serial / 1024;
    let value = (micros << 10) | (serial % 1024);
    (0..13)
        .rev()
        .map(|digit| (value >> (digit * 5) & 31) as usize)
        .filter_map(|value| SORTABLE.get(value).copied().map(char::from))
        .collect()
}
