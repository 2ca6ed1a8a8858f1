//! Files of messages. Those of drafts are copied; pictures that the desk re-encoded are shown, everything else is only
//! ever saved.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deskbell_protocol::{ATTACHMENTS_MAX, Attachment, AttachmentId, FIELD_MAX, FILE_BYTES_MAX};

use crate::app::App;
use crate::commands::check_length;
use crate::types::{
    AccountId, AddFile, ApiError, ApiErrorCode, ConversationRef, FileView, ForAttachment, ForConversation, ForFile,
    Nothing, SavedFile,
};
use crate::views;

/// Endings that systems show or play without running anything. Every other file gets `.download` appended,
/// so that a double click cannot start it.
const HARMLESS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "pdf", "txt", "csv", "docx", "xlsx", "pptx", "odt", "ods", "zip", "mp3",
    "m4a", "ogg", "webm", "mp4",
];

/// Names tried when a file of that name exists.
const NAMES_MAX: u32 = 1_000;

/// Longest name before its ending, in bytes: systems take 255, with a number and the ending.
const STEM_BYTES_MAX: usize = 200;

/// A picture that may be shown.
pub struct Picture {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl App {
    /// Copies a file into a draft: it is on disk, encrypted, when this returns.
    ///
    /// # Errors
    /// `too_large`; `invalid` for one file more than a message can have; `disk_full` when it could not be kept.
    pub async fn add_file(&self, request: AddFile) -> Result<FileView, ApiError> {
        let AddFile { conversation, name, data } = request;
        check_length("name", &name, FIELD_MAX)?;
        // Four characters of base64 carry three bytes.
        if data.len() / 4 > FILE_BYTES_MAX / 3 + 1 {
            return Err(ApiError::new(ApiErrorCode::TooLarge, "larger than 20 MB"));
        }
        let bytes = STANDARD.decode(data.as_bytes()).map_err(|_| ApiError::invalid("data", "is base64"))?;
        if bytes.is_empty() {
            return Err(ApiError::invalid("data", "is not empty"));
        }
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ApiError::new(ApiErrorCode::TooLarge, "larger than 20 MB"));
        }
        self.add_to_draft(conversation, name, bytes).await
    }

    /// Copies a file into a draft, if it has room for one more.
    pub(crate) async fn add_to_draft(
        &self,
        conversation: ConversationRef,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<FileView, ApiError> {
        let ConversationRef { account, id } = conversation;
        let there = self.read(account, move |session| Ok(session.cache.draft_files(id)?.len())).await?;
        if there >= ATTACHMENTS_MAX {
            return Err(ApiError::invalid("files", "are 10 at the most"));
        }
        let added = self.session(account)?.client.add_file(id, name, bytes).await?;
        self.tell_changed(conversation);
        Ok(views::file(added, 0))
    }

    /// Removes a file from a draft.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn remove_file(&self, request: ForFile) -> Result<Nothing, ApiError> {
        self.session(request.conversation.account)?.client.remove_file(request.file).await?;
        self.tell_changed(request.conversation);
        Ok(Nothing {})
    }

    /// The files of a conversation's draft.
    ///
    /// # Errors
    /// `signed_out`.
    pub async fn draft_files(&self, request: ForConversation) -> Result<Vec<FileView>, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let files = session.cache.draft_files(id)?;
            Ok(files.into_iter().map(|file| views::file(file, 0)).collect())
        })
        .await
    }

    /// Saves a file into the downloads folder. Never opens it.
    ///
    /// # Errors
    /// `not_found`, `offline`, `disk_full`.
    pub async fn save_attachment(&self, request: ForAttachment) -> Result<SavedFile, ApiError> {
        let account = request.conversation.account;
        let attachment = self.attachment(account, request.attachment).await?;
        let bytes = self.file_bytes(account, request.attachment).await?;
        let directory = self.host().downloads();
        let path = tokio::task::spawn_blocking(move || save_beside(&directory, &attachment, &bytes))
            .await
            .map_err(ApiError::internal)??;
        // It may be kept now.
        self.tell_changed(request.conversation);
        Ok(SavedFile { path: path.display().to_string() })
    }

    /// A picture of a message, from this computer if it was fetched before.
    ///
    /// # Errors
    /// `not_found` unless it is a picture that the desk re-encoded; `offline` when it is not on this computer.
    pub async fn picture(&self, account: AccountId, id: AttachmentId) -> Result<Picture, ApiError> {
        let attachment = self.attachment(account, id).await?;
        if attachment.picture.is_none() {
            return Err(ApiError::not_found("picture"));
        }
        let bytes = self.file_bytes(account, id).await?;
        let mime = bitmap(&bytes).ok_or_else(|| ApiError::not_found("picture"))?;
        Ok(Picture { mime, bytes })
    }

    /// A file of a message.
    pub(crate) async fn attachment(&self, account: AccountId, id: AttachmentId) -> Result<Attachment, ApiError> {
        self.read(account, move |session| session.cache.attachment(id)?.ok_or_else(|| ApiError::not_found("file")))
            .await
    }
}

/// The type found in the bytes, if it is one of the bitmaps that may be shown.
fn bitmap(bytes: &[u8]) -> Option<&'static str> {
    match image::guess_format(bytes).ok()? {
        image::ImageFormat::Png => Some("image/png"),
        image::ImageFormat::Jpeg => Some("image/jpeg"),
        image::ImageFormat::WebP => Some("image/webp"),
        _ => None,
    }
}

/// Saves a file under its own name, or the next free one. It never replaces a file.
pub(crate) fn save_beside(directory: &Path, attachment: &Attachment, bytes: &[u8]) -> Result<PathBuf, ApiError> {
    std::fs::create_dir_all(directory)?;
    let name = safe_name(&attachment.name);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name.as_str(), "download"));
    for attempt in 0..NAMES_MAX {
        let candidate = if attempt == 0 { name.clone() } else { format!("{stem} ({attempt}).{ending}") };
        let path = directory.join(candidate);
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(bytes).and_then(|()| file.sync_all());
                if let Err(error) = written {
                    drop(file);
                    if let Err(error) = std::fs::remove_file(&path) {
                        tracing::warn!(%error, "a half-written file could not be removed");
                    }
                    return Err(error.into());
                }
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::new(ApiErrorCode::Internal, "no free name in the downloads folder"))
}

/// A name that stays in its folder, shows what it is, and starts nothing.
fn safe_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .map(|c| if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let plain = if plain.is_empty() { "file" } else { plain };
    let (stem, ending) = match plain.rsplit_once('.') {
        Some((stem, ending)) if HARMLESS.contains(&ending.to_ascii_lowercase().as_str()) => (stem, ending),
        _ => (plain, "download"),
    };
    let stem = &stem[..stem.floor_char_boundary(STEM_BYTES_MAX)];
    format!("{stem}.{ending}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn att_01_a_file_that_could_run_is_saved_as_a_download() {
        for name in [
            "invoice.exe",
            "video.pyzw",
            "a.scr",
            "a.lnk",
            "a.url",
            "a.desktop",
            "a.command",
            "a.jar",
            "a.hta",
            "a.ps1",
            "a.appref-ms",
            "a.bat",
            "a.cmd",
            "a.com",
            "a.msi",
            "a.vbs",
            "a.js",
            "a.sh",
            "a.app",
            "a.dmg",
            "a.deb",
            "a.html",
            "a.svg",
            "a.xhtml",
            "a.mht",
            "a.reg",
            "a.iso",
            "a.cpl",
            "a.msc",
            "a",
            "",
        ] {
            assert!(safe_name(name).ends_with(".download"), "{name:?} became {:?}", safe_name(name));
        }
        assert_eq!(safe_name("photo.PNG"), "photo.PNG", "a picture keeps its name");
    }

    #[test]
    fn att_01_a_name_never_leaves_its_folder_or_hides_its_ending() {
        assert_eq!(safe_name("../../etc/passwd.txt"), "_.._etc_passwd.txt");
        assert_eq!(safe_name("photo\u{202e}gnp.exe"), "photognp.exe.download", "direction characters are dropped");
        assert_eq!(safe_name("..\\..\\x.txt"), "_.._x.txt");
    }

    #[test]
    fn od_35_a_file_with_a_long_name_is_saved_and_keeps_its_ending() {
        let directory = tempfile::tempdir().unwrap();
        for long in ["Счёт на оплату ".repeat(20), "a".repeat(300), "发票".repeat(200)] {
            let ending_of = |name: String| {
                let attachment = Attachment { id: AttachmentId(1), name, mime: String::new(), size: 1, picture: None };
                let first = save_beside(directory.path(), &attachment, b"1").unwrap();
                let second = save_beside(directory.path(), &attachment, b"2").unwrap();
                assert_eq!(
                    (std::fs::read(&first).unwrap(), std::fs::read(second).unwrap()),
                    (b"1".into(), b"2".into())
                );
                first.extension().unwrap().to_str().unwrap().to_owned()
            };
            assert_eq!(ending_of(format!("{long}.PDF")), "PDF");
            assert_eq!(ending_of(format!("{long}.exe")), "download", "what could run is still a download");
            assert_eq!(ending_of(format!("a.{long}")), "download");
        }
    }

    #[test]
    fn od_35_a_second_file_of_the_same_name_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let attachment =
            Attachment { id: AttachmentId(1), name: "a.txt".into(), mime: "text/plain".into(), size: 1, picture: None };
        let first = save_beside(directory.path(), &attachment, b"1").unwrap();
        let second = save_beside(directory.path(), &attachment, b"2").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read(first).unwrap(), b"1", "the first file is untouched");
    }
}
