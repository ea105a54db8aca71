//! The binary of the function, as Lambda runs it.

use serde_json::json;
use tests::{
    function::{Aws, Function},
    secrets::Networks,
};

const CHECK_FOLLOWERS: Function = Function {
    name: "check-followers",
    binary: env!("CARGO_BIN_EXE_check-followers"),
};

#[test]
fn a_function_without_its_environment_says_what_is_missing() {
    CHECK_FOLLOWERS.assert_says_what_is_missing();
}

#[tokio::test]
async fn the_function_starts_with_the_rights_in_infra_rights_json_and_no_others() {
    CHECK_FOLLOWERS.assert_starts_with_its_rights().await;
}

#[tokio::test]
async fn the_function_logs_no_secret_at_the_finest_level() {
    let mut networks = Networks::with_followers(1).await;
    let aws = Aws::with(&networks.settings).await;
    aws.invoke(&CHECK_FOLLOWERS, &json!({})).await;
    networks.fans(8);
    networks.refuse_reads();
    aws.invoke(&CHECK_FOLLOWERS, &json!({})).await;
    let log = aws.invoke(&CHECK_FOLLOWERS, &json!({})).await;
    for line in ["DEBUG", "milestone reached"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    aws.assert_table_contains_no_secret().await;
}
