//! Pages of lists.

use serde_json::Value;

use super::state::State;
use crate::call::{Answer, Call};

/// The size of a page. A limit that is too large is taken as the largest.
pub(super) fn limit(call: &Call, default: usize) -> usize {
    let asked = call.parameter("limit").and_then(|text| text.parse().ok());
    asked.map_or(default, |asked: usize| asked.clamp(1, 2 * default))
}

/// The number before which a page starts.
pub(super) fn before(call: &Call) -> u64 {
    let asked = call.parameter("max_id").and_then(|text| text.parse().ok());
    asked.unwrap_or(u64::MAX)
}

impl State {
    /// A page of a list. Only the `Link` header leads to the next page, which is before the number `next`.
    pub(super) fn linked(
        &self,
        call: &Call,
        list: &Value,
        limit: usize,
        next: Option<u64>,
    ) -> Answer {
        let mut answer = Answer::ok(list);
        let url = format!("{}{}", self.link_origin, call.path);
        let mut links = Vec::new();
        if let Some(number) = next {
            let kinds = call.parameters("types[]");
            let kinds: String = kinds.flat_map(|kind| ["&types%5B%5D=", kind]).collect();
            links.push(format!(
                r#"<{url}?limit={limit}&max_id={number}{kinds}>; rel="next""#
            ));
        }
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            links.push(format!(r#"<{url}?limit={limit}&min_id=1>; rel="prev""#));
        }
        if !links.is_empty() {
            answer.headers.push(("link", links.join(", ")));
        }
        answer
    }
}
