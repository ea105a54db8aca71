//! The `Link` header (RFC 8288), in which a server says where the next page is.

use reqwest::{
    Url,
    header::{HeaderMap, LINK},
};

/// The address of the page after the one at `url`; `None` after the last page. Only the `Link` header has it, because
/// a list is ordered by ids that it does not show.
///
/// # Errors
///
/// The address of the other server, where the next page is not on the same server: the token must not be sent there.
pub(super) fn next_page(url: &str, headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut links = headers
        .get_all(LINK)
        .iter()
        .filter_map(|link| link.to_str().ok());
    let Some(link) = links.find_map(|link| link_to("next", link)) else {
        return Ok(None);
    };
    let here = Url::parse(url).ok();
    let next = here.as_ref().and_then(|here| here.join(link).ok());
    match (here, next) {
        (Some(here), Some(next)) if here.origin() == next.origin() => Ok(Some(next.into())),
        (_, Some(next)) => Err(next.origin().ascii_serialization()),
        (_, None) => Err("nowhere".to_owned()),
    }
}

/// The target of the link with that relation in a `Link` header (RFC 8288).
pub(super) fn link_to<'a>(relation: &str, header: &'a str) -> Option<&'a str> {
    let mut rest = header;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, after) = link.split_once('>')?;
        // The next link begins after a comma; no relation contains one.
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, next) = after.split_at(end);
        let related = parameters.split([';', ',']).any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_whitespace()
                        .any(|one| one.eq_ignore_ascii_case(relation))
            })
        });
        if related {
            return Some(target);
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_any_order_and_spelling_of_a_link_header() {
        for header in [
            r#"<https://m.example/a?limit=80&max_id=7>; rel="next", <https://m.example/a?min_id=9>; rel="prev""#,
            r#"<https://m.example/a?min_id=9,8>; rel="prev", <https://m.example/a?limit=80&max_id=7>; rel="next""#,
            "<https://m.example/a?limit=80&max_id=7>;title=more ; REL=Next",
            r#"<https://m.example/a?limit=80&max_id=7>; rel="last next""#,
        ] {
            let next = Some("https://m.example/a?limit=80&max_id=7");
            assert_eq!(link_to("next", header), next, "{header}");
        }
        for header in [
            "",
            "next",
            "<https://m.example/a?rel=next",
            r#"<https://m.example/a?rel=next>; rel="prev""#,
            r#"<https://m.example/a>; title="next""#,
        ] {
            assert_eq!(link_to("next", header), None, "{header}");
        }
    }
}
