//! Records: posts and whatever else an account writes.

use serde_json::{Value, json};

use super::{
    ids::{cid, tid},
    parameters::{input, needed, required},
    refusals::{Reply, bad_request, refusal},
    schema::{valid_post, valid_tid},
    state::{POSTS, Record, State},
};
use crate::call::{Answer, Call};

/// What a request writes, and where.
struct Write {
    collection: String,
    rkey: String,
    value: Value,
    validated: bool,
}

impl State {
    pub(super) fn put_record(&mut self, call: &Call, did: &str) -> Reply {
        let body = input(call)?;
        let write = self.write(&body, did)?;
        let uri = format!("at://{did}/{}/{}", write.collection, write.rkey);
        let cid = cid(&write.value.to_string());
        let current = self.records.get(&uri).map(|record| record.cid.as_str());
        if current == Some(cid.as_str()) {
            return Ok(write_answer(&uri, &cid, None, write.validated));
        }
        let expected = match body.get("swapRecord") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(cid)) => Some(Some(cid.as_str())),
            Some(_) => return Err(bad_request("Error: Input/swapRecord must be a string")),
        };
        if expected.is_some_and(|expected| expected != current) {
            let found = current.unwrap_or("null");
            let message = format!("Record was at {found}");
            return Err(refusal(400, "InvalidSwap", &message));
        }
        Ok(self.store(uri, cid, did, write))
    }

    pub(super) fn get_record(&mut self, call: &Call) -> Reply {
        let repo = needed(call, "repo")?;
        let (collection, rkey) = (needed(call, "collection")?, needed(call, "rkey")?);
        let did = self
            .resolve(repo)
            .ok_or_else(|| bad_request(&format!("Could not find repo: {repo}")))?;
        let uri = format!("at://{did}/{collection}/{rkey}");
        match self.records.get(&uri) {
            Some(record) => Ok(Answer::ok(
                &json!({"uri": uri, "cid": record.cid, "value": record.value}),
            )),
            None => Err(refusal(
                400,
                "RecordNotFound",
                &format!("Could not locate record: {uri}"),
            )),
        }
    }

    fn own_repo(&self, body: &Value, did: &str) -> Result<(), Answer> {
        let repo = required(body, "repo")?;
        match self.resolve(repo) {
            None => Err(bad_request(&format!("Could not find repo: {repo}"))),
            Some(owner) if owner != did => Err(refusal(
                401,
                "AuthenticationRequired",
                "Authentication Required",
            )),
            Some(_) => Ok(()),
        }
    }

    fn write(&self, body: &Value, did: &str) -> Result<Write, Answer> {
        self.own_repo(body, did)?;
        let collection = required(body, "collection")?.to_owned();
        let mut value = body
            .get("record")
            .filter(|record| record.is_object())
            .cloned()
            .ok_or_else(|| bad_request(r#"Error: Input must have the property "record""#))?;
        if value.get("$type").is_none() {
            value["$type"] = json!(collection);
        }
        if value["$type"] != collection {
            let found = &value["$type"];
            let message = format!("Invalid $type: expected {collection}, got {found}");
            return Err(bad_request(&message));
        }
        let rkey = required(body, "rkey")?.to_owned();
        let validated = collection == POSTS && body.get("validate") != Some(&json!(false));
        if validated {
            valid_tid(&rkey)?;
            valid_post(&value)?;
        }
        Ok(Write {
            collection,
            rkey,
            value,
            validated,
        })
    }

    fn store(&mut self, uri: String, cid: String, did: &str, write: Write) -> Answer {
        let now = self.clock.now();
        let serial = self.next_serial();
        let answer = write_answer(&uri, &cid, Some(tid(now, serial)), write.validated);
        let record = Record {
            serial,
            collection: write.collection,
            author: did.to_owned(),
            cid,
            value: write.value,
            at: now,
        };
        self.records.insert(uri, record);
        answer
    }
}

fn write_answer(uri: &str, cid_: &str, rev: Option<String>, validated: bool) -> Answer {
    let status = if validated { "valid" } else { "unknown" };
    let mut body = json!({"uri": uri, "cid": cid_, "validationStatus": status});
    if let Some(rev) = rev {
        body["commit"] = json!({"cid": cid(&rev), "rev": rev});
    }
    Answer::ok(&body)
}
