//! Accounts that hug.toml does not name: their settings are in the ledger's table, with the sealed login. Whatever
//! hug.toml allows for an account, these settings allow, and the same parser reads them.

use jiff::Timestamp;
use promise::{account::AccountName, rules::SecretRule};

use crate::{
    ledger::{Enrolled, EnrolledSettings, Ledger, LedgerError, LedgerFailure, Snapshot},
    seal::{Owner, Seal, SealError},
    secret::Credentials,
    settings::{Account, NotServed, Settings, name_for_all},
};

/// An account whose settings are in the table.
#[derive(Clone, Debug)]
pub struct Enrollment {
    /// What its creator wants for it. Its credentials are the secrets of the developer's app, so nothing is sent with
    /// them; or why it is not served.
    pub account: Account,
    /// Its login, sealed.
    login: Option<String>,
}

impl Enrollment {
    /// Reads what the table has of the account.
    ///
    /// # Errors
    ///
    /// A mistake in it.
    pub fn read(
        name: &AccountName,
        kept: EnrolledSettings,
        of_the_app: Credentials,
    ) -> Result<Self, NotServed> {
        let file = format!("what the table has as the settings of {name}");
        let failed = |why| NotServed::NotUsable {
            account: name.clone(),
            attempted: "reading the settings",
            why,
            retry_can_help: false,
        };
        let read = Settings::parse(&kept.settings, &file, &|_| None);
        let mut accounts = read.map_err(|error| failed(error.to_string()))?.accounts;
        let account = accounts.pop().filter(|account| account.name == *name);
        let Some(mut account) = account.filter(|_| accounts.is_empty()) else {
            return Err(failed(format!(
                "{file} must name this account and no other"
            )));
        };
        if account.is_active() {
            account.credentials = Ok(of_the_app);
        }
        account.is_enrolled = true;
        Ok(Self {
            account,
            login: kept.login,
        })
    }

    /// Reads the settings of the account from the table.
    ///
    /// # Errors
    ///
    /// Where the table has none, where there is a mistake in them, or where the ledger fails.
    pub async fn find(
        ledger: &Ledger,
        settings: &Settings,
        name: &AccountName,
    ) -> Result<Self, NotServed> {
        match ledger.enrolled(name).await {
            Ok(Some(kept)) => Self::read(name, kept, settings.of_the_app(name.network)),
            Ok(None) => Err(settings.unknown(name).into()),
            Err(error) => Err(not_read(name, &error)),
        }
    }

    /// What the roster says of it.
    pub fn row(&self) -> Enrolled {
        Enrolled {
            server: self.account.server.clone(),
            appview: self.account.appview.clone(),
            active: self.account.is_active(),
        }
    }

    /// The account with the secrets that are enough to read its count and its followers: those of the developer's app.
    ///
    /// # Errors
    ///
    /// It is switched off, or one of these secrets is missing.
    pub fn to_read(&self) -> Result<Account, NotServed> {
        let account = self.account.clone();
        let credentials = account.credentials.as_ref().map_err(Clone::clone)?;
        need(&account.name, credentials, account.rules().secrets_to_read)?;
        Ok(account)
    }

    /// The account with its own login, which is opened for that. Where nothing is sent for the account, it has none.
    ///
    /// # Errors
    ///
    /// It is switched off, it has no login, the login cannot be opened, or a secret of the developer's app is missing.
    pub async fn to_send(&self, seal: Option<&Seal>, now: Timestamp) -> Result<Account, NotServed> {
        if !self.account.sends() {
            return self.to_read();
        }
        let mut account = self.account.clone();
        let of_the_app = account.credentials.as_ref().map_err(Clone::clone)?;
        let failed = |why: &str| NotServed::NotUsable {
            account: account.name.clone(),
            attempted: "opening the login",
            why: why.to_owned(),
            retry_can_help: false,
        };
        let sealed = self.login.as_ref().ok_or_else(|| {
            failed("the table has no login of it; `hug connect --table` puts one there, and contact = [\"draft\"] needs none")
        })?;
        let seal = seal.ok_or_else(|| {
            failed("HUG_LOGINS_KEY is not set; it is the id of the key in KMS, which `make deploy ROSTER=1` makes")
        })?;
        let server = account.server();
        let owner = Owner {
            account: &account.name,
            server: &server,
        };
        let own = seal.open(owner, sealed, account.rules(), now);
        let credentials = of_the_app.clone().with(own.await?);
        need(&account.name, &credentials, account.rules().secrets_to_send)?;
        account.credentials = Ok(credentials);
        Ok(account)
    }
}

/// Says which of these secrets are missing.
fn need(
    account: &AccountName,
    credentials: &Credentials,
    rules: &[SecretRule],
) -> Result<(), NotServed> {
    let missing = rules
        .iter()
        .filter(|rule| credentials.get(rule.key).is_none());
    let name = |rule: &SecretRule| name_for_all(account.network, rule);
    let names: Vec<String> = missing.clone().map(name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let help = if missing.clone().all(|rule| rule.of_the_app) {
        "it is of the developer's app: `make secret` puts it where the functions read it"
    } else {
        "`hug connect --table` seals the login anew"
    };
    Err(NotServed::MissingSecrets {
        account: account.clone(),
        names,
        help: help.to_owned(),
    })
}

impl From<SealError> for NotServed {
    fn from(error: SealError) -> Self {
        Self::NotUsable {
            account: error.account,
            attempted: error.attempted,
            why: error.why,
            retry_can_help: error.retry_can_help,
        }
    }
}

fn not_read(name: &AccountName, error: &LedgerError) -> NotServed {
    NotServed::NotUsable {
        account: name.clone(),
        attempted: "reading the settings",
        why: error.to_string(),
        retry_can_help: error.failure != LedgerFailure::Final,
    }
}

/// The settings with the accounts of the table: for a person who looks at all of them. Settings that have a mistake are
/// left out; whatever is done for their account says so.
pub fn with_enrolled(settings: &Settings, snapshot: &Snapshot) -> Settings {
    let mut all = settings.clone();
    let named = |name: &AccountName| settings.account(name).is_ok();
    let enrolled = snapshot.enrolled.iter().filter(|(name, _)| !named(name));
    let read = enrolled.filter_map(|(name, kept)| {
        let of_the_app = settings.of_the_app(name.network);
        Enrollment::read(name, kept.clone(), of_the_app).ok()
    });
    all.accounts.extend(read.map(|one| one.account));
    all
}
