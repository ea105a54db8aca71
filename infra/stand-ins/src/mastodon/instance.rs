//! The documents about the server itself.

use serde_json::{Value, json};

use super::{
    refusals::{Reply, not_found},
    state::{DOMAIN, Instance, State},
};
use crate::call::Answer;

impl State {
    pub(super) fn instance_v2(&self) -> Reply {
        if self.instance != Instance::V2 {
            return Err(not_found());
        }
        Ok(Answer::ok(&json!({
            "domain": DOMAIN,
            "title": "A stand-in",
            "version": "4.5.0",
            "source_url": "https://github.com/mastodon/mastodon",
            "description": "",
            "languages": ["en"],
            "configuration": {"statuses": self.limits(), "urls": {}},
            "rules": [],
        })))
    }

    pub(super) fn instance_v1(&self) -> Answer {
        let mut body = json!({
            "uri": DOMAIN,
            "title": "A stand-in",
            "version": "3.5.19",
            "short_description": "",
            "description": "",
            "email": "",
            "urls": {},
            "stats": {"user_count": self.accounts.len(), "status_count": self.statuses.len(), "domain_count": 2},
            "languages": ["en"],
            "rules": [],
        });
        match self.instance {
            Instance::V2 | Instance::V1 => {
                body["configuration"] = json!({"statuses": self.limits()});
            }
            Instance::Fork => body["max_toot_chars"] = json!(self.max_characters),
            Instance::Silent => {}
        }
        Answer::ok(&body)
    }

    fn limits(&self) -> Value {
        json!({
            "max_characters": self.max_characters,
            "max_media_attachments": 4,
            "characters_reserved_per_url": 23,
        })
    }
}
