//! Files of messages: pictures that the desk re-encoded are shown, everything else is only ever saved.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use deskbell_protocol::{Attachment, AttachmentId};

use crate::app::App;
use crate::types::{AccountId, ApiError, ApiErrorCode};

/// Endings that systems show or play without running anything. Every other file gets `.download` appended,
/// so that a double click cannot start it.
const HARMLESS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "pdf", "txt", "csv", "docx", "xlsx", "pptx", "odt", "ods", "zip", "mp3",
    "m4a", "ogg", "webm", "mp4",
];

/// Names tried when a file of that name exists.
const NAMES_MAX: u32 = 1_000;

/// A picture that may be shown.
pub struct Picture {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl App {
    /// A picture of a message, from this computer if it was fetched before.
    ///
    /// # Errors
    /// `not_found` unless it is a picture that the desk re-encoded; `offline` when it is not on this computer.
    pub async fn picture(&self, account: AccountId, id: AttachmentId) -> Result<Picture, ApiError> {
        let attachment = self.attachment(account, id).await?;
        if attachment.picture.is_none() {
            return Err(ApiError::not_found("picture"));
        }
        let bytes = match self.read(account, move |session| Ok(session.cache.picture(id)?)).await? {
            Some(bytes) => bytes,
            None => {
                let bytes = self.session(account)?.client.download(id).await?;
                let copy = bytes.clone();
                // A full disk costs only the next fetch.
                let kept = self.read(account, move |session| Ok(session.cache.keep_picture(id, &copy)?)).await;
                if let Err(error) = kept {
                    tracing::warn!(%error, "a picture could not be kept");
                }
                bytes
            }
        };
        let mime = bitmap(&bytes).ok_or_else(|| ApiError::not_found("picture"))?;
        Ok(Picture { mime, bytes })
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
        .take(120)
        .collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let plain = if plain.is_empty() { "file" } else { plain };
    let ending = plain.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending {
        Some(ending) if HARMLESS.contains(&ending.as_str()) => plain.to_owned(),
        _ => format!("{plain}.download"),
    }
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
