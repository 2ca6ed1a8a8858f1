//! Files in both directions.

use std::path::{Path, PathBuf};

use deskbell_protocol::*;
use deskbell_server::Settings;
use image::{DynamicImage, ImageFormat};

use crate::desk::*;

/// A JPEG with an EXIF block that says "turn me" and where it was taken.
fn photograph() -> Vec<u8> {
    let mut jpeg = Vec::new();
    DynamicImage::new_rgb8(40, 20).write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    // Orientation = 6: a quarter turn.
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    tiff.extend(b"GPSLatitude 40.4168 N MARKER");
    let mut block = b"Exif\0\0".to_vec();
    block.extend(tiff);
    let length = u16::try_from(block.len() + 2).unwrap();
    let mut with_exif = jpeg[..2].to_vec();
    with_exif.extend([0xff, 0xe1]);
    with_exif.extend(length.to_be_bytes());
    with_exif.extend(block);
    with_exif.extend(&jpeg[2..]);
    with_exif
}

/// Who sends a file.
pub(crate) enum Who<'a> {
    Agent(&'a str),
    Visitor(&'a str, String),
}

pub(crate) async fn upload(
    desk: &TestDesk,
    who: &Who<'_>,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Attachment, (u16, Refusal)> {
    let id = ClientId::from_bits(rand::random());
    let query = [("client_id", id.as_str()), ("name", name), ("size", &bytes.len().to_string())];
    let request = http().post(desk.url("/v1/uploads")).query(&query).body(bytes);
    let request = match who {
        Who::Agent(token) => request.bearer_auth(token),
        Who::Visitor(token, origin) => {
            request.header("authorization", format!("Visitor {token}")).header("origin", origin)
        }
    };
    let response = request.send().await.unwrap();
    let status = response.status();
    if status.is_success() {
        Ok(response.json::<Upload>().await.unwrap().attachment.expect("a whole file is looked into at once"))
    } else {
        Err((status.as_u16(), response.json().await.unwrap()))
    }
}

pub(crate) async fn fetch(desk: &TestDesk, authorization: &str, id: AttachmentId) -> reqwest::Response {
    http().get(desk.url(&format!("/v1/files/{id}"))).header("authorization", authorization).send().await.unwrap()
}

/// All files of a directory and those within.
pub(crate) fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn tv_06_a_picture_is_drawn_anew_and_reaches_only_those_it_is_sent_to() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vic_token) = desk.visitor().await;
    let (_wen, wen_token) = desk.visitor().await;
    let vic_is = Who::Visitor(&vic_token, desk.own_origin());

    let original = photograph();
    assert!(original.windows(6).any(|window| window == b"MARKER"));
    let picture = upload(&desk, &vic_is, "me at home.jpg", original).await.unwrap();
    assert_eq!((picture.mime.as_str(), picture.name.as_str()), ("image/jpeg", "me at home.jpg"));
    assert_eq!(picture.picture, Some(PictureSize { width: 20, height: 40 }), "turned upright");

    let send = Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: String::new(),
        attachments: vec![picture.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    vic.command(&command(send)).await.unwrap();
    let (message, _) = ann.message("").await;
    assert_eq!(message.attachments, std::slice::from_ref(&picture));
    let response = fetch(&desk, &format!("Bearer {}", desk.ann.access_token), picture.id).await;
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "image/jpeg");
    assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers["content-disposition"], "inline; filename*=UTF-8''me%20at%20home.jpg");
    let bytes = response.bytes().await.unwrap();
    assert_eq!(i64::try_from(bytes.len()).unwrap(), picture.size);
    assert!(!bytes.windows(4).any(|window| window == b"Exif"));
    assert!(!bytes.windows(6).any(|window| window == b"MARKER"));
    assert_eq!(fetch(&desk, &format!("Visitor {vic_token}"), picture.id).await.status(), 200);
    assert_eq!(fetch(&desk, &format!("Visitor {wen_token}"), picture.id).await.status(), 404);
    assert_eq!(fetch(&desk, "Visitor made-up", picture.id).await.status(), 401);

    // A file is sent once, and by who uploaded it.
    let again = |id| Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: "x".to_owned(),
        attachments: vec![id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    assert_eq!(vic.command(&command(again(picture.id))).await.unwrap_err().code, ErrorCode::Invalid);
    let of_ann =
        upload(&desk, &Who::Agent(&desk.ann.access_token), "price list.txt", b"Teapot 20".to_vec()).await.unwrap();
    assert_eq!(vic.command(&command(again(of_ann.id))).await.unwrap_err().code, ErrorCode::NotFound);

    // With a note it stays in the team, with a reply it is the visitor's too.
    let in_note =
        upload(&desk, &Who::Agent(&desk.ann.access_token), "internal.txt", b"do not show".to_vec()).await.unwrap();
    for (id, kind, expected) in [(in_note.id, MessageKind::Note, 404), (of_ann.id, MessageKind::Reply, 200)] {
        let conversation = Some(message.conversation);
        ann.command(&command(Command::Send {
            conversation,
            kind,
            text: String::new(),
            attachments: vec![id],
            mentions: Vec::new(),
            article: None,
            choice: None,
        }))
        .await
        .unwrap();
        let response = fetch(&desk, &format!("Visitor {vic_token}"), id).await;
        assert_eq!(response.status(), expected);
        if expected == 200 {
            let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
            assert!(disposition.starts_with("attachment;"), "{disposition}");
        }
    }
}

#[tokio::test]
async fn tv_06_what_is_not_on_the_list_is_refused_and_leaves_nothing_behind() {
    let desk = TestDesk::start().await;
    let ann = Who::Agent(&desk.ann.access_token);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
    let html = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    for (name, bytes) in [
        ("tea.svg", svg.clone()),
        ("tea.png", svg),
        ("tea.html", html.clone()),
        ("tea.png", html),
        ("tea.exe", b"MZ\x90\0\x03\0\0\0".to_vec()),
        ("broken.png", b"\x89PNG\r\n\x1a\n and then nonsense".to_vec()),
    ] {
        let (status, refusal) = upload(&desk, &ann, name, bytes).await.unwrap_err();
        assert_eq!((status, refusal.code), (415, ErrorCode::UnsupportedType), "{name}");
    }
    let (status, refusal) = upload(&desk, &ann, "big.txt", vec![b'x'; FILE_BYTES_MAX + 1]).await.unwrap_err();
    assert_eq!((status, refusal.code), (413, ErrorCode::TooLarge));
    // From the shop's page nobody uploads, and nobody without a token.
    let (_vic, token) = desk.visitor().await;
    let (status, refusal) =
        upload(&desk, &Who::Visitor(&token, SHOP.to_owned()), "tea.txt", b"x".to_vec()).await.unwrap_err();
    assert_eq!((status, refusal.code), (403, ErrorCode::Origin));
    let (status, _) = upload(&desk, &Who::Agent("made-up"), "tea.txt", b"x".to_vec()).await.unwrap_err();
    assert_eq!(status, 401);

    let left = files_under(&desk.data.path().join("files"));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn tv_06_a_visitor_who_has_sent_enough_for_a_day_waits_and_nobody_else_does() {
    assert_eq!(Settings::default().visitor_upload_bytes_a_day, 100 * 1024 * 1024);
    let desk = TestDesk::start_with(|settings| settings.visitor_upload_bytes_a_day = 1_000).await;
    let (_vic, vic_token) = desk.visitor().await;
    let (_wen, wen_token) = desk.visitor().await;
    let vic = Who::Visitor(&vic_token, desk.own_origin());
    let wen = Who::Visitor(&wen_token, desk.own_origin());
    let letter = || vec![b'x'; 600];
    for name in ["one.txt", "two.txt"] {
        upload(&desk, &vic, name, letter()).await.unwrap();
    }
    let (status, refusal) = upload(&desk, &vic, "three.txt", letter()).await.unwrap_err();
    assert_eq!((status, refusal.code), (429, ErrorCode::TooManyAttempts));
    assert!(refusal.retry_after_ms.is_some_and(|wait| wait > 0), "{refusal:?}");
    // Another visitor has a day of their own, and the team has no such limit.
    upload(&desk, &wen, "one.txt", letter()).await.unwrap();
    for name in ["one.txt", "two.txt", "three.txt"] {
        upload(&desk, &Who::Agent(&desk.ann.access_token), name, letter()).await.unwrap();
    }
}

#[tokio::test]
async fn tv_06_files_that_are_sent_at_the_same_time_share_the_day() {
    let desk = TestDesk::start_with(|settings| settings.visitor_upload_bytes_a_day = 1_000).await;
    let (_vic, token) = desk.visitor().await;
    let vic = Who::Visitor(&token, desk.own_origin());
    let all = (0..4).map(|_| upload(&desk, &vic, "letter.txt", vec![b'x'; 1_000]));
    let taken = futures_util::future::join_all(all).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(taken, 1, "each alone would have fitted");
}

#[tokio::test]
async fn od_24_messages_are_edited_and_deleted_with_their_files_and_admins_read_what_they_said() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, vic_token) = desk.visitor().await;
    vic.command(&reply(None, "How much?")).await.unwrap();
    let (asked, _) = ben.message("How much?").await;
    let chat = asked.conversation;
    let bens = Who::Agent(&desk.ben.access_token);
    let file = upload(&desk, &bens, "price list.txt", b"Teapot 20".to_vec()).await.unwrap();
    let send = Command::Send {
        conversation: Some(chat),
        kind: MessageKind::Reply,
        text: "Twenty".to_owned(),
        attachments: vec![file.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    let message = MessageId(ben.command(&command(send)).await.unwrap().id.unwrap());
    let edit = |text: &str| command(Command::EditMessage { conversation: chat, message, text: text.to_owned() });
    let delete = |message| command(Command::DeleteMessage { conversation: chat, message });

    assert_eq!(ann.command(&edit("mine")).await.unwrap_err().code, ErrorCode::NotFound, "nobody edits another's");
    assert_eq!(vic.command(&edit("mine")).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(ben.command(&delete(asked.id)).await.unwrap_err().code, ErrorCode::NotFound, "that takes an admin");
    ben.command(&edit("Thirty")).await.unwrap();
    let (edited, _) = vic.message("Thirty").await;
    assert!(edited.edited_at.is_some() && edited.number == 2, "{edited:?}");
    let stale = CommandFrame { if_rev: Some(Seq(1)), ..edit("Forty") };
    let nack = ben.command(&stale).await.unwrap_err();
    assert!(nack.code == ErrorCode::Conflict && nack.current.is_some(), "{nack:?}");

    // An admin deletes it; a file that was there is gone, also from the disk.
    ann.command(&delete(message)).await.unwrap();
    ann.command(&delete(message)).await.unwrap();
    for token in [format!("Bearer {}", desk.ben.access_token), format!("Visitor {vic_token}")] {
        assert_eq!(fetch(&desk, &token, file.id).await.status(), 404);
    }
    assert_eq!(ben.command(&edit("Fifty")).await.unwrap_err().code, ErrorCode::Conflict);
    ann.command(&delete(asked.id)).await.unwrap();
    let history = vic.history(chat, 100, 100).await;
    let shown: Vec<Message> = history.messages.iter().filter_map(as_message).collect();
    assert!(shown.iter().all(|message| message.deleted_at.is_some() && message.text.is_empty()), "{shown:?}");
    assert_eq!(shown.iter().map(|message| message.number).collect::<Vec<_>>(), [1, 2], "their places stay");

    let versions = async |authorization: String| {
        let request = http().get(desk.url(&format!("/v1/messages/{message}/versions")));
        request.header("authorization", authorization).send().await.unwrap()
    };
    let answer = versions(format!("Bearer {}", desk.ann.access_token)).await;
    let said: deskbell_protocol::http::MessageVersions = answer.json().await.unwrap();
    assert_eq!(said.versions.iter().map(|version| version.text.as_str()).collect::<Vec<_>>(), ["Twenty", "Thirty"]);
    assert_eq!(said.versions[0].replaced_at, said.versions[1].written_at);
    assert_eq!(said.versions[1].replaced_by, desk.ann.agent.id);
    assert_eq!(versions(format!("Bearer {}", desk.ben.access_token)).await.status(), 404);
    assert_eq!(versions(format!("Visitor {vic_token}")).await.status(), 404);
    for typed in ["twenty", "thirty", "price", "from:Ben"] {
        let request = http().get(desk.url("/v1/search")).query(&[("q", typed)]).bearer_auth(&desk.ann.access_token);
        let found: deskbell_protocol::http::FoundMessages = request.send().await.unwrap().json().await.unwrap();
        assert!(found.messages.is_empty(), "{typed}");
    }
    // Each lies in a folder of its own first two letters.
    let stored = || {
        let folders = std::fs::read_dir(desk.data.path().join("files")).unwrap();
        let files = folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count());
        files.sum::<usize>()
    };
    while stored() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
