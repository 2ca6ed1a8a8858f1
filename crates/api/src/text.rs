//! A message's text in pieces: plain characters and links. Nothing else is ever read out of it.

use url::Url;

use crate::types::TextPart;

/// Characters that end a sentence rather than an address.
const TRAILING: &[char] = &['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '»', '”', '…'];

/// Cuts a text into pieces. Only `http` and `https` addresses become links.
pub fn parts(text: &str) -> Vec<TextPart> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut index = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let address = bare.trim_end_matches(TRAILING);
        match link(address) {
            Some(url) => {
                if !plain.is_empty() {
                    parts.push(TextPart::Text { text: std::mem::take(&mut plain) });
                }
                let host = url.host_str().unwrap_or_default().to_owned();
                parts.push(TextPart::Link { index, text: address.to_owned(), host });
                index += 1;
                plain.push_str(&word[address.len()..]);
            }
            None => plain.push_str(word),
        }
    }
    if !plain.is_empty() {
        parts.push(TextPart::Text { text: plain });
    }
    parts
}

/// The address of a text's link, by its place among the links.
pub fn link_at(text: &str, index: u32) -> Option<Url> {
    parts(text).into_iter().find_map(|part| match part {
        TextPart::Link { index: found, text, .. } if found == index => link(&text),
        _ => None,
    })
}

/// Reads an address that may be opened: `http` or `https`, with a host and without a user name, because
/// `https://bank.example@evil.example` says one thing and means another.
pub fn link(text: &str) -> Option<Url> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        return None;
    }
    // A control or direction character in an address can only mislead.
    if text.chars().any(|c| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain_user = url.username().is_empty() && url.password().is_none();
    (url.has_host() && plain_user).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<String> {
        parts(text)
            .into_iter()
            .filter_map(|part| match part {
                TextPart::Link { host, .. } => Some(host),
                TextPart::Text { .. } => None,
            })
            .collect()
    }

    #[test]
    fn a_text_is_never_changed_by_being_cut_up() {
        for text in ["hi", "see https://shop.example/a, please\nthanks", " a  b ", "", "https://a.example"] {
            let whole: String = parts(text)
                .into_iter()
                .map(|part| match part {
                    TextPart::Text { text } | TextPart::Link { text, .. } => text,
                })
                .collect();
            assert_eq!(whole, text, "the pieces join to what was written");
        }
    }

    #[test]
    fn lnk_01_only_web_addresses_become_links() {
        for hostile in [
            "file:///etc/passwd",
            "smb://host/share",
            "\\\\host\\share",
            "ms-msdt:/id",
            "search-ms:query",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "tel:+123",
            "mailto:a@b.example",
            "ftp://a.example",
            "http:",
            "https://",
            "http://user@evil.example",
            "https://bank.example@evil.example",
            "h\u{200b}ttp://a.example",
            "https://a\u{202e}moc.example",
            "view-source:https://a.example",
            "blob:https://a.example/1",
            "about:blank",
        ] {
            assert!(hosts(hostile).is_empty(), "{hostile:?} must stay plain text");
        }
    }

    #[test]
    fn lnk_02_a_host_in_look_alike_letters_is_shown_in_ascii() {
        assert_eq!(
            hosts("https://аррӏе.example/login"),
            ["xn--80ak6aa92e.example"],
            "Cyrillic letters show as punycode"
        );
    }

    #[test]
    fn the_full_stop_after_an_address_is_not_part_of_it() {
        assert_eq!(
            link_at("Look at https://shop.example/x.", 0).map(String::from),
            Some("https://shop.example/x".into())
        );
        assert_eq!(
            link_at("one https://a.example two https://b.example", 1).map(String::from),
            Some("https://b.example/".into())
        );
        assert_eq!(link_at("one https://a.example", 1), None, "there is no second link");
    }
}
