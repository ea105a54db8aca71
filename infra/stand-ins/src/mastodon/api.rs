//! What the server answers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{Answer, Call, Message, Network, Person, Post, Reading, written},
    Actor, DOMAIN, Instance, KEY_REMEMBERED, Mark, Notification, State, Status, Token, status,
};

type Reply = Result<Answer, Answer>;

const FIVE_MINUTES: i64 = 5 * 60;
const MOST_REQUESTS: u32 = 300;

impl Network for State {
    fn answer(&mut self, call: &Call) -> Answer {
        let now = self.clock.now();
        // Whoever has no token is counted by where they come from, which is one place here.
        let who = call.bearer().unwrap_or("no token").to_owned();
        let window = self.requests.entry(who).or_default();
        let reading = window.count(now, MOST_REQUESTS, FIVE_MINUTES);
        let mut answer = match reading.exceeded {
            true => refusal(429, "Too many requests"),
            false => self.act(call).unwrap_or_else(|refusal| refusal),
        };
        answer.headers.extend(limit_headers(&reading));
        let token = call.bearer().and_then(|token| self.tokens.get(token));
        answer.authenticated_as = token.map(|token| token.account.clone());
        answer
    }

    fn failure(&self, status: u16) -> Answer {
        let error = match status {
            401 => "The access token is invalid",
            403 => "This action is not allowed",
            404 => "Record not found",
            410 => "The page you were looking for doesn't exist here anymore.",
            422 => "Validation failed",
            429 => "Too many requests",
            // What breaks further in front answers in its own way.
            500.. => return web_page(status),
            _ => "Bad request",
        };
        refusal(status, error)
    }

    fn rate_limited(&self, for_seconds: i64) -> Answer {
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&Reading {
            limit: MOST_REQUESTS,
            remaining: 0,
            reset: self.clock.now().as_second() + for_seconds,
            exceeded: true,
        });
        answer
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn knows(&self, person: &Person) -> bool {
        self.actors.contains_key(&person.id) || self.id_of(&person.handle).is_some()
    }

    fn welcome(&mut self, person: Person) {
        self.follow(person);
    }

    fn farewell(&mut self, handle: &str) -> bool {
        self.unfollow(handle)
    }

    fn follower_count(&self) -> u64 {
        self.count()
    }

    fn posts(&self) -> Vec<Post> {
        self.posts()
    }

    fn messages(&self) -> Vec<Message> {
        self.messages()
    }
}

fn refusal(status: u16, error: &str) -> Answer {
    Answer::json(status, &json!({ "error": error }))
}

fn not_found() -> Answer {
    refusal(404, "Record not found")
}

fn web_page(status: u16) -> Answer {
    let mut answer = refusal(status, "");
    answer.content_type = "text/html; charset=utf-8";
    answer.body = "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong</title></head><body></body></html>".to_owned();
    answer
}

fn limit_headers(reading: &Reading) -> Vec<(&'static str, String)> {
    let reset = Timestamp::from_second(reading.reset).unwrap_or(Timestamp::MAX);
    vec![
        ("x-ratelimit-limit", reading.limit.to_string()),
        ("x-ratelimit-remaining", reading.remaining.to_string()),
        // Written out, with microseconds; not in unix seconds as elsewhere.
        ("x-ratelimit-reset", format!("{reset:.6}")),
    ]
}

impl State {
    fn act(&mut self, call: &Call) -> Reply {
        let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "v2", "instance"]) => self.instance_v2(),
            ("GET", ["api", "v1", "instance"]) => Ok(self.instance_v1()),
            ("GET", ["api", "v1", "apps", "verify_credentials"]) => {
                let token = self.token(call)?;
                Ok(Answer::ok(&json!({
                    "id": "7",
                    "name": "Have a Hug",
                    "website": null,
                    "scopes": token.scopes,
                })))
            }
            ("GET", ["api", "v1", "accounts", "verify_credentials"]) => {
                let id = self.needs(call, "read:accounts")?.account.clone();
                self.account_of(&id)
            }
            ("GET", ["api", "v1", "accounts", "lookup"]) => {
                self.may(call, "read:accounts")?;
                let acct = call.parameter("acct").unwrap_or_default();
                let id = self.id_of(acct).ok_or_else(not_found)?;
                self.account_of(&id)
            }
            ("GET", ["api", "v1", "accounts", id]) => {
                self.may(call, "read:accounts")?;
                self.account_of(id)
            }
            ("GET", ["api", "v1", "accounts", id, "followers"]) => {
                let viewer = self.may(call, "read:accounts")?;
                self.list_followers(call, id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "accounts", id, "statuses"]) => {
                let viewer = self.may(call, "read:statuses")?;
                self.list_statuses(call, id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "notifications"]) => {
                let id = self.needs(call, "read:notifications")?.account.clone();
                self.list_notifications(call, &id)
            }
            ("POST", ["api", "v1", "statuses"]) => {
                let id = self.needs(call, "write:statuses")?.account.clone();
                self.post_status(call, &id)
            }
            ("GET", ["api", "v1", "statuses", id]) => {
                let viewer = self.may(call, "read:statuses")?;
                let status = self.visible(id, viewer.map(|token| token.account.as_str()))?;
                Ok(Answer::ok(&self.status_json(status)))
            }
            ("DELETE", ["api", "v1", "statuses", id]) => {
                let account = self.needs(call, "write:statuses")?.account.clone();
                self.delete_status(id, &account)
            }
            _ => Err(not_found()),
        }
    }

    /// The token, if there is one; with one that does not cover the call even what is open to
    /// everyone is refused.
    fn may(&self, call: &Call, scope: &str) -> Result<Option<&Token>, Answer> {
        match call.header("authorization") {
            None => Ok(None),
            Some(_) => self.needs(call, scope).map(Some),
        }
    }

    fn needs(&self, call: &Call, scope: &str) -> Result<&Token, Answer> {
        let token = self.token(call)?;
        let family = scope.split(':').next().unwrap_or(scope);
        let covers = |one: &String| one == scope || one == family;
        match token.scopes.iter().any(covers) {
            true => Ok(token),
            false => Err(refusal(403, "This action is outside the authorized scopes")),
        }
    }

    fn token(&self, call: &Call) -> Result<&Token, Answer> {
        call.bearer()
            .and_then(|token| self.tokens.get(token))
            .ok_or_else(|| refusal(401, "The access token is invalid"))
    }

    fn instance_v2(&self) -> Reply {
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

    fn instance_v1(&self) -> Answer {
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
            Instance::Fork => body["max_toot_chars"] = json!(self.longest),
            Instance::Silent => {}
        }
        Answer::ok(&body)
    }

    fn limits(&self) -> Value {
        json!({
            "max_characters": self.longest,
            "max_media_attachments": 4,
            "characters_reserved_per_url": 23,
        })
    }

    fn account_of(&self, id: &str) -> Reply {
        let actor = self.actors.get(id).ok_or_else(not_found)?;
        Ok(Answer::ok(&self.account_json(actor)))
    }

    fn profile_url(&self, actor: &Actor) -> String {
        let server = actor.server().unwrap_or(DOMAIN);
        format!("https://{server}/@{}", actor.username())
    }

    fn account_json(&self, actor: &Actor) -> Value {
        let who = &actor.person;
        let file = if who.picture {
            "own.png"
        } else {
            "missing.png"
        };
        let avatar = format!("{}/avatars/original/{file}", self.url);
        let header = format!("{}/headers/original/missing.png", self.url);
        let followers = match self.first_account() == who.id {
            true => self.count(),
            false => who.followers,
        };
        let url = self.profile_url(actor);
        let mut body = json!({
            "id": who.id,
            "username": actor.username(),
            "acct": who.handle,
            "display_name": who.name,
            "locked": false,
            "bot": who.bot,
            "discoverable": true,
            "group": actor.is(Mark::Group),
            // Only the day is told.
            "created_at": format!("{}T00:00:00.000Z", who.created_at.strftime("%Y-%m-%d")),
            "note": format!("<p>{}</p>", status::escaped(&who.bio)),
            "url": url,
            "uri": url,
            "avatar": avatar,
            "avatar_static": avatar,
            "header": header,
            "header_static": header,
            "followers_count": followers,
            "following_count": who.following,
            "statuses_count": who.posts,
            "last_status_at": null,
            "hide_collections": actor.hides_collections,
            "emojis": [],
            "fields": [],
        });
        if self.hides_counts {
            body["followers_count"] = json!(-1);
        }
        for (mark, name) in [
            (Mark::Limited, "limited"),
            (Mark::Suspended, "suspended"),
            (Mark::Memorial, "memorial"),
        ] {
            // Told only of whom it is true.
            if actor.is(mark) {
                body[name] = json!(true);
            }
        }
        if actor.is(Mark::Moved) {
            let mut moved = body.clone();
            moved["id"] = json!(format!("{}9", who.id));
            moved["acct"] = json!(format!("{}@new.example", actor.username()));
            body["moved"] = moved;
        }
        body
    }

    fn list_followers(&self, call: &Call, id: &str, viewer: Option<&str>) -> Reply {
        let actor = self.actors.get(id).ok_or_else(not_found)?;
        let closed = actor.hides_collections && viewer != Some(id);
        if closed || id != self.first_account() {
            return Ok(Answer::ok(&json!([])));
        }
        let limit = limit(call, 40);
        let before = before(call);
        let page: Vec<_> = self
            .follows
            .iter()
            .rev()
            .filter(|follow| follow.number < before)
            .take(limit)
            .collect();
        // Who is hidden leaves the page short, or empty; it leads on all the same.
        let shown: Vec<Value> = page
            .iter()
            .filter_map(|follow| self.actors.get(&follow.follower))
            .filter(|actor| !actor.person.hidden)
            .map(|actor| self.account_json(actor))
            .collect();
        let next = page.last().filter(|_| page.len() == limit);
        let next = next.map(|follow| follow.number);
        Ok(self.linked(call, &Value::Array(shown), limit, next))
    }

    fn list_statuses(&self, call: &Call, id: &str, viewer: Option<&str>) -> Reply {
        self.actors.get(id).ok_or_else(not_found)?;
        let limit = limit(call, 20);
        let before = before(call);
        let page: Vec<&Status> = self
            .statuses
            .iter()
            .rev()
            .filter(|status| status.author == id && status.number < before)
            .filter(|status| shows(status, viewer))
            .take(limit)
            .collect();
        let next = page.last().filter(|_| page.len() == limit);
        let next = next.map(|status| status.number);
        let shown = page.iter().map(|status| self.status_json(status)).collect();
        Ok(self.linked(call, &Value::Array(shown), limit, next))
    }

    fn list_notifications(&self, call: &Call, id: &str) -> Reply {
        let limit = limit(call, 40);
        let before = before(call);
        let kinds: Vec<&str> = call.parameters("types[]").collect();
        let page: Vec<&Notification> = self
            .notifications
            .iter()
            .rev()
            .filter(|one| one.account == id && one.number < before)
            .filter(|one| kinds.is_empty() || kinds.contains(&one.kind))
            .take(limit)
            .collect();
        let shown = page.iter().filter_map(|one| self.notification_json(one));
        let shown = Value::Array(shown.collect());
        // However short the page is.
        let next = page.last().map(|one| one.number);
        Ok(self.linked(call, &shown, limit, next))
    }

    fn notification_json(&self, one: &Notification) -> Option<Value> {
        let from = self.actors.get(&one.from)?;
        let mut body = json!({
            "id": one.number.to_string(),
            "type": one.kind,
            "created_at": written(one.at),
            "account": self.account_json(from),
        });
        if let Some(id) = &one.status {
            let status = self
                .statuses
                .iter()
                .find(|it| it.number.to_string() == *id)?;
            body["status"] = self.status_json(status);
        }
        Some(body)
    }

    /// A list, with the way to its next page in the `Link` header and nowhere else.
    fn linked(&self, call: &Call, list: &Value, limit: usize, next: Option<u64>) -> Answer {
        let mut answer = Answer::ok(list);
        let url = format!("{}{}", self.links_to, call.path);
        let mut links = Vec::new();
        if let Some(number) = next {
            let kinds: String = call
                .parameters("types[]")
                .map(|kind| format!("&types%5B%5D={kind}"))
                .collect();
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

    fn visible(&self, id: &str, viewer: Option<&str>) -> Result<&Status, Answer> {
        self.statuses
            .iter()
            .find(|status| status.number.to_string() == id && shows(status, viewer))
            .ok_or_else(not_found)
    }

    fn post_status(&mut self, call: &Call, account: &str) -> Reply {
        let actor = self.actors.get(account).ok_or_else(not_found)?;
        if actor.is(Mark::Moved) || actor.is(Mark::Suspended) {
            return Err(refusal(403, "Your login is currently disabled"));
        }
        let now = self.clock.now();
        let key = call.header("idempotency-key").unwrap_or_default();
        let key = (account.to_owned(), key.to_owned());
        if let Some((id, made_at)) = self.keys.get(&key)
            && now < *made_at + KEY_REMEMBERED
        {
            let status = self.visible(id, Some(account))?;
            return Ok(Answer::ok(&self.status_json(status)));
        }
        let field = |name| field(call, name);
        let text = field("status").unwrap_or_default();
        if text.trim().is_empty() {
            return Err(refusal(422, "Validation failed: Text can't be blank"));
        }
        if status::length(&text) > self.longest {
            let error = format!(
                "Validation failed: Text character limit of {} exceeded",
                self.longest
            );
            return Err(refusal(422, &error));
        }
        let visibility = field("visibility").unwrap_or_else(|| "public".to_owned());
        if !["public", "unlisted", "private", "direct"].contains(&visibility.as_str()) {
            let error = format!("'{visibility}' is not a valid visibility");
            return Err(refusal(422, &error));
        }
        let id = self.add_status(account, &text, &visibility, field("in_reply_to_id"));
        if !key.1.is_empty() {
            self.keys.insert(key, (id.clone(), now));
        }
        let status = self.visible(&id, Some(account))?;
        Ok(Answer::ok(&self.status_json(status)))
    }

    fn delete_status(&mut self, id: &str, account: &str) -> Reply {
        let at = self
            .statuses
            .iter()
            .position(|status| status.number.to_string() == id && status.author == account)
            .ok_or_else(not_found)?;
        let status = self.statuses.remove(at);
        let mut body = self.status_json(&status);
        body["text"] = json!(status.text);
        Ok(Answer::ok(&body))
    }

    fn status_json(&self, status: &Status) -> Value {
        let author = self.actors.get(&status.author);
        let profile = |handle: &str| {
            let actor = self.actors.get(&self.id_of(handle)?)?;
            Some(self.profile_url(actor))
        };
        let url = author.map(|author| format!("{}/{}", self.profile_url(author), status.number));
        let mentions: Vec<Value> = status
            .mentions
            .iter()
            .filter_map(|id| self.actors.get(id))
            .map(|actor| {
                json!({
                    "id": actor.person.id,
                    "username": actor.username(),
                    "acct": actor.person.handle,
                    "url": self.profile_url(actor),
                })
            })
            .collect();
        json!({
            "id": status.number.to_string(),
            "created_at": written(status.at),
            "in_reply_to_id": status.reply_to,
            "in_reply_to_account_id": null,
            "sensitive": false,
            "spoiler_text": "",
            "visibility": status.visibility,
            "language": "en",
            "uri": url,
            "url": url,
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 0,
            "content": status::html(&status.text, profile),
            "reblog": null,
            "account": author.map(|author| self.account_json(author)),
            "media_attachments": [],
            "mentions": mentions,
            "tags": [],
            "emojis": [],
            "card": null,
            "poll": null,
        })
    }
}

/// A status that only some may read is, to all others, not there.
fn shows(status: &Status, viewer: Option<&str>) -> bool {
    let open = matches!(status.visibility.as_str(), "public" | "unlisted");
    let involved = |viewer: &str| {
        status.author == viewer || status.mentions.iter().any(|mentioned| mentioned == viewer)
    };
    open || viewer.is_some_and(involved)
}

/// No limit is refused: it is taken for the largest there is.
fn limit(call: &Call, usual: usize) -> usize {
    let asked = call.parameter("limit").and_then(|text| text.parse().ok());
    asked.map_or(usual, |asked: usize| asked.clamp(1, 2 * usual))
}

fn before(call: &Call) -> u64 {
    let told = call.parameter("max_id").and_then(|text| text.parse().ok());
    told.unwrap_or(u64::MAX)
}

/// A field of the body, which may be JSON or a form.
fn field(call: &Call, name: &str) -> Option<String> {
    if let Some(body) = call.json() {
        return body.get(name)?.as_str().map(str::to_owned);
    }
    let form = String::from_utf8_lossy(&call.body);
    let form = format!("/?{form}").parse().ok()?;
    let axum::extract::Query(pairs) =
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&form).ok()?;
    pairs
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}
