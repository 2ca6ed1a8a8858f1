//! A message's text in pieces: plain characters and links. Nothing else is ever read out of it.

use deskbell_protocol::AgentId;
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

/// Cuts out where colleagues are mentioned: an `@` with one of the names, neither of which goes on in a word. Which of two
/// that begin alike is meant, the longer one says.
pub(crate) fn with_mentions(parts: Vec<TextPart>, named: &[(AgentId, String)], me: AgentId) -> Vec<TextPart> {
    let mut cut = Vec::with_capacity(parts.len());
    for part in parts {
        let TextPart::Text { mut text } = part else {
            cut.push(part);
            continue;
        };
        while let Some((at, agent, name)) = first_mention(&text, named) {
            let end = at + 1 + name.len();
            let rest = text.split_off(end);
            let written = text.split_off(at);
            if !text.is_empty() {
                cut.push(TextPart::Text { text });
            }
            cut.push(TextPart::Mention { agent, text: written, me: agent == me });
            text = rest;
        }
        if !text.is_empty() {
            cut.push(TextPart::Text { text });
        }
    }
    cut
}

/// Who of some is mentioned in a text.
pub(crate) fn mentioned(text: &str, named: &[(AgentId, String)]) -> Vec<AgentId> {
    let is_mentioned = |named: &&(AgentId, String)| first_mention(text, std::slice::from_ref(*named)).is_some();
    named.iter().filter(is_mentioned).map(|(agent, _)| *agent).collect()
}

/// The first mention, with the byte of its `@`.
fn first_mention<'a>(text: &str, named: &'a [(AgentId, String)]) -> Option<(usize, AgentId, &'a str)> {
    text.match_indices('@').find_map(|(at, _)| {
        if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
            return None;
        }
        let after = &text[at + 1..];
        let fits = named.iter().filter(|(_, name)| {
            let rest = after.strip_prefix(name.as_str()).filter(|_| !name.is_empty());
            rest.is_some_and(|rest| !rest.chars().next().is_some_and(char::is_alphanumeric))
        });
        fits.max_by_key(|(_, name)| name.len()).map(|(agent, name)| (at, *agent, name.as_str()))
    })
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
                TextPart::Text { .. } | TextPart::Mention { .. } => None,
            })
            .collect()
    }

    #[test]
    fn a_text_is_never_changed_by_being_cut_up() {
        for text in ["hi", "see https://shop.example/a, please\nthanks", " a  b ", "", "https://a.example"] {
            let whole: String = parts(text)
                .into_iter()
                .map(|part| match part {
                    TextPart::Text { text } | TextPart::Link { text, .. } | TextPart::Mention { text, .. } => text,
                })
                .collect();
            assert_eq!(whole, text, "the pieces join to what was written");
        }
    }

    #[test]
    fn od_27_mentions_are_cut_out_by_the_longest_name_and_never_within_a_word() {
        let named =
            [(AgentId(1), "Ann".to_owned()), (AgentId(2), "Ann Lee".to_owned()), (AgentId(3), "Ñuñez".to_owned())];
        let cut = |text: &str| -> Vec<(i64, String)> {
            let parts = with_mentions(parts(text), &named, AgentId(1));
            let whole: String = parts
                .iter()
                .map(|part| match part {
                    TextPart::Text { text } | TextPart::Link { text, .. } | TextPart::Mention { text, .. } => {
                        text.as_str()
                    }
                })
                .collect();
            assert_eq!(whole, text, "the pieces join to what was written");
            parts
                .into_iter()
                .filter_map(|part| match part {
                    TextPart::Mention { agent, text, me } => {
                        assert_eq!(me, agent == AgentId(1));
                        Some((agent.0, text))
                    }
                    _ => None,
                })
                .collect()
        };
        let found = |agent, text: &str| (agent, text.to_owned());
        assert_eq!(cut("@Ann Lee and @Ann, see"), [found(2, "@Ann Lee"), found(1, "@Ann")]);
        assert_eq!(cut("(@Ñuñez)@Ann"), [found(3, "@Ñuñez"), found(1, "@Ann")]);
        for none in ["@Anna", "mail@Ann", "Ann", "@", "@ann", "https://shop.example/@Ann"] {
            assert_eq!(cut(none), [], "{none}");
        }
        assert_eq!(mentioned("@Ann Lee?", &named[1..]), [AgentId(2)]);
        assert_eq!(mentioned("Ann", &named), []);
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
