//! What a test is given from outside: a seed, and numbers in the environment.

use std::env;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// What a strategy makes from that seed: always the same.
pub fn from_seed<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    seed: u64,
) -> impl ValueTree<Value = T> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).unwrap()
}

/// The number in that environment variable, if it is set.
pub fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().expect("a number"))
}
