//! Files: they come into a waiting place on the disk, are looked into, and only then get a place of their own.
//!
//! What a file is called and what it claims to be are the sender's words. Its type is found in its bytes; pictures
//! are decoded and encoded again, which drops everything that is not the picture.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use deskbell_protocol::{ErrorCode, FILE_BYTES_MAX, PictureSize, Refusal};
use futures_util::Stream;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::file_store::{FILES, FileStore, WAITING};
use crate::store::{Failure, Outcome};
use crate::text;

/// Files looked into at the same time. A picture may take a few hundred megabytes of memory while it is drawn anew.
const EXAMINED_AT_ONCE: usize = 2;
/// What belongs to no upload is removed from the waiting place after this time.
const STRAY: Duration = Duration::from_secs(60 * 60);
/// Largest picture, in pixels, and in bytes once it is decoded. Its decoder may take as much for itself.
const PIXELS_MAX: u64 = 40_000_000;
const DECODED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Quality of re-encoded photographs, of 100.
const JPEG_QUALITY: u8 = 85;
/// Longest name of a file, in characters, its ending included.
const NAME_MAX: usize = 150;

/// The types that are taken, each with its endings, the usual one first.
const TYPES: &[(&str, &[&str])] = &[
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("application/pdf", &["pdf"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    ("application/zip", &["zip"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/mp4", &["m4a"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("video/webm", &["webm"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("text/plain", &["txt"]),
    ("text/csv", &["csv"]),
];

/// Files on their way, and those that have arrived.
pub(crate) struct Files {
    waiting: PathBuf,
    store: FileStore,
    examining: Arc<Semaphore>,
}

/// A file that was looked into, and has its place among those that have arrived.
pub(crate) struct Examined {
    pub(crate) name: String,
    pub(crate) mime: &'static str,
    pub(crate) size: i64,
    pub(crate) picture: Option<PictureSize>,
}

pub(crate) fn io_failure(error: &std::io::Error) -> Failure {
    if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        return Failure::DiskFull;
    }
    tracing::error!(%error, "a file could not be read or written");
    Failure::Internal
}

/// No setting allows more, in bytes.
const BYTES_MAX: i64 = FILE_BYTES_MAX as i64;

/// A file with more bytes than are allowed.
pub(crate) fn too_large(most: i64) -> Failure {
    let megabytes = most / (1024 * 1024);
    Refusal::new(ErrorCode::TooLarge, format!("The file is larger than {megabytes} MB; send a smaller one.")).into()
}

fn unsupported() -> Failure {
    let message = "Files of this type are not taken; send a picture, a PDF, a text, an office document, a ZIP, a sound or a film.";
    Refusal::new(ErrorCode::UnsupportedType, message).into()
}

fn too_many_pixels() -> Failure {
    let message = "The picture is too large: 40 million pixels are the most, and fewer of one whose colours take many bytes; send a smaller one.";
    Refusal::new(ErrorCode::TooLarge, message).into()
}

impl Files {
    pub(crate) fn open(data: &Path) -> std::io::Result<Self> {
        let waiting = data.join(FILES).join(WAITING);
        std::fs::create_dir_all(&waiting)?;
        let store = FileStore::open(data)?;
        Ok(Self { waiting, store, examining: Arc::new(Semaphore::new(EXAMINED_AT_ONCE)) })
    }

    /// The bytes of a file that has arrived, as they come. The name is one that this server made.
    pub(crate) async fn get(
        &self,
        file: &str,
    ) -> Outcome<impl Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static> {
        let found = self.store.get(file).await.map_err(|error| self.store.failure(&error))?;
        found.ok_or_else(|| {
            tracing::error!("a stored file is missing");
            Failure::not_found("file")
        })
    }

    /// Removes a file that has arrived, if it is there.
    pub(crate) async fn remove(&self, file: &str) -> Outcome<()> {
        self.store.remove(file).await.map_err(|error| self.store.failure(&error))
    }

    /// Where a file lies that is on its way. The name is one that this server made.
    pub(crate) fn incoming(&self, file: &str) -> PathBuf {
        self.waiting.join(file)
    }

    /// Removes a file from the waiting place, if anything of it is there.
    pub(crate) async fn remove_incoming(&self, file: &str) {
        match tokio::fs::remove_file(self.incoming(file)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a file on its way could not be removed");
            }
            _ => {}
        }
    }

    /// What has lain in the waiting place for long.
    pub(crate) async fn strays(&self) -> Vec<String> {
        let incoming = self.waiting.clone();
        let found = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<String>> {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(incoming)? {
                let entry = entry?;
                let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
                if age > STRAY {
                    found.extend(entry.file_name().into_string().ok());
                }
            }
            Ok(found)
        });
        if let Ok(Ok(found)) = found.await {
            return found;
        }
        tracing::warn!("the waiting place of uploads could not be read");
        Vec::new()
    }

    /// Looks into a file of the waiting place, and puts what it is under the same name among those that have arrived.
    /// Doing it again changes nothing.
    pub(crate) async fn examine(&self, file: &str, name: String, sha256: Option<[u8; 32]>) -> Outcome<Examined> {
        let permit = Arc::clone(&self.examining).acquire_owned().await.map_err(|_| Failure::Busy)?;
        let received = self.incoming(file);
        let task = tokio::task::spawn_blocking(move || {
            let examined = examine(&received, &name, sha256);
            drop(permit);
            examined
        });
        let (examined, bytes) = task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "looking into a file failed");
            Err(Failure::Internal)
        })?;
        self.store.put(file, bytes).await.map_err(|error| self.store.failure(&error))?;
        Ok(examined)
    }
}

fn examine(received: &Path, name: &str, sha256: Option<[u8; 32]>) -> Outcome<(Examined, Vec<u8>)> {
    let bytes = std::fs::read(received).map_err(|error| io_failure(&error))?;
    if sha256.is_some_and(|said| said != <[u8; 32]>::from(Sha256::digest(&bytes))) {
        return Err(Refusal::invalid("sha256", "does not fit the bytes that came; send the file again").into());
    }
    let (name, mime, bytes, picture) = match find_type(&bytes, name)? {
        Found::Picture(format) => {
            let (bytes, mime, size) = redraw(&bytes, format)?;
            (stem(name), mime, bytes, Some(size))
        }
        Found::Other(mime) => (name, mime, bytes, None),
    };
    let size = i64::try_from(bytes.len()).map_err(|_| too_large(BYTES_MAX))?;
    Ok((Examined { name: clean_name(name, mime), mime, size, picture }, bytes))
}

enum Found {
    Picture(ImageFormat),
    Other(&'static str),
}

/// The type that the bytes show. The name only tells apart the kinds of plain text.
fn find_type(bytes: &[u8], name: &str) -> Outcome<Found> {
    if let Some(kind) = infer::get(bytes) {
        let mime = match kind.mime_type() {
            "image/png" => return Ok(Found::Picture(ImageFormat::Png)),
            "image/jpeg" => return Ok(Found::Picture(ImageFormat::Jpeg)),
            "image/gif" => return Ok(Found::Picture(ImageFormat::Gif)),
            "image/webp" => return Ok(Found::Picture(ImageFormat::WebP)),
            "audio/m4a" => "audio/mp4",
            "audio/opus" => "audio/ogg",
            other => other,
        };
        let known = TYPES.iter().find(|(known, _)| *known == mime && !mime.starts_with("text/"));
        return known.map(|(known, _)| Found::Other(known)).ok_or_else(unsupported);
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let mime = match ending.as_deref() {
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        _ => return Err(unsupported()),
    };
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| {
        !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t' | '\u{c}'))
    });
    if is_text { Ok(Found::Other(mime)) } else { Err(unsupported()) }
}

/// Decodes a picture and encodes it anew: no metadata, no hidden payload, upright.
fn redraw(bytes: &[u8], format: ImageFormat) -> Outcome<(Vec<u8>, &'static str, PictureSize)> {
    let broken = |error: image::ImageError| -> Failure {
        tracing::debug!(%error, "a picture was refused");
        match error {
            image::ImageError::Limits(_) => too_many_pixels(),
            _ => unsupported(),
        }
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    // A pixel may have eight bytes, and the limits of a decoder do not count what it decodes to.
    if u64::from(width) * u64::from(height) > PIXELS_MAX || decoder.total_bytes() > DECODED_BYTES_MAX {
        return Err(too_many_pixels());
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    let size = PictureSize { width: picture.width(), height: picture.height() };
    let photograph = format == ImageFormat::Jpeg || (format == ImageFormat::WebP && !picture.color().has_alpha());
    if !photograph {
        let plain = if picture.color().has_alpha() {
            DynamicImage::ImageRgba8(picture.into_rgba8())
        } else {
            DynamicImage::ImageRgb8(picture.into_rgb8())
        };
        let mut encoded = Vec::new();
        plain.write_to(&mut Cursor::new(&mut encoded), ImageFormat::Png).map_err(broken)?;
        if encoded.len() <= FILE_BYTES_MAX {
            return Ok((encoded, "image/png", size));
        }
        picture = plain;
    }
    let mut encoded = Vec::new();
    JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY).encode_image(&picture.into_rgb8()).map_err(broken)?;
    if encoded.len() > FILE_BYTES_MAX { Err(too_large(BYTES_MAX)) } else { Ok((encoded, "image/jpeg", size)) }
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The sender's name for a file without paths and characters that some system gives a meaning, and with an ending
/// that fits the type: nothing is later opened as something that it is not.
fn clean_name(name: &str, mime: &str) -> String {
    let endings = TYPES.iter().find(|(known, _)| *known == mime).map_or(&["bin"] as &[&str], |(_, endings)| endings);
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let base: String = text::line(base)
        .chars()
        .map(|letter| if matches!(letter, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { letter })
        .collect();
    let base = base.trim_matches(['.', ' ']);
    let fitting =
        base.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending.to_ascii_lowercase().as_str()));
    let (base, ending) = if fitting { base.rsplit_once('.').unwrap_or((base, endings[0])) } else { (base, endings[0]) };
    let base = if base.is_empty() { "file" } else { base };
    let base: String = base.chars().take(NAME_MAX - 1 - ending.len()).collect();
    format!("{base}.{ending}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tv_06_a_file_name_loses_paths_and_gets_the_ending_of_its_type() {
        for (name, mime, expected) in [
            ("tea.pdf", "application/pdf", "tea.pdf"),
            ("TEA.PDF", "application/pdf", "TEA.PDF"),
            ("../../etc/passwd", "text/plain", "passwd.txt"),
            ("C:\\temp\\tea.exe", "application/zip", "tea.exe.zip"),
            ("invoice.pdf.scr", "application/pdf", "invoice.pdf.scr.pdf"),
            ("a<b>:\"|?*.csv", "text/csv", "a_b______.csv"),
            ("\u{202e}gpj.exe", "image/png", "gpj.exe.png"),
            ("...", "image/png", "file.png"),
            ("", "image/jpeg", "file.jpg"),
        ] {
            assert_eq!(clean_name(name, mime), expected, "{name}");
        }
        assert_eq!(clean_name(&"x".repeat(900), "text/plain").chars().count(), NAME_MAX);
    }

    #[test]
    fn tv_06_active_and_unknown_types_are_refused_whatever_their_name_says() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".as_slice();
        let html = b"<!DOCTYPE html><script>alert(1)</script>".as_slice();
        for (bytes, name) in [
            (svg, "tea.svg"),
            (svg, "tea.png"),
            (html, "tea.png"),
            (html, "tea.txt"),
            (b"<?xml version='1.0'?><a/>", "tea.txt"),
            (b"MZ\x90\x00\x03\x00", "tea.png"),
            (b"\x7fELF\x02\x01\x01\x00", "tea.txt"),
            (b"#!/bin/sh\nrm -rf /\n", "tea.txt"),
            (b"plain words", "tea.html"),
            (b"a\x00b", "tea.txt"),
            (b"\xff\xfe\x00", "tea.csv"),
            (b"", "tea"),
        ] {
            assert!(find_type(bytes, name).is_err(), "{name}: {bytes:?}");
        }
        assert!(matches!(find_type(b"%PDF-1.7\n", "tea.png"), Ok(Found::Other("application/pdf"))));
        assert!(matches!(find_type("Tee für zwei\n".as_bytes(), "tea.txt"), Ok(Found::Other("text/plain"))));
    }

    #[test]
    fn tv_06_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded() {
        // A valid header that promises 100000 × 100000 pixels.
        let mut png = Vec::new();
        DynamicImage::new_rgb8(1, 1).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        png[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
        let refusal = redraw(&png, ImageFormat::Png).unwrap_err().into_refusal();
        assert!(matches!(refusal.code, ErrorCode::TooLarge | ErrorCode::UnsupportedType), "{refusal}");
    }
}
