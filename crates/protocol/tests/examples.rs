//! Reads the examples of `docs/PROTOCOL.md`: each is a frame, and each kind of frame has one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use deskbell_protocol::*;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/PROTOCOL.md");

/// The fenced blocks whose info string is `json <side>`, with the line each begins at.
fn examples(side: &str) -> Vec<(usize, String)> {
    let opening = format!("```json {side}");
    let mut found = Vec::new();
    let mut lines = PAGE.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line == opening {
            let body: Vec<&str> = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```").collect();
            found.push((number, body.join("\n")));
        }
    }
    found
}

#[test]
fn dc_01_every_example_of_a_client_is_a_frame_of_a_client() {
    let mut seen = BTreeSet::new();
    for (line, text) in examples("client") {
        let frame = ClientFrame::parse(&text).unwrap_or_else(|error| panic!("PROTOCOL.md:{line}: {error}"));
        let example: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&frame).unwrap(), example, "PROTOCOL.md:{line}");
        // The match is exhaustive, so a new frame has to be named here, and then shown on the page.
        seen.insert(match frame {
            ClientFrame::Hello(_) => "hello",
            ClientFrame::SnapNext(_) => "snap_next",
            ClientFrame::Seen(_) => "seen",
            ClientFrame::Cmd(frame) => match frame.command {
                Command::Send { .. } => "send",
                Command::Introduce { .. } => "introduce",
                Command::Start { .. } => "start",
                Command::StartInternal { .. } => "start_internal",
                Command::ChangeParticipants { .. } => "change_participants",
                Command::Follow { .. } => "follow",
                Command::MarkRead { .. } => "mark_read",
                Command::SetState { .. } => "set_state",
                Command::Snooze { .. } => "snooze",
                Command::Assign { .. } => "assign",
                Command::SetPriority { .. } => "set_priority",
                Command::EditMessage { .. } => "edit_message",
                Command::DeleteMessage { .. } => "delete_message",
                Command::ChangeLabels { .. } => "change_labels",
                Command::StartFlow { .. } => "start_flow",
                Command::StopFlow { .. } => "stop_flow",
                Command::UseCannedText { .. } => "use_canned_text",
                Command::EditContact { .. } => "edit_contact",
            },
            ClientFrame::Hist(_) => "hist",
            ClientFrame::Eph(Ephemeral::Typing { .. }) => "typing",
            ClientFrame::Eph(Ephemeral::Page { .. }) => "page",
            ClientFrame::Eph(Ephemeral::Peek { .. }) => "peek",
            ClientFrame::Eph(_) => panic!("PROTOCOL.md:{line}: clients do not send this"),
            ClientFrame::RingAck(_) => "ring_ack",
            ClientFrame::Hb(_) => "hb",
        });
    }
    let all = [
        "hello",
        "snap_next",
        "seen",
        "send",
        "introduce",
        "start",
        "start_internal",
        "change_participants",
        "follow",
        "follow",
        "mark_read",
        "set_state",
        "snooze",
        "assign",
        "set_priority",
        "edit_message",
        "delete_message",
        "change_labels",
        "start_flow",
        "stop_flow",
        "use_canned_text",
        "edit_contact",
        "hist",
        "typing",
        "peek",
        "page",
        "ring_ack",
        "hb",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn dc_01_every_example_of_a_server_is_a_frame_of_a_server() {
    let mut seen = BTreeSet::new();
    for (line, text) in examples("server") {
        let frame = ServerFrame::parse(&text).unwrap_or_else(|error| panic!("PROTOCOL.md:{line}: {error}"));
        let example: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&frame).unwrap(), example, "PROTOCOL.md:{line}");
        let rows: Vec<&Change> = match &frame {
            ServerFrame::Snap(page) => page.rows.iter().collect(),
            ServerFrame::Delta(delta) => delta.changes.iter().collect(),
            ServerFrame::HistPage(page) => page.messages.iter().collect(),
            ServerFrame::Nack(nack) => nack.current.iter().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        };
        for row in rows.into_iter().filter(|row| row.kind == ChangeKind::Put) {
            let data = row.data.as_ref().expect("a put has data");
            let entity = Entity::decode(row.entity, data).unwrap_or_else(|error| panic!("PROTOCOL.md:{line}: {error}"));
            let (kind, id, encoded) = entity.expect("the page names no unknown kind").encode().unwrap();
            let read = |data: &EntityData| data.read::<serde_json::Value>().unwrap();
            assert_eq!((kind, id, read(&encoded)), (row.entity, row.id, read(data)), "PROTOCOL.md:{line}");
        }
        seen.insert(match frame {
            ServerFrame::Welcome(_) => "welcome",
            ServerFrame::Reset(_) => "reset",
            ServerFrame::Snap(_) => "snap",
            ServerFrame::SnapEnd(_) => "snap_end",
            ServerFrame::Delta(_) => "delta",
            ServerFrame::Ack(_) => "ack",
            ServerFrame::Nack(_) => "nack",
            ServerFrame::HistPage(_) => "hist_page",
            ServerFrame::Eph(Ephemeral::Typing { .. }) => "typing",
            ServerFrame::Eph(Ephemeral::Visitors { .. }) => "visitors",
            ServerFrame::Eph(Ephemeral::Agents { .. }) => "agents",
            ServerFrame::Eph(Ephemeral::Peek { .. }) => "peek",
            ServerFrame::Eph(Ephemeral::Unread { .. }) => "unread",
            ServerFrame::Eph(_) => panic!("PROTOCOL.md:{line}: servers do not send this"),
            ServerFrame::Ring(_) => "ring",
            ServerFrame::Hb(_) => "hb",
            ServerFrame::Bye(_) => "bye",
        });
    }
    let all = [
        "welcome",
        "reset",
        "snap",
        "snap_end",
        "delta",
        "ack",
        "nack",
        "hist_page",
        "typing",
        "peek",
        "visitors",
        "agents",
        "unread",
        "ring",
        "hb",
        "bye",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn dc_01_what_a_version_does_not_know_is_told_apart_from_what_is_broken() {
    let unknown = r#"{"type":"cobrowse","x":1}"#;
    assert!(matches!(ClientFrame::parse(unknown), Err(FrameError::UnknownType(tag)) if tag == "cobrowse"));
    assert!(matches!(ServerFrame::parse(unknown), Err(FrameError::UnknownType(tag)) if tag == "cobrowse"));
    for broken in
        ["", "null", "[]", "{}", r#"{"type":7}"#, r#"{"type":"hist"}"#, r#"{"type":"hello","protocol":"one"}"#]
    {
        assert!(matches!(ClientFrame::parse(broken), Err(FrameError::Malformed(_))), "{broken}");
    }
    let sparkle = r#"{"type":"eph","kind":"sparkle","colour":"red"}"#;
    assert_eq!(ServerFrame::parse(sparkle).unwrap(), ServerFrame::Eph(Ephemeral::Unknown));

    let delta = r#"{"type":"delta","from":1,"to":3,"more":false,"changes":[
        {"seq":2,"kind":"put","entity":"hologram","id":5,"data":{"x":1}},
        {"seq":3,"kind":"transmute","entity":"message","id":6}]}"#;
    let ServerFrame::Delta(delta) = ServerFrame::parse(delta).unwrap() else { panic!("a delta") };
    assert_eq!((delta.changes[0].entity, delta.changes[1].kind), (EntityKind::Unknown, ChangeKind::Unknown));
    let hologram = Entity::decode(EntityKind::Unknown, delta.changes[0].data.as_ref().unwrap());
    assert_eq!(hologram.unwrap(), None);
    let half = EntityData::of(&serde_json::json!({ "id": 1 })).unwrap();
    assert!(Entity::decode(EntityKind::Message, &half).is_err());
}

#[test]
fn dc_01_the_name_of_a_command_is_32_lower_case_hexadecimal_digits() {
    assert_eq!(ClientId::from_bits(0).as_str(), "0".repeat(32));
    assert_eq!(ClientId::from_bits(u128::MAX).as_str(), "f".repeat(32));
    let name = ClientId::from_bits(0xabc);
    assert_eq!(ClientId::parse(name.as_str()), Some(name));
    for bad in ["", "abc", &"F".repeat(32), &"g".repeat(32), &"0".repeat(31), &"0".repeat(33), &"é".repeat(16)] {
        assert_eq!(ClientId::parse(bad), None, "{bad}");
        assert!(serde_json::from_value::<ClientId>(Value::String(bad.to_owned())).is_err(), "{bad}");
    }
}

#[test]
fn dc_01_only_passing_troubles_are_worth_another_try() {
    use ErrorCode as E;
    for passing in [E::Busy, E::Internal, E::DiskFull, E::TooManyAttempts, E::Expired] {
        assert!(!passing.is_permanent(), "{passing:?}");
    }
    for last in [
        E::Invalid,
        E::NotFound,
        E::Conflict,
        E::TooLarge,
        E::UnsupportedType,
        E::WrongPassword,
        E::CodeRequired,
        E::CodeWrong,
        E::Version,
        E::Origin,
    ] {
        assert!(last.is_permanent(), "{last:?}");
    }
}

#[test]
fn od_35_the_example_of_an_upload_is_one() {
    let [(line, text)] = <[_; 1]>::try_from(examples("upload")).expect("one example");
    let upload: Upload = serde_json::from_str(&text).unwrap_or_else(|error| panic!("PROTOCOL.md:{line}: {error}"));
    assert_eq!(serde_json::to_string(&upload).unwrap(), text, "PROTOCOL.md:{line}");
}
