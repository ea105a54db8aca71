//! What the creator did, or tried to do. It may have failed, so it is a permission and no more.

use std::collections::{BTreeMap, BTreeSet};

use promise::hug::Hug;

use super::history::Deed;

#[derive(Default)]
pub struct Commands {
    /// What she did to each number.
    said: BTreeMap<u64, Vec<Said>>,
    /// Whom she erased.
    forgotten: BTreeSet<String>,
}

/// What the creator did to one hug.
struct Said {
    deed: Deed,
    /// For whom she approved it, the topic that she wrote or the link that she gave.
    with: Option<String>,
}

impl Commands {
    /// The creator is about to do that.
    pub fn says(&mut self, number: u64, deed: Deed, with: Option<String>) {
        let said = self.said.entry(number).or_default();
        said.push(Said { deed, with });
    }

    /// The creator is about to erase them.
    pub fn forgets(&mut self, id: String) {
        self.forgotten.insert(id);
    }

    pub fn forgets_id(&self, id: &str) -> bool {
        self.forgotten.contains(id)
    }

    pub fn is_forgotten(&self, hug: &Hug) -> bool {
        let follower = hug.follower.as_ref().map(|one| one.id.as_str());
        let mut names = follower.into_iter().chain(hug.chosen.as_deref());
        names.any(|name| self.forgotten.contains(name))
    }

    fn of(&self, number: u64) -> impl Iterator<Item = &Said> {
        self.said.get(&number).into_iter().flatten()
    }

    /// Whether she may have chosen that person for that number.
    pub fn is_chosen(&self, number: u64, id: &str) -> bool {
        let chose = |said: &Said| matches!(said.deed, Deed::ApproveFor(_));
        self.of(number)
            .any(|said| chose(said) && said.with.as_deref() == Some(id))
    }

    /// Whether she may have made the hug for that number, or chosen someone for it.
    pub fn has_chosen(&self, number: u64) -> bool {
        self.has_said(number, |deed| matches!(deed, Deed::ApproveFor(_)))
    }

    pub fn has_approved(&self, number: u64) -> bool {
        self.has_said(number, |deed| {
            matches!(deed, Deed::Approve | Deed::ApproveFor(_))
        })
    }

    pub fn has_sent(&self, number: u64) -> bool {
        self.has_said(number, |deed| matches!(deed, Deed::Sent | Deed::SentAt))
    }

    pub fn has_said(&self, number: u64, is_it: impl Fn(Deed) -> bool) -> bool {
        self.of(number).any(|said| is_it(said.deed))
    }

    /// Whether she gave that link for that number.
    pub fn has_given(&self, number: u64, link: &str) -> bool {
        let gave = |said: &Said| matches!(said.deed, Deed::Song(_));
        self.of(number)
            .any(|said| gave(said) && said.with.as_deref() == Some(link))
    }

    /// Whether she wrote that topic down.
    pub fn has_written(&self, number: u64, topic: &str) -> bool {
        self.of(number)
            .any(|said| said.deed == Deed::Topic && said.with.as_deref() == Some(topic))
    }
}
