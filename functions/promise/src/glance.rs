//! What a count is compared with, so that an account at which nothing happened costs one read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::UserId,
    milestone::Plan,
    record::{AccountRecord, HandleRecord},
};

/// An account at which a check has nothing to do but to compare its count, or to look at hugs that wait. A check leaves it
/// behind where that is so; where it is missing, the account is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// The account's id on its network.
    pub id: UserId,
    /// How many followed at the check.
    pub followers: u64,
    /// The mark after it.
    pub promised_up_to: u64,
    /// From when on the account is checked whatever its count is, because its login is to be tried then; `None` where it
    /// sends nothing.
    pub login_due_at: Option<Timestamp>,
    /// From when on the account is checked whatever its count is, because hugs wait; `None` where none do.
    pub hugs_due_at: Option<Timestamp>,
    /// A fingerprint of the settings that it was checked with.
    pub settings: String,
}

impl Glance {
    /// The value of [`hugs_due_at`](Self::hugs_due_at) where each check looks at the hugs.
    pub const AT_EACH_CHECK: Timestamp = Timestamp::UNIX_EPOCH;

    /// What a check leaves behind; `None` where the next check has more to do than a glance can say.
    ///
    /// `handle` is what is known of the handle after the check, `sends` is whether the account sends anything, and
    /// `hugs_due_at` is from when on its unsettled hugs are looked at.
    pub fn after(
        record: &AccountRecord,
        handle: &HandleRecord,
        plan: Plan,
        sends: bool,
        hugs_due_at: Option<Timestamp>,
        settings: String,
    ) -> Option<Self> {
        let (mark, followers) = (record.promised_up_to, record.followers);
        let near = plan.is_near(mark, followers, 0);
        let remembered = record.remembered.as_ref();
        let remembers_now = remembered.is_some_and(|kept| kept.followers == followers);
        let is_settled = record.leap.is_none()
            && record.pending.is_none()
            && record.answers_error().is_none()
            && handle.failing_since.is_none()
            && handle.login_error.is_none()
            && plan.owed(mark, followers).milestones.is_empty()
            && (!near || remembers_now);
        let login_due_at = match (sends, handle.login_is_due_at()) {
            (false, _) => None,
            (true, Some(due)) => Some(due),
            // It was never tried.
            (true, None) => return None,
        };
        is_settled.then(|| Self {
            id: record.id.clone(),
            followers,
            promised_up_to: mark,
            login_due_at,
            hugs_due_at,
            settings,
        })
    }

    /// Whether the account has to be checked whatever its count is.
    pub fn is_over(&self, settings: &str, now: Timestamp) -> bool {
        self.settings != settings || self.is_due(now)
    }

    /// Whether the login is to be tried, or hugs are to be looked at, now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.login_is_due(now) || self.hugs_are_due(now)
    }

    /// Whether a check of the account needs its login, now that `followers` follow: to try it, to hear answers, because
    /// a milestone is crossed, or because the settings have changed and nothing is known of the login that they mean.
    /// `answers_are_private` is whether answers can be read with the login alone.
    pub fn needs_login(
        &self,
        plan: Plan,
        settings: &str,
        answers_are_private: bool,
        followers: u64,
        now: Timestamp,
    ) -> bool {
        self.settings != settings
            || self.login_is_due(now)
            || (answers_are_private && self.hugs_are_due(now))
            || !plan
                .owed(self.promised_up_to, followers)
                .milestones
                .is_empty()
    }

    /// Whether a check reads the list of followers, now that `followers` follow.
    pub fn reads_the_list(&self, plan: Plan, followers: u64) -> bool {
        let grew = followers.saturating_sub(self.followers);
        // A milestone that is crossed is near, too.
        plan.is_near(self.promised_up_to, followers, grew)
    }

    fn login_is_due(&self, now: Timestamp) -> bool {
        self.login_due_at.is_some_and(|due| due <= now)
    }

    fn hugs_are_due(&self, now: Timestamp) -> bool {
        self.hugs_due_at.is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::record::Remembered;

    fn settled() -> (AccountRecord, HandleRecord) {
        let name = "x:amber".parse().unwrap();
        let record = AccountRecord::first(name, "7".into(), 550, Timestamp::UNIX_EPOCH);
        let handle = HandleRecord {
            login_tried_at: Some(Timestamp::UNIX_EPOCH),
            ..HandleRecord::default()
        };
        (record, handle)
    }

    fn after((record, handle): &(AccountRecord, HandleRecord)) -> Option<Glance> {
        Glance::after(record, handle, Plan::default(), true, None, "a".to_owned())
    }

    #[test]
    fn an_account_with_something_to_do_is_checked_even_if_its_count_stays() {
        assert!(after(&settled()).is_some());
        let cases: [fn(&mut AccountRecord, &mut HandleRecord); 6] = [
            |record, _| record.songs_error = Some("403".to_owned()),
            // It is near 600, and the top of the list is not remembered.
            |record, _| record.followers = 595,
            |record, _| record.followers = 600,
            |_, handle| handle.failing_since = Some(Timestamp::UNIX_EPOCH),
            |_, handle| handle.login_error = Some("401".to_owned()),
            |_, handle| handle.login_tried_at = None,
        ];
        for (case, change) in cases.into_iter().enumerate() {
            let mut known = settled();
            change(&mut known.0, &mut known.1);
            assert_eq!(after(&known), None, "case {case}");
        }
    }

    #[test]
    fn near_a_milestone_the_newest_followers_must_be_remembered_for_that_count() {
        let (mut record, handle) = settled();
        record.followers = 595;
        let mut with = |followers| {
            record.remembered = Some(Remembered {
                followers,
                newest: Vec::new(),
                at: Timestamp::UNIX_EPOCH,
            });
            after(&(record.clone(), handle.clone())).is_some()
        };
        assert!(with(595));
        assert!(!with(594));
    }

    #[test]
    fn it_is_over_when_the_login_or_hugs_are_due_or_the_settings_have_changed() {
        let mut glance = after(&settled()).unwrap();
        let day = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
        let before = day - SignedDuration::from_secs(1);
        assert!(!glance.is_over("a", before));
        assert!(glance.is_over("a", day) && glance.is_over("b", before));
        glance.hugs_due_at = Some(before);
        assert!(glance.is_over("a", before));
        assert!(!glance.is_over("a", before - SignedDuration::from_secs(1)));
        glance.hugs_due_at = Some(Glance::AT_EACH_CHECK);
        assert!(glance.is_over("a", Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn an_account_that_sends_nothing_needs_no_login() {
        let (record, _) = settled();
        let never = HandleRecord::default();
        let plan = Plan::default();
        let glance = Glance::after(&record, &never, plan, false, None, String::new()).unwrap();
        assert_eq!(glance.login_due_at, None);
    }

    #[test]
    fn the_login_is_needed_to_try_it_for_private_answers_at_a_crossing_and_with_other_settings() {
        let (now, plan) = (Timestamp::UNIX_EPOCH, Plan::default());
        let mut glance = after(&settled()).unwrap();
        let needs = |glance: &Glance, answers_are_private, followers| {
            glance.needs_login(plan, "a", answers_are_private, followers, now)
        };
        assert!(!needs(&glance, true, 599) && needs(&glance, true, 600));
        assert!(glance.needs_login(plan, "b", false, 599, now));
        glance.hugs_due_at = Some(Glance::AT_EACH_CHECK);
        assert!(needs(&glance, true, 599) && !needs(&glance, false, 599));
        glance.login_due_at = Some(now);
        assert!(needs(&glance, false, 599));
    }

    #[test]
    fn the_list_is_read_near_a_milestone_and_at_one() {
        let glance = after(&settled()).unwrap();
        let reads = |followers| glance.reads_the_list(Plan::default(), followers);
        assert!(!reads(549) && !reads(553));
        assert!(reads(595) && reads(600) && reads(705));
        assert!(reads(575), "it grew by 25 since the last check");
    }
}
