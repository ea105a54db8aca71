//! Identifiers: DIDs, handles, content ids, timestamp ids.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

/// The DID for a [`Person`](crate::Person)'s id: `did:plc:` and 24 characters made from it, or the id itself
/// if it is a DID.
pub fn did(id: &str) -> String {
    if id.starts_with("did:") {
        id.to_owned()
    } else {
        format!("did:plc:{}", base32(&digest(id)[..15]))
    }
}

/// The handle on Bluesky for a [`Person`](crate::Person)'s handle: the handle itself if it is a domain name,
/// otherwise a name below `bsky.social`.
pub fn domain(handle: &str) -> String {
    let handle = handle.to_lowercase();
    if handle.contains('.') {
        handle
    } else {
        format!("{handle}.bsky.social")
    }
}

/// 32 bytes that depend on the text alone. This is not cryptography: it only has to look like it.
pub(super) fn digest(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (part, chunk) in out.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    out
}

/// A content id of the right form (CIDv1, dag-cbor, sha-256), which other clients can parse.
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

/// A timestamp id. The serial is in place of the clock id, so that two ids of one moment differ and are
/// in order.
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
