//! One interruption after another between Ann's computer and the desk, of every kind, one-way ones among them: her
//! computer never stands still after one has passed.

use std::time::Duration;

use deskbell_client::SyncState;
use deskbell_testkit::proxy::Way;
use deskbell_testkit::{AgentSocket, BEN};

use crate::computer::{Computer, does, reply};
use crate::stage::{Stage, go_by, has};

/// How many there are, unless `DESKBELL_PARTITIONS` says otherwise.
const ROUNDS: u64 = 50;

/// What happens to the network.
#[derive(Clone, Copy, Debug)]
enum Partition {
    /// Nothing reaches the desk; what it says arrives.
    DeskHearsNothing,
    /// The desk hears everything; nothing it says arrives.
    AnnHearsNothing,
    Both,
    /// The connection is forgotten on the way, and nobody is told.
    Forgotten,
    /// The connection ends, and no other one begins.
    Refused,
    /// The connection ends in the middle of a frame of the desk.
    CutWithinAFrame,
}

const KINDS: [Partition; 6] = [
    Partition::DeskHearsNothing,
    Partition::AnnHearsNothing,
    Partition::Both,
    Partition::Forgotten,
    Partition::Refused,
    Partition::CutWithinAFrame,
];

/// How long one lasts in seconds: shorter than any patience, longer than that for an answer, longer than that for a
/// sign of life.
const LENGTHS: [u64; 3] = [0, 12, 40];

#[tokio::test]
async fn dc_02_no_partition_leaves_anns_computer_standing_still() {
    let rounds = std::env::var("DESKBELL_PARTITIONS").map_or(ROUNDS, |text| text.parse().unwrap());
    let mut stage = Stage::set().await;
    let mut texts = vec!["Hello".to_owned()];
    let kinds = u64::try_from(KINDS.len()).unwrap();
    for round in 0..rounds {
        let kind = KINDS[usize::try_from(round % kinds).unwrap()];
        let length = LENGTHS[usize::try_from(round / kinds).unwrap() % LENGTHS.len()];
        match kind {
            Partition::DeskHearsNothing => stage.proxy.freeze(Way::ToDesk),
            Partition::AnnHearsNothing => stage.proxy.freeze(Way::ToClient),
            Partition::Both => {
                stage.proxy.freeze(Way::ToDesk);
                stage.proxy.freeze(Way::ToClient);
            }
            Partition::Forgotten => stage.proxy.silence(),
            Partition::Refused => {
                stage.proxy.refuse();
                stage.proxy.cut();
            }
            Partition::CutWithinAFrame => stage.proxy.cut_after(Way::ToClient, round % 50),
        }
        let (from_ann, from_ben) = (format!("Ann, {round}"), format!("Ben, {round}"));
        stage.ann_writes(&[&from_ann]).await;
        go_by(Duration::from_secs(length)).await;
        stage.proxy.heal();
        // Nobody presses anything: what finds a dead connection is time alone. Ben's network has none of that trouble.
        let mut ben = AgentSocket::connect(&stage.desk, &BEN).await;
        does(&mut ben, reply(stage.chat, &from_ben)).await;
        let chat = stage.chat;
        let all = texts.len() + 2;
        let mut waited = 0;
        let whole = |ann: &Computer| {
            let live = ann.client.status().state == SyncState::Live;
            live && has(&ann.cache, chat, all) && ann.cache.outbox().unwrap().is_empty()
        };
        while !whole(&stage.ann) {
            assert!(waited < 120, "round {round}: {kind:?} of {length} s: {:?}", stage.ann.client.status());
            stage.ann.moment().await;
            // A minute is a long time for two sentences, and enough for every patience of either side.
            go_by(Duration::from_millis(500)).await;
            waited += 1;
        }
        let came = stage.ann.texts(chat);
        // Who was first depends on when the network healed.
        let mut new = came[texts.len()..].to_vec();
        new.sort_unstable();
        assert_eq!(new, [from_ann, from_ben], "round {round}: {kind:?} of {length} s");
        assert_eq!(came[..texts.len()], texts, "what stood there stands there");
        texts = came;
    }
    // A computer that knows nothing gets the newest ones of a chat.
    let mut fresh = Computer::signed_in(&stage.desk).await;
    fresh.live().await;
    let newest = fresh.texts(stage.chat);
    assert!(newest.len() > 20 && texts.ends_with(&newest), "the desk has {newest:?}");
}
