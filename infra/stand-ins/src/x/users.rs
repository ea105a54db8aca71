//! Users and followers.

use serde_json::{Map, Value, json};

use super::{
    caller::{Asked, Caller, Reply},
    parameters::{Page, after, fields, list, max_results, valid_id, valid_name},
    refusals::{missing_user, unauthorized, with_errors},
    state::{State, User},
    text::escaped,
};
use crate::{
    call::{Answer, timestamp},
    person::Person,
};

pub(super) const USER_FIELDS: &str = "affiliation confirmed_email connection_status created_at description entities id \
    is_identity_verified location most_recent_post_id most_recent_tweet_id name parody \
    pinned_post_id pinned_tweet_id profile_banner_url profile_image_url protected \
    public_metrics receives_your_dm subscribes_to_you subscription subscription_type url \
    username verified verified_followers_count verified_type withheld";

impl State {
    pub(super) fn me(&mut self, asked: &Asked<'_>) -> Reply {
        let id = asked.caller.name().to_owned();
        self.one_user(asked, "id", &id, Some(id.clone()))
    }

    pub(super) fn user_by_name(&mut self, asked: &Asked<'_>) -> Reply {
        valid_name("username", &asked.subject)?;
        self.one_user(
            asked,
            "username",
            &asked.subject,
            self.id_of(&asked.subject),
        )
    }

    pub(super) fn user_by_id(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        self.one_user(asked, "id", &asked.subject, Some(asked.subject.clone()))
    }

    pub(super) fn users_by_name(&mut self, asked: &Asked<'_>) -> Reply {
        let names = list(asked.call, "usernames", valid_name)?;
        let ids = names.iter().map(|name| self.id_of(name)).collect();
        self.many_users(asked, "usernames", &names, ids)
    }

    pub(super) fn users_by_id(&mut self, asked: &Asked<'_>) -> Reply {
        let names = list(asked.call, "ids", valid_id)?;
        let ids = names.iter().map(|id| Some((*id).to_owned())).collect();
        self.many_users(asked, "ids", &names, ids)
    }

    fn one_user(
        &self,
        asked: &Asked<'_>,
        parameter: &str,
        value: &str,
        id: Option<String>,
    ) -> Reply {
        let fields = fields(asked.call, "user.fields", USER_FIELDS)?;
        Ok(Answer::ok(&match self.findable(parameter, value, id) {
            Ok(user) => json!({"data": self.user_json(user, &fields, &asked.caller)}),
            Err(error) => json!({"errors": [error]}),
        }))
    }

    fn many_users(
        &self,
        asked: &Asked<'_>,
        parameter: &str,
        values: &[&str],
        ids: Vec<Option<String>>,
    ) -> Reply {
        let fields = fields(asked.call, "user.fields", USER_FIELDS)?;
        let (mut data, mut errors) = (Vec::new(), Vec::new());
        for (value, id) in values.iter().zip(ids) {
            match self.findable(parameter, value, id) {
                Ok(user) => data.push(self.user_json(user, &fields, &asked.caller)),
                Err(error) => errors.push(error),
            }
        }
        Ok(Answer::ok(&with_errors(data, errors)))
    }

    pub(super) fn findable(
        &self,
        parameter: &str,
        value: &str,
        id: Option<String>,
    ) -> Result<&User, Value> {
        match id.and_then(|id| self.users.get(&id)) {
            Some(user) if user.person.hidden => Err(missing_user(
                parameter,
                value,
                "Forbidden",
                &format!("User has been suspended: [{value}]."),
            )),
            Some(user) => Ok(user),
            None => Err(missing_user(
                parameter,
                value,
                "Not Found Error",
                &format!("Could not find user with {parameter}: [{value}]."),
            )),
        }
    }

    pub(super) fn user_json(&self, user: &User, fields: &[&str], caller: &Caller) -> Value {
        let person = &user.person;
        let mut shown = Map::new();
        shown.insert("id".to_owned(), json!(person.id));
        shown.insert("name".to_owned(), json!(person.name));
        shown.insert("username".to_owned(), json!(person.handle));
        for field in fields {
            if let Some(value) = self.user_field(user, field, caller) {
                shown.insert((*field).to_owned(), value);
            }
        }
        Value::Object(shown)
    }

    fn user_field(&self, user: &User, field: &str, caller: &Caller) -> Option<Value> {
        let person = &user.person;
        match field {
            "created_at" => Some(json!(timestamp(person.created_at))),
            "description" => Some(json!(escaped(&person.bio))),
            "profile_image_url" => Some(json!(picture(person))),
            "protected" => Some(json!(user.protected)),
            "public_metrics" => Some(self.metrics(person)),
            "receives_your_dm" if *caller != Caller::App => Some(json!(!person.messages_closed)),
            "url" => Some(json!("")),
            "verified" => Some(json!(false)),
            "verified_type" => Some(json!("none")),
            _ => None,
        }
    }

    /// The number of posts has both of its names: `tweet_count` as in older payloads, and `post_count`,
    /// which X's own client requires.
    fn metrics(&self, person: &Person) -> Value {
        let (followers, made) = if self.accounts.contains(&person.id) {
            (self.count_of(&person.id), self.made_by(&person.id))
        } else {
            (person.followers, 0)
        };
        json!({
            "followers_count": followers,
            "following_count": person.following,
            "tweet_count": person.posts + made,
            "post_count": person.posts + made,
            "listed_count": 0,
            "like_count": person.posts * 3,
            "media_count": 0,
        })
    }

    fn made_by(&self, account: &str) -> u64 {
        let made = self.posts.iter().filter(|it| it.post.author == account);
        made.count() as u64
    }

    pub(super) fn followers(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        let max = max_results(asked.call, 1..=1000, 100)?;
        let after = after(asked.call)?;
        let fields = fields(asked.call, "user.fields", USER_FIELDS)?;
        let subject = Some(asked.subject.clone());
        let user = match self.findable("id", &asked.subject, subject) {
            Ok(user) => user,
            Err(error) => return Ok(Answer::ok(&json!({"errors": [error]}))),
        };
        if user.protected && !asked.caller.is(&asked.subject) {
            return Ok(Answer::ok(
                &json!({"errors": [unauthorized(&asked.subject)]}),
            ));
        }
        let newest_first = self.follows.get(&asked.subject).into_iter().flatten().rev();
        let page = Page::cut(newest_first.collect(), |it| it.serial, after, max);
        let listed: Vec<Value> = page
            .items
            .iter()
            .filter_map(|follow| self.users.get(&follow.follower))
            .filter(|user| !user.person.hidden)
            .map(|user| self.user_json(user, &fields, &asked.caller))
            .collect();
        Ok(Answer::ok(&page.answer(listed, Map::new())))
    }
}

fn picture(person: &Person) -> String {
    if person.picture {
        let id = &person.id;
        return format!("https://pbs.twimg.com/profile_images/{id}/a_normal.jpg");
    }
    "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png".to_owned()
}
