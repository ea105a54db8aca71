//! The answers of real servers, read by our types: `infra/local/clients/mastodon_recordings.py`
//! fetches them and runs this.
