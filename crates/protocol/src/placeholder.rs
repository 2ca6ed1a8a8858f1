//! Placeholders of prepared texts: `{visitor.first_name}`, or with words for when nothing is known,
//! `{visitor.first_name|dear customer}`. Other braces are text like any other.

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The visitor's name, as far as the team knows it.
    VisitorName,
    /// Its first word.
    VisitorFirstName,
    /// The visitor's e-mail address.
    VisitorEmail,
    /// The agent who inserts the text.
    AgentName,
    /// The site on which the visitor is.
    SiteName,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::VisitorName, Self::VisitorFirstName, Self::VisitorEmail, Self::AgentName, Self::SiteName];

    /// What stands between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::VisitorName => "visitor.name",
            Self::VisitorFirstName => "visitor.first_name",
            Self::VisitorEmail => "visitor.email",
            Self::AgentName => "agent.name",
            Self::SiteName => "site.name",
        }
    }
}

/// A piece of a text.
enum Piece<'t> {
    Text(&'t str),
    /// All of it, what stands before the bar, and what stands behind it.
    Placeholder(&'t str, &'t str, Option<&'t str>),
}

/// Cuts a text into pieces. Whatever looks like a name between braces is a placeholder, so that a slip is found.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut plain) = (text, 0);
    while let Some((before, behind)) = rest.get(plain..).and_then(|ahead| ahead.split_once('{')) {
        let at = plain + before.len();
        let inside = behind.split_once('}').map(|(inside, _)| inside);
        let placeholder = inside.and_then(|inside| {
            let (name, fallback) = match inside.split_once('|') {
                Some((name, fallback)) => (name, Some(fallback)),
                None => (inside, None),
            };
            let named = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_'));
            let fits = fallback.is_none_or(|fallback| !fallback.contains(['{', '\n']));
            (named && fits).then_some((inside, name, fallback))
        });
        match placeholder {
            Some((inside, name, fallback)) => {
                // Both braces have one byte.
                let end = at + inside.len() + 2;
                let (Some(text), Some(whole), Some(after)) = (rest.get(..at), rest.get(at..end), rest.get(end..))
                else {
                    break;
                };
                found.push(Piece::Text(text));
                found.push(Piece::Placeholder(whole, name, fallback));
                (rest, plain) = (after, 0);
            }
            None => plain = at + 1,
        }
    }
    found.push(Piece::Text(rest));
    found
}

/// The placeholders of a text that there are not, as they stand there, each once.
pub fn unknown(text: &str) -> Vec<&str> {
    let mut unknown: Vec<&str> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Placeholder(whole, name, _) = piece
            && Placeholder::ALL.iter().all(|known| known.name() != name)
            && !unknown.contains(&whole)
        {
            unknown.push(whole);
        }
    }
    unknown
}

/// A text with its placeholders filled in, and those that had neither a value nor words of their own, each once; they
/// stay as they are.
pub fn fill(text: &str, value: impl Fn(Placeholder) -> String) -> (String, Vec<String>) {
    let (mut filled, mut missing) = (String::with_capacity(text.len()), Vec::new());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(whole, name, fallback) => {
                let known = Placeholder::ALL.into_iter().find(|known| known.name() == name);
                let value = known.map(&value).filter(|value| !value.is_empty());
                match value.as_deref().or(fallback) {
                    Some(value) => filled.push_str(value),
                    None => {
                        filled.push_str(whole);
                        if !missing.iter().any(|other| other == whole) {
                            missing.push(whole.to_owned());
                        }
                    }
                }
            }
        }
    }
    (filled, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vic(placeholder: Placeholder) -> String {
        match placeholder {
            Placeholder::VisitorName => "Vic Smith".to_owned(),
            Placeholder::VisitorFirstName => "Vic".to_owned(),
            Placeholder::VisitorEmail => String::new(),
            Placeholder::AgentName => "Ann {site.name}".to_owned(),
            Placeholder::SiteName => "Tea shop".to_owned(),
        }
    }

    #[test]
    fn tv_05_placeholders_are_filled_in_once_and_what_has_no_value_takes_its_fallback() {
        let (text, missing) = fill("Hi {visitor.first_name|there}, {agent.name} of {site.name}.", vic);
        assert_eq!(text, "Hi Vic, Ann {site.name} of Tea shop.", "a value is no text with placeholders");
        assert!(missing.is_empty());
        let (text, missing) = fill("To {visitor.email|your address}, {visitor.email}, {visitor.email}", vic);
        assert_eq!(text, "To your address, {visitor.email}, {visitor.email}");
        assert_eq!(missing, ["{visitor.email}"]);
        assert_eq!(fill("Hello{visitor.email|}!", vic).0, "Hello!", "a fallback may be nothing");
    }

    #[test]
    fn tv_05_a_slip_in_a_placeholder_is_found_and_other_braces_are_text() {
        assert_eq!(unknown("{vistor.name} {visitor.name} {name|you} {vistor.name}"), ["{vistor.name}", "{name|you}"]);
        for plain in ["{", "}", "{}", "a { b } c", "body { color: red }", "{1}", "{имя}", "{a|{b", "{{", "🫖{"] {
            assert_eq!(unknown(plain), Vec::<&str>::new(), "{plain}");
            assert_eq!(fill(plain, vic).0, plain);
        }
        assert_eq!(fill("{{visitor.first_name}}", vic).0, "{Vic}");
        assert_eq!(fill("🫖 { {visitor.first_name} é", vic).0, "🫖 { Vic é");
    }
}
