//! The schema (lexicon) of a post: what a PDS accepts.

use jiff::Timestamp;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::{refusals::bad_request, state::POSTS};
use crate::call::Answer;

pub(super) fn valid_tid(rkey: &str) -> Result<(), Answer> {
    let sortable = |c: char| matches!(c, '2'..='7' | 'a'..='z');
    let first = rkey.chars().next().is_some_and(|c| sortable(c) && c <= 'j');
    if first && rkey.len() == 13 && rkey.chars().all(sortable) {
        return Ok(());
    }
    let message = format!("Invalid record key for {POSTS}: {rkey} is not a valid TID");
    Err(bad_request(&message))
}

/// Refuses a record of a post that breaks the schema. As on a real PDS, the post that it replies to need
/// not exist.
pub(super) fn valid_post(record: &Value) -> Result<(), Answer> {
    const MAX_GRAPHEMES: usize = 300;
    const MAX_BYTES: usize = 3_000;
    time(record, "Record", "createdAt")?;
    let text = text(record, "Record", "text")?;
    if text.len() > MAX_BYTES {
        return Err(wrong("Record/text must not be longer than 3000 characters"));
    }
    if text.graphemes(true).count() > MAX_GRAPHEMES {
        return Err(wrong("Record/text must not be longer than 300 graphemes"));
    }
    if let Some(reply) = record.get("reply") {
        for end in ["root", "parent"] {
            let path = format!("Record/reply/{end}");
            reference(object(reply, "Record/reply", end)?, &path)?;
        }
    }
    if let Some(embed) = record.get("embed") {
        valid_embed(embed)?;
    }
    let facets = record.get("facets").map(|it| list(it, "Record/facets"));
    for (at, facet) in facets.transpose()?.into_iter().flatten().enumerate() {
        valid_facet(facet, &format!("Record/facets/{at}"))?;
    }
    Ok(())
}

fn valid_embed(embed: &Value) -> Result<(), Answer> {
    let path = "Record/embed";
    match text(embed, path, "$type")? {
        "app.bsky.embed.external" => {
            let external = object(embed, path, "external")?;
            let path = "Record/embed/external";
            address(external, path)?;
            text(external, path, "title")?;
            text(external, path, "description")?;
        }
        "app.bsky.embed.record" => {
            reference(object(embed, path, "record")?, "Record/embed/record")?;
        }
        // Other kinds of embeds are not looked at here.
        _ => {}
    }
    Ok(())
}

fn valid_facet(facet: &Value, path: &str) -> Result<(), Answer> {
    let index = object(facet, path, "index")?;
    for end in ["byteStart", "byteEnd"] {
        let path = format!("{path}/index");
        let value = index.get(end).ok_or_else(|| missing(&path, end))?;
        if value.as_u64().is_none() {
            return Err(wrong(&format!("{path}/{end} must be an integer")));
        }
    }
    let features = facet.get("features");
    let features = features.ok_or_else(|| missing(path, "features"))?;
    for (at, feature) in list(features, &format!("{path}/features"))?
        .iter()
        .enumerate()
    {
        let path = format!("{path}/features/{at}");
        match text(feature, &path, "$type")? {
            "app.bsky.richtext.facet#link" => address(feature, &path)?,
            "app.bsky.richtext.facet#mention" => person(feature, &path)?,
            _ => {}
        }
    }
    Ok(())
}

/// A reference to a record: its URI and its content id.
fn reference(value: &Value, path: &str) -> Result<(), Answer> {
    let uri = text(value, path, "uri")?;
    let parts: Vec<&str> = uri.split('/').collect();
    let whole = matches!(parts.as_slice(), ["at:", "", who, kind, key]
        if !who.is_empty() && kind.contains('.') && !key.is_empty());
    if !whole {
        return Err(wrong(&format!("{path}/uri must be a valid at-uri")));
    }
    let cid = text(value, path, "cid")?;
    if cid.len() < 8 || !cid.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(wrong(&format!("{path}/cid must be a cid string")));
    }
    Ok(())
}

/// A field `uri` with the address of a page.
fn address(value: &Value, path: &str) -> Result<(), Answer> {
    let uri = text(value, path, "uri")?;
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let letters = scheme.chars().all(|c| c.is_ascii_lowercase());
    if scheme.is_empty() || !letters || uri.contains(char::is_whitespace) {
        return Err(wrong(&format!("{path}/uri must be a uri")));
    }
    Ok(())
}

/// A field `did`.
fn person(value: &Value, path: &str) -> Result<(), Answer> {
    if text(value, path, "did")?.starts_with("did:") {
        return Ok(());
    }
    Err(wrong(&format!("{path}/did must be a valid did")))
}

fn time(value: &Value, path: &str, name: &str) -> Result<(), Answer> {
    text(value, path, name)?.parse::<Timestamp>().map_or_else(
        |_| {
            Err(wrong(&format!(
                "{path}/{name} must be an valid atproto datetime (both RFC-3339 and ISO-8601)"
            )))
        },
        |_| Ok(()),
    )
}

fn text<'a>(value: &'a Value, path: &str, name: &str) -> Result<&'a str, Answer> {
    let field = value.get(name).ok_or_else(|| missing(path, name))?;
    let not_text = || wrong(&format!("{path}/{name} must be a string"));
    field.as_str().ok_or_else(not_text)
}

fn object<'a>(value: &'a Value, path: &str, name: &str) -> Result<&'a Value, Answer> {
    let field = value.get(name).ok_or_else(|| missing(path, name))?;
    let not_object = || wrong(&format!("{path}/{name} must be an object"));
    Some(field)
        .filter(|it| it.is_object())
        .ok_or_else(not_object)
}

fn list<'a>(value: &'a Value, path: &str) -> Result<&'a Vec<Value>, Answer> {
    let not_list = || wrong(&format!("{path} must be an array"));
    value.as_array().ok_or_else(not_list)
}

fn missing(path: &str, name: &str) -> Answer {
    wrong(&format!(r#"{path} must have the property "{name}""#))
}

fn wrong(what: &str) -> Answer {
    bad_request(&format!("Invalid {POSTS} record: {what}"))
}
