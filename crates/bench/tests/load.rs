//! The load in a short form: a real server in a process of its own, visitors who look, visitors who write, agents, and
//! the server killed in the middle of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

use std::process::Command;

use serde_json::Value;

#[test]
fn nothing_is_lost_doubled_or_out_of_order_and_everybody_comes_back_from_a_crash() {
    let plan = "load --onlookers 200 --writers 100 --agents 3 --rate 40 --seconds 8 --storm-seconds 12";
    let output = Command::new(env!("CARGO_BIN_EXE_deskbell-bench")).args(plan.split(' ')).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    // Figures that depend on how busy this computer is are told, and not judged here.
    let counted = [
        "load: messages lost",
        "load: messages doubled",
        "load: messages out of order",
        "storm: messages lost",
        "storm: messages doubled",
        "storm: messages out of order",
        "storm: clients that did not come back",
        "storm: share that goes on by a delta",
    ];
    for name in counted {
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("nothing is told of {name}"));
        assert_eq!(row["met"], true, "{row}");
    }
}
