//! Files that somebody made to do harm: each is refused by a rule that its sender is told, or comes back harmless.

use std::io::Cursor;

use deskbell_protocol::*;
use image::{DynamicImage, ImageFormat};

use crate::desk::*;
use crate::files::{Who, fetch, files_under, upload};

/// Stands where a file hides what must never come back: places, scripts, programs.
const MARKER: &[u8] = b"MARKER 40.4168 N <script>alert(1)</script>";

/// What must become of a file.
enum Fate {
    /// It is refused with this code, and the sentence says why.
    Refused(ErrorCode, &'static str),
    /// It is a picture: drawn anew, with nothing of what was hidden in it.
    Redrawn { mime: &'static str, name: &'static str },
    /// It comes back byte for byte, to be saved and never to be shown, as what it is.
    Kept { mime: &'static str, name: &'static str },
}

struct Hostile {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    fate: Fate,
}

const UNKNOWN: Fate = Fate::Refused(ErrorCode::UnsupportedType, "Files of this type are not taken");
const NOTHING: Fate = Fate::Refused(ErrorCode::Invalid, "an empty file is not taken");
const TOO_MANY_PIXELS: Fate = Fate::Refused(ErrorCode::TooLarge, "million pixels");

fn hostile(what: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>, fate: Fate) -> Hostile {
    Hostile { what, name, bytes: bytes.into(), fate }
}

fn redrawn(what: &'static str, name: &'static str, bytes: Vec<u8>, to: (&'static str, &'static str)) -> Hostile {
    hostile(what, name, bytes, Fate::Redrawn { mime: to.0, name: to.1 })
}

fn kept(
    what: &'static str,
    name: &'static str,
    bytes: impl Into<Vec<u8>>,
    as_: (&'static str, &'static str),
) -> Hostile {
    hostile(what, name, bytes, Fate::Kept { mime: as_.0, name: as_.1 })
}

fn picture(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(8, 4).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn spliced(bytes: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&bytes[..at], more, &bytes[at..]].concat()
}

/// A JPEG with one more block behind its first marker.
fn jpeg_with(marker: u8, intro: &[u8]) -> Vec<u8> {
    let block = [intro, MARKER].concat();
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    spliced(&picture(ImageFormat::Jpeg), 2, &[&[0xff, marker], length.as_slice(), &block].concat())
}

/// A PNG with one more chunk behind its header.
fn png_with(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let body = [kind.as_slice(), data].concat();
    let chunk = [length.as_slice(), &body, &crc32(&body).to_be_bytes()].concat();
    spliced(&picture(ImageFormat::Png), 33, &chunk)
}

/// A PNG whose header promises so much. Behind it comes next to nothing.
fn png_of(width: u32, height: u32, bits: u8, colours: u8) -> Vec<u8> {
    let mut png = picture(ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    (png[24], png[25]) = (bits, colours);
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    png
}

/// The check sum of PNG and ZIP.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

/// A JPEG whose header promises so much.
fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = picture(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// A GIF whose screen and only frame promise so much.
fn gif_of(width: u16, height: u16) -> Vec<u8> {
    let mut gif = picture(ImageFormat::Gif);
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    gif[6..10].copy_from_slice(&size);
    let frame = gif.iter().rposition(|byte| *byte == b',').unwrap();
    gif[frame + 5..frame + 9].copy_from_slice(&size);
    gif
}

/// A WebP of the extended form, which holds these besides the picture.
fn webp_with(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let plain = picture(ImageFormat::WebP);
    // What it holds, and its size less one: 8 × 4 pixels.
    let mut body = b"WEBPVP8X\x0a\0\0\0\x0c\0\0\0\x07\0\0\x03\0\0".to_vec();
    body.extend(&plain[12..]);
    for (kind, data) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(*data);
        body.extend(vec![0; data.len() % 2]);
    }
    [b"RIFF".as_slice(), &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
}

/// A WebP whose header promises 16,383 lines of as many pixels: two numbers of fourteen bits, less one.
fn huge_webp() -> Vec<u8> {
    let mut webp = picture(ImageFormat::WebP);
    assert_eq!((&webp[12..16], webp[20]), (b"VP8L".as_slice(), 0x2f));
    webp[21..24].copy_from_slice(&[0xfe, 0xbf, 0xff]);
    webp[24] |= 0x0f;
    webp
}

/// An archive with one stored file of each name. Its entries say that they become `promised` bytes.
fn zip(names: &[&str], promised: u32) -> Vec<u8> {
    let mut archive = Vec::new();
    for name in names {
        archive.extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0");
        archive.extend(crc32(MARKER).to_le_bytes());
        archive.extend(u32::try_from(MARKER.len()).unwrap().to_le_bytes());
        archive.extend(promised.to_le_bytes());
        archive.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        archive.extend([0, 0]);
        archive.extend(name.as_bytes());
        archive.extend(MARKER);
    }
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 18]);
    archive
}

const PNG: &str = "image/png";
const JPEG: &str = "image/jpeg";
const TEXT: &str = "text/plain";
const ZIP: &str = "application/zip";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(1)</script></svg>";
const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an installer, or a document with macros";

fn pictures() -> Vec<Hostile> {
    let jpg = (JPEG, "me.jpg");
    let png = (PNG, "me.png");
    let behind = |format| [picture(format), MARKER.to_vec()].concat();
    vec![
        redrawn("a place in EXIF", "me.jpg", jpeg_with(0xe1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), jpg),
        redrawn("XMP", "me.jpg", jpeg_with(0xe1, b"http://ns.adobe.com/xap/1.0/\0"), jpg),
        redrawn("a colour profile with a payload", "me.jpg", jpeg_with(0xe2, b"ICC_PROFILE\0\x01\x01"), jpg),
        redrawn("IPTC", "me.jpg", jpeg_with(0xed, b"Photoshop 3.0\0"), jpg),
        redrawn("a comment with a script", "me.jpg", jpeg_with(0xfe, b""), jpg),
        redrawn("an archive behind a photograph", "me.jpg", behind(ImageFormat::Jpeg), jpg),
        redrawn("a page behind a picture", "me.png", behind(ImageFormat::Png), png),
        redrawn("words in a picture", "me.png", png_with(b"tEXt", &[b"Comment\0".as_slice(), MARKER].concat()), png),
        redrawn(
            "XMP in a picture",
            "me.png",
            png_with(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), MARKER].concat()),
            png,
        ),
        redrawn(
            "EXIF in a picture",
            "me.png",
            png_with(b"eXIf", &[b"MM\0*\0\0\0\x08\0\0".as_slice(), MARKER].concat()),
            png,
        ),
        redrawn("an unknown chunk", "me.png", png_with(b"prIv", MARKER), png),
        redrawn("a script behind a GIF", "me.gif", behind(ImageFormat::Gif), png),
        redrawn("EXIF and XMP in a WebP", "me.webp", webp_with(&[(b"EXIF", MARKER), (b"XMP ", MARKER)]), jpg),
        redrawn("a picture that is called a program", "me.png.exe", picture(ImageFormat::Png), (PNG, "me.png")),
        redrawn("a picture that is called a page", "me.html", picture(ImageFormat::Jpeg), jpg),
        redrawn("a name that is read backwards", "me\u{202e}gnp.scr", picture(ImageFormat::Png), (PNG, "megnp.png")),
        hostile("GIF and JavaScript at once", "me.gif", b"GIF89a=1;alert(1)//".as_slice(), TOO_MANY_PIXELS),
        hostile(
            "a GIF of a fair size and no picture",
            "me.gif",
            b"GIF89a\x08\0\x04\0\0\0\0=1;alert(1)".as_slice(),
            UNKNOWN,
        ),
        hostile("GIF and a page at once", "me.gif", [b"GIF89a".as_slice(), HTML].concat(), TOO_MANY_PIXELS),
        hostile("JPEG and JavaScript at once", "me.jpg", b"\xff\xd8\xff\xe0/*\0\0*/=alert(1)//".as_slice(), UNKNOWN),
        hostile("BMP and JavaScript at once", "me.bmp", b"BM/*\0\0\0\0*/=1;alert(1)".as_slice(), UNKNOWN),
        hostile("a picture that ends in the middle", "me.png", picture(ImageFormat::Png)[..40].to_vec(), UNKNOWN),
        hostile("a photograph without an end", "me.jpg", picture(ImageFormat::Jpeg)[..200].to_vec(), UNKNOWN),
        hostile("a first line and nothing else", "me.webp", b"RIFF\xff\xff\xff\xffWEBPVP8 ".as_slice(), UNKNOWN),
        hostile("ten thousand million pixels", "me.png", png_of(100_000, 100_000, 8, 2), TOO_MANY_PIXELS),
        hostile("few pixels of very many bytes", "me.png", png_of(6_000, 6_000, 16, 6), TOO_MANY_PIXELS),
        hostile("a photograph of 65,535 lines", "me.jpg", jpeg_of(65_535, 65_535), TOO_MANY_PIXELS),
        hostile("a GIF of 65,535 lines", "me.gif", gif_of(65_535, 65_535), TOO_MANY_PIXELS),
        hostile("a WebP of 16,383 lines", "me.webp", huge_webp(), TOO_MANY_PIXELS),
        hostile("a picture of no size", "me.png", png_of(0, 0, 8, 2), UNKNOWN),
        hostile("a drawing with a script", "me.svg", SVG, UNKNOWN),
        hostile("a drawing that is called a picture", "me.png", SVG, UNKNOWN),
        hostile(
            "a drawing behind a byte order mark",
            "me.png",
            [b"\xef\xbb\xbf<?xml version='1.0'?>".as_slice(), SVG].concat(),
            UNKNOWN,
        ),
    ]
}

fn pages_and_programs() -> Vec<Hostile> {
    let program = |what, name, bytes: &[u8]| hostile(what, name, bytes, UNKNOWN);
    vec![
        program("a page", "tea.html", HTML),
        program("a page that is called a picture", "tea.png", HTML),
        program("a page that is called a text", "tea.txt", HTML),
        program("a page in one file", "tea.mht", b"MIME-Version: 1.0\nContent-Type: text/html\n\n<script>"),
        program("a style sheet of XML", "tea.xml", b"<?xml version='1.0'?><?xml-stylesheet href='x'?>"),
        program("XML that is called a text", "tea.txt", b"<?xml version='1.0'?><html/>"),
        program("a program for Windows", "tea.exe", b"MZ\x90\0\x03\0\0\0"),
        program("one that is called a picture", "tea.png", b"MZ\x90\0\x03\0\0\0"),
        program("a library", "tea.dll", b"MZ\x90\0\x03\0\0\0"),
        program("a screen saver behind two endings", "tea.pdf.scr", b"MZ\x90\0\x03\0\0\0"),
        program("an installer", "tea.msi", OLE),
        program("an old document with macros", "tea.doc", OLE),
        program("a shortcut", "tea.lnk", b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0"),
        program("a shortcut that is called a text", "tea.txt", b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0"),
        program("a program for Linux", "tea", b"\x7fELF\x02\x01\x01\0"),
        program("a script for a shell", "tea.txt", b"#!/bin/sh\nrm -rf /\n"),
        program("JavaScript", "tea.js", b"alert(1)"),
        program("a page that is a program", "tea.hta", b"run = 1"),
        program("Visual Basic", "tea.vbs", b"MsgBox 1"),
        program("commands", "tea.bat", b"format c:\r\n"),
        program("commands of another shell", "tea.ps1", b"Remove-Item C:\\"),
        program("a link to the web", "tea.url", b"[InternetShortcut]\r\nURL=file:///c:/windows/system32/calc.exe\r\n"),
        program("a starter", "tea.desktop", b"[Desktop Entry]\nExec=sh -c id\n"),
        program("a link for a Mac", "tea.webloc", b"<?xml version=\"1.0\"?><plist><dict><key>URL</key></dict></plist>"),
        program("a disk for a Mac", "tea.dmg", b"x\x01s\r b b`koly\0\0\0\x04"),
        program("a class for Java", "tea.class", b"\xca\xfe\xba\xbe\0\0\0\x34"),
        program("bytes for the web", "tea.wasm", b"\0asm\x01\0\0\0"),
        program("a film of a past age", "tea.swf", b"FWS\x06\0\0\0\0"),
        program("rich text with an object", "tea.rtf", b"{\\rtf1\\object\\objautlink}"),
        program("an archive of another kind", "tea.7z", b"7z\xbc\xaf\x27\x1c\0\0"),
        program("settings of a web server", ".htaccess", b"AddHandler cgi-script .txt\n"),
        program("a stream beside a file", "tea.txt::$DATA", b"words"),
    ]
}

fn documents_and_words() -> Vec<Hostile> {
    let unpacked = u32::MAX;
    let far_away = {
        let mut archive = zip(&["[Content_Types].xml", "word/document.xml"], 1);
        archive[18..22].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
        archive
    };
    vec![
        kept(
            "a document with a script",
            "tea.pdf",
            b"%PDF-1.7\n<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>".as_slice(),
            ("application/pdf", "tea.pdf"),
        ),
        kept(
            "a document that is called a page",
            "tea.html",
            b"%PDF-1.7\n<script>alert(1)</script>".as_slice(),
            ("application/pdf", "tea.html.pdf"),
        ),
        kept(
            "a page with a document behind it",
            "tea.html",
            [HTML, b"%PDF-1.7".as_slice()].concat(),
            ("application/pdf", "tea.html.pdf"),
        ),
        kept("an archive that unpacks to 4 GB", "tea.zip", zip(&["a"], unpacked), (ZIP, "tea.zip")),
        kept(
            "an archive that climbs out of its folder",
            "tea.zip",
            zip(&["../../.ssh/authorized_keys"], 1),
            (ZIP, "tea.zip"),
        ),
        kept("a program for Java", "tea.jar", zip(&["META-INF/MANIFEST.MF"], 1), (ZIP, "tea.jar.zip")),
        kept("a program for phones", "tea.apk", zip(&["AndroidManifest.xml"], 1), (ZIP, "tea.apk.zip")),
        kept(
            "a document with macros",
            "tea.docm",
            zip(&["word/vbaProject.bin"], 1),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "tea.docm.docx"),
        ),
        kept(
            "a table with macros",
            "tea.xlsm",
            zip(&["xl/vbaProject.bin"], 1),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "tea.xlsm.xlsx"),
        ),
        kept("a document whose first part ends far away", "tea.docx", far_away, (ZIP, "tea.docx.zip")),
        kept(
            "a sound with a page in it",
            "tea.mp3",
            [b"ID3\x04\0\0\0\0\0\x7f".as_slice(), HTML].concat(),
            ("audio/mpeg", "tea.mp3"),
        ),
        kept("words that are a page further on", "tea.txt", [b"Hello ".as_slice(), HTML].concat(), (TEXT, "tea.txt")),
        kept(
            "a page in seven bits",
            "tea.txt",
            b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-".as_slice(),
            (TEXT, "tea.txt"),
        ),
        hostile("nothing", "tea.txt", b"".as_slice(), NOTHING),
        kept("a path", "../../../../etc/cron.d/tea.txt", b"* * * * * root id".as_slice(), (TEXT, "tea.txt")),
        kept("another system's path", "..\\..\\Startup\\tea.txt", b"words".as_slice(), (TEXT, "tea.txt")),
        kept(
            "a name that ends a header",
            "tea\r\nSet-Cookie: a=b;\".txt",
            b"words".as_slice(),
            (TEXT, "tea  Set-Cookie_ a=b;_.txt"),
        ),
        kept("a name with an end in it", "tea.exe\0.txt", b"words".as_slice(), (TEXT, "tea.exe.txt")),
        kept(
            "a name that is markup",
            "<img src=x onerror=alert(1)>.txt",
            b"words".as_slice(),
            (TEXT, "_img src=x onerror=alert(1)_.txt"),
        ),
        kept("no name but an ending", ".txt", b"words".as_slice(), (TEXT, "txt.txt")),
        hostile("words of two bytes", "tea.txt", b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0>\0".as_slice(), UNKNOWN),
        hostile("words with an end in them", "tea.csv", b"a;b\0<script>".as_slice(), UNKNOWN),
        hostile("words that command a terminal", "tea.txt", b"\x1b]0;title\x07\x1b[2J".as_slice(), UNKNOWN),
        hostile("nothing that is called a picture", "tea.png", b"".as_slice(), NOTHING),
        hostile(
            "a byte too much",
            "tea.txt",
            vec![b'x'; FILE_BYTES_MAX + 1],
            Fate::Refused(ErrorCode::TooLarge, "larger than"),
        ),
    ]
}

#[tokio::test]
async fn tv_06_of_eighty_hostile_files_each_is_refused_by_a_rule_or_comes_back_harmless() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vic_token) = desk.visitor().await;
    let vic_is = Who::Visitor(&vic_token, desk.own_origin());
    let all: Vec<Hostile> = [pictures(), pages_and_programs(), documents_and_words()].into_iter().flatten().collect();
    assert!(all.len() >= 80, "{}", all.len());

    let (mut stored, mut wrong) = (Vec::new(), Vec::new());
    for file in &all {
        match (&file.fate, upload(&desk, &vic_is, file.name, file.bytes.clone()).await) {
            (Fate::Refused(code, why), Err((400..500, refusal)))
                if refusal.code == *code && refusal.message.contains(why) => {}
            (Fate::Redrawn { mime, name } | Fate::Kept { mime, name }, Ok(attachment))
                if (attachment.mime.as_str(), attachment.name.as_str()) == (*mime, *name) =>
            {
                stored.push((file, attachment));
            }
            (_, came) => wrong.push(format!("{}: {came:?}", file.what)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for some in stored.chunks(ATTACHMENTS_MAX) {
        let attachments = some.iter().map(|(_, attachment)| attachment.id).collect();
        let (conversation, kind, text) = (None, MessageKind::Reply, String::new());
        vic.command(&command(Command::Send {
            conversation,
            kind,
            text,
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        }))
        .await
        .unwrap();
        ann.message("").await;
    }

    // An agent and the visitor get the same, whole or whatever part of it they ask for.
    for (file, attachment) in &stored {
        let what = file.what;
        for authorization in [format!("Bearer {}", desk.ann.access_token), format!("Visitor {vic_token}")] {
            let response = fetch(&desk, &authorization, attachment.id).await;
            let (status, headers) = (response.status(), response.headers().clone());
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            assert_eq!(status, 200, "{what}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'", "{what}");
            assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
            let disposition = header("content-disposition");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_%'*=; ".contains(&byte);
            assert!(disposition.bytes().all(plain), "{what}: {disposition}");
            assert!(!headers.contains_key("set-cookie"), "{what}");
            let bytes = response.bytes().await.unwrap();
            match file.fate {
                Fate::Redrawn { mime, .. } => {
                    assert_eq!(header("content-type"), mime, "{what}");
                    assert!(disposition.starts_with("inline; "), "{what}: {disposition}");
                    for hidden in [&b"MARKER"[..], b"alert", b"Exif", b"ns.adobe.com", b"ICC_PROFILE"] {
                        assert!(!bytes.windows(hidden.len()).any(|window| window == hidden), "{what}");
                    }
                    image::load_from_memory(&bytes).expect(what);
                }
                Fate::Kept { mime, .. } => {
                    let charset = if mime.starts_with("text/") { "; charset=utf-8" } else { "" };
                    assert_eq!(header("content-type"), format!("{mime}{charset}"), "{what}");
                    assert!(disposition.starts_with("attachment; "), "{what}: {disposition}");
                    assert_eq!(bytes, file.bytes, "{what}");
                }
                Fate::Refused(..) => unreachable!(),
            }
        }
    }

    // Nothing of what was refused is left, neither where files wait nor where they stay.
    let on_disk = files_under(&desk.data.path().join("files"));
    assert_eq!(on_disk.len(), stored.len(), "{on_disk:?}");
    assert!(on_disk.iter().all(|path| !path.to_string_lossy().contains("incoming")), "{on_disk:?}");
}

#[tokio::test]
async fn tv_06_no_header_of_a_request_makes_a_file_another_thing() {
    let desk = TestDesk::start().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    let authorization = format!("Visitor {token}");
    let text = [b"Hello ".as_slice(), HTML].concat();
    let query = |name: &str, size: usize| {
        let id = ClientId::from_bits(rand::random());
        let query = [("client_id", id.as_str()), ("name", name), ("size", &size.to_string())]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let request = http().post(desk.url("/v1/uploads")).query(&query);
        request.header("authorization", &authorization).header("origin", desk.own_origin())
    };

    // What the sender says of the bytes is not asked.
    let lie = query("tea.txt", text.len()).header("content-type", "text/html; charset=utf-7").body(text.clone());
    let attachment = lie.send().await.unwrap().json::<Upload>().await.unwrap().attachment.unwrap();
    assert_eq!(attachment.mime, TEXT);
    // More bytes than were said make no file, and fewer wait for the rest.
    let more = query("tea.txt", 3).body(text.clone()).send().await.unwrap();
    assert_eq!(more.json::<Refusal>().await.unwrap().code, ErrorCode::Invalid);
    let fewer = query("tea.txt", text.len() + 1).body(text.clone()).send().await.unwrap();
    assert!(fewer.json::<Upload>().await.unwrap().attachment.is_none());
    let endless = "x".repeat(FIELD_MAX + 1);
    let named = query(&endless, 1).body("x").send().await.unwrap();
    assert_eq!(named.json::<Refusal>().await.unwrap().code, ErrorCode::Invalid);

    let send = Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: String::new(),
        attachments: vec![attachment.id],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    vic.command(&command(send)).await.unwrap();
    ben.message("").await;
    // From its seventh byte on it would be a page. A part of a file is not to be had.
    let request = http().get(desk.url(&format!("/v1/files/{}", attachment.id))).header("authorization", &authorization);
    let part = request.header("range", "bytes=6-").header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-type"].to_str().unwrap()),
        (200, "text/plain; charset=utf-8")
    );
    assert!(part.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; "));
    assert_eq!(part.bytes().await.unwrap(), text);
}
