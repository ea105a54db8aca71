//! What a reply says of the post that it replies to, and how that is kept until then.

use promise::letter::Receipt;
use serde_json::{Value, json};

/// The version of a post, and the first post of its thread: what a reply needs besides the address of the post.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The post's own.
    pub cid: String,
    pub root_uri: String,
    pub root_cid: String,
}

impl Place {
    /// How it is kept in a receipt. None of the three has a space in it.
    pub(super) fn key(&self) -> String {
        format!("{} {} {}", self.cid, self.root_uri, self.root_cid)
    }

    /// The place of the post with that receipt. A receipt that names no thread is that of a post that begins one. `None`
    /// where not even the post's version was kept.
    pub(super) fn of(post: &Receipt) -> Option<Self> {
        let kept = post.reply_key.as_deref()?;
        let mut parts = kept.split(' ').filter(|part| !part.is_empty());
        let cid = parts.next()?;
        let (root_uri, root_cid) = match (parts.next(), parts.next()) {
            (Some(uri), Some(cid)) => (uri, cid),
            _ => (post.reference.as_str(), cid),
        };
        Some(Self {
            cid: cid.to_owned(),
            root_uri: root_uri.to_owned(),
            root_cid: root_cid.to_owned(),
        })
    }

    /// What the record of a reply to the post `uri` says.
    pub(super) fn reply_to(&self, uri: &str) -> Value {
        json!({
            "root": { "uri": self.root_uri, "cid": self.root_cid },
            "parent": { "uri": uri, "cid": self.cid },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(key: Option<&str>) -> Receipt {
        Receipt {
            reference: "at://did:plc:cleo/app.bsky.feed.post/3k".to_owned(),
            url: None,
            reply_key: key.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let place = Place {
            cid: "bafyown".to_owned(),
            root_uri: "at://did:plc:amber/app.bsky.feed.post/3j".to_owned(),
            root_cid: "bafyroot".to_owned(),
        };
        let post = receipt(Some(&place.key()));
        assert_eq!(Place::of(&post), Some(place));
        let reply = Place::of(&post).unwrap().reply_to(&post.reference);
        assert_eq!(
            reply,
            json!({
                "root": { "uri": "at://did:plc:amber/app.bsky.feed.post/3j", "cid": "bafyroot" },
                "parent": { "uri": "at://did:plc:cleo/app.bsky.feed.post/3k", "cid": "bafyown" },
            })
        );
    }

    #[test]
    fn a_post_without_a_thread_is_the_root_itself() {
        let post = receipt(Some("bafyown"));
        let place = Place::of(&post).unwrap();
        assert_eq!(
            (place.root_uri, place.root_cid),
            (post.reference, "bafyown".to_owned())
        );
        assert_eq!(Place::of(&receipt(None)), None);
        assert_eq!(Place::of(&receipt(Some(" "))), None);
    }
}
