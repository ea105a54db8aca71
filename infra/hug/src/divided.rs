//! A hug.toml of which each account is taken alone, with what all accounts share: the form in which the ledger's table
//! keeps the settings of an account.

use toml::{Table, Value};

/// What accounts share. The rest of the file, such as the news and the page of the songs, is not about one account.
const SHARED: [&str; 4] = ["plan", "texts", "songs", "topics"];

/// A hug.toml, divided.
pub(crate) struct Divided {
    shared: Table,
    /// The accounts as they are written, in their order.
    pub accounts: Vec<Table>,
}

impl Divided {
    /// Divides the text of a hug.toml. Whether its values are right is not looked at.
    ///
    /// # Errors
    ///
    /// Where it is not TOML.
    pub(crate) fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut whole: Table = text.parse()?;
        let accounts = whole.remove("account");
        let accounts = accounts.and_then(|accounts| accounts.try_into().ok());
        whole.retain(|key, _| SHARED.contains(&key));
        Ok(Self {
            shared: whole,
            accounts: accounts.unwrap_or_default(),
        })
    }

    /// A hug.toml with one account.
    pub(crate) fn with(&self, account: &Table) -> String {
        let mut alone = self.shared.clone();
        let account = Value::Array(vec![Value::Table(account.clone())]);
        alone.insert("account".to_owned(), account);
        alone.to_string()
    }
}

#[cfg(test)]
mod tests {
    use have_a_hug::settings::Settings;

    use super::*;

    #[test]
    fn each_account_alone_has_the_settings_that_it_has_in_the_file() {
        let text = r#"
[plan]
first = 600
step = 100
[texts]
announce = "{milestone} of you! Tell {creator} a topic."
[news]
command = "true"
[topics]
doubtful = ["rain"]
[[account]]
network = "x"
handle = "amber"
[account.plan]
step = 50
[[account]]
network = "bluesky"
handle = "bea.bsky.social"
creator = "Bea \"B\" Bright"
"#;
        let divided = Divided::read(text).unwrap();
        let whole = Settings::parse(text, "hug.toml", &|_| None).unwrap();
        assert_eq!(divided.accounts.len(), 2);
        for (account, there) in divided.accounts.iter().zip(&whole.accounts) {
            let alone = divided.with(account);
            let settings = Settings::parse(&alone, "alone", &|_| None).unwrap();
            assert_eq!(settings.news, None);
            let [here] = settings.accounts.as_slice() else {
                panic!("{alone}");
            };
            assert_eq!(here.name, there.name);
            assert_eq!(here.fingerprint, there.fingerprint, "{alone}");
        }
    }
}
