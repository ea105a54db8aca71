//! Threads: what is above and below a status.

use serde_json::{Value, json};

use super::{
    refusals::Reply,
    state::{State, Status},
};
use crate::call::Answer;

/// How much of a thread a reader is shown.
struct Reach {
    above: usize,
    below: usize,
    depth: usize,
}

impl Reach {
    fn of(viewer: Option<&str>) -> Self {
        const ALL: usize = 4_096;
        match viewer {
            Some(_) => Self {
                above: ALL,
                below: ALL,
                depth: usize::MAX,
            },
            None => Self {
                above: 40,
                below: 60,
                depth: 20,
            },
        }
    }
}

impl State {
    pub(super) fn context_of(&self, id: &str, viewer: Option<&str>) -> Reply {
        let status = self.visible(id, viewer)?;
        let reach = Reach::of(viewer);
        let mut above = Vec::new();
        let mut next = status.reply_to.as_deref().and_then(|id| self.status(id));
        while let Some(parent) = next.filter(|_| above.len() < reach.above) {
            above.push(parent);
            next = parent.reply_to.as_deref().and_then(|id| self.status(id));
        }
        above.reverse();
        let mut below = Vec::new();
        self.gather(id, reach.depth, reach.below, &mut below);
        let shown = |list: Vec<&Status>| -> Vec<Value> {
            list.into_iter()
                .filter(|it| self.is_shown(it, viewer))
                .map(|it| self.status_json(it))
                .collect()
        };
        Ok(Answer::ok(
            &json!({"ancestors": shown(above), "descendants": shown(below)}),
        ))
    }

    /// Adds the replies to a status, each followed by its own replies.
    fn gather<'a>(&'a self, id: &str, depth: usize, max: usize, list: &mut Vec<&'a Status>) {
        if depth == 0 {
            return;
        }
        for reply in &self.statuses {
            if reply.reply_to.as_deref() == Some(id) && list.len() < max {
                list.push(reply);
                self.gather(&reply.id(), depth - 1, max, list);
            }
        }
    }

    fn is_shown(&self, status: &Status, viewer: Option<&str>) -> bool {
        let author = self.actors.get(&status.author);
        status.shows(viewer) && author.is_some_and(|actor| !actor.person.hidden)
    }
}
