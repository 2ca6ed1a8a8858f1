//! A suite that finds nothing proves nothing: every bug that is planted here is found, and only because of it.
//!
//! Half a minute of stories; they are played where `CI` or `DESKBELL_PLANTED` is set.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use deskbell_protocol::planted::{Bug, plant};
use deskbell_simulation::{Story, run};

/// Plays stories with the bug in them until one fails, and the same ones without it.
fn is_found(bug: Bug, seeds: u64, story: Story) {
    if ["CI", "DESKBELL_PLANTED"].iter().all(|name| std::env::var_os(name).is_none()) {
        return;
    }
    plant(Some(bug));
    let found = (0..seeds).find_map(|seed| run(seed, story).err());
    plant(None);
    let failure = found.unwrap_or_else(|| panic!("{bug:?} was not found in {seeds} stories"));
    println!("{bug:?}: {failure}");
    for seed in 0..=failure.seed {
        if let Err(failure) = run(seed, story) {
            panic!("without {bug:?}, too: {failure}");
        }
    }
}

/// One long conversation, in which a snapshot does not bring everything.
fn one_visitor() -> Story {
    Story { visitors: 1, acts: 400, ..Story::default() }
}

macro_rules! planted {
    ($($name:ident: $bug:ident, $seeds:literal, $story:expr;)*) => {
        $(#[test] fn $name() { is_found(Bug::$bug, $seeds, $story); })*
    };
}

planted! {
    an_answer_before_the_commit_is_found: AckBeforeCommit, 20, Story::default();
    a_cursor_that_is_written_by_itself_is_found: CursorOutsideTransaction, 20, Story::default();
    a_command_that_is_done_twice_is_found: DedupeDropped, 20, Story::default();
    a_delta_that_begins_too_early_is_found: DeltaBorder, 20, Story::default();
    a_command_that_leaves_too_early_is_found: RemovedOnAck, 20, Story::default();
    a_snapshot_that_is_followed_from_its_end_is_found: SnapshotFromItsEnd, 20, Story::default();
    an_order_that_is_lost_is_found: OrderLostOnRetry, 20, Story::default();
    a_backup_that_is_offered_nothing_is_found: NothingOfferedAgain, 40, Story::default();
    a_hole_that_counts_as_here_is_found: HoleCovered, 40, one_visitor();
    a_read_mark_that_goes_back_is_found: ReadMarkGoesBack, 20, Story { restores: false, ..one_visitor() };
}
