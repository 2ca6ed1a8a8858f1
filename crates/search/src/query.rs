//! What people type, read as words, phrases and filters.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::index::{BY_AGENT, BY_VISITOR, FILE, LINK, NOTE, PICTURE, REPLY, by, fold};
use crate::labels::{label_key, read_label};

/// Words and phrases of one query at the most; what is beyond them is not looked at.
const TERMS_MAX: usize = 12;
/// Words of one phrase at the most.
const PHRASE_MAX: usize = 16;

/// A word or a phrase: letters, digits and single spaces, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    text: String,
    /// The last word may go on.
    unfinished: bool,
}

impl Term {
    fn read(text: &str, unfinished: bool) -> Option<Self> {
        let folded = fold(text);
        let words: Vec<&str> =
            folded.split(|letter| !is_of_a_word(letter)).filter(|word| !word.is_empty()).take(PHRASE_MAX).collect();
        // Nearly every message has a word that begins with a letter, so that a lone one is a word of its own.
        let goes_on = |word: &&str| word.chars().nth(1).is_some();
        let unfinished = unfinished && words.last().is_some_and(goes_on);
        (!words.is_empty()).then(|| Self { text: words.join(" "), unfinished })
    }
}

/// In quotes, so that nothing of it is an operator of the index.
impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"{}", self.text, if self.unfinished { " *" } else { "" })
    }
}

/// Marks that follow their letter belong to its word.
fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&letter)
}

/// One end of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Any visitor.
    Visitor,
    /// The agent who searches.
    Me,
    /// Agents or visitors of this name, as the index of names wants it.
    Named(String),
}

/// Who wrote a message, as far as nearly every second one has the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Any visitor.
    Visitor,
    /// Any agent, to a visitor.
    Team,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In an open conversation.
    Open,
    /// In one that is put off.
    Snoozed,
    /// In a closed conversation.
    Closed,
    /// In a conversation of the agent who searches.
    Mine,
    /// Among the notes.
    Notes,
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// Any file.
    File,
    /// A picture.
    Picture,
    /// An address in its text.
    Link,
    /// It is a note itself.
    Note,
}

/// The first day of a year, of a month, or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits: usize, range: std::ops::RangeInclusive<i64>| match parts.next() {
            None => Some(*range.start()),
            Some(part) if part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                part.parse().ok().filter(|number| range.contains(number))
            }
            Some(_) => None,
        };
        let (year, month) = (part(4, 1970..=9999)?, part(2, 1..=12)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let day = part(2, 1..=days)?;
        parts.next().is_none().then_some(Self { year, month, day })
    }

    /// When it begins in UTC, in milliseconds since 1970.
    pub fn begins_in_utc(self) -> i64 {
        // Years begin in March here, so that the leap day is the last of a year.
        let (year, month) = if self.month > 2 { (self.year, self.month - 3) } else { (self.year - 1, self.month + 9) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + self.day - 1 - 719_468;
        days * 24 * 60 * 60 * 1000
    }
}

/// `2026-05-01`.
impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A query. Its filters hold together; of two that contradict each other the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    pages: Vec<Term>,
    /// How the labels of its conversation begin, folded: one for each.
    pub tags: Vec<String>,
    /// Who wrote the message.
    pub from: Option<Side>,
    /// Whom it was for.
    pub to: Option<Side>,
    /// Where it stands.
    pub places: Vec<Place>,
    /// What it carries.
    pub has: Vec<Has>,
    /// It is older than the beginning of this day.
    pub before: Option<Date>,
    /// It is of this day or newer.
    pub after: Option<Date>,
}

impl Query {
    /// Reads what was typed. Never fails: what is no filter is a word, and an unfinished filter is passed over.
    pub fn read(typed: &str) -> Self {
        let mut query = Self::default();
        let mut letters = typed.chars().peekable();
        while let Some(&letter) = letters.peek() {
            if letter.is_whitespace() {
                letters.next();
            } else if is_quote(letter) {
                let (phrase, closed) = quoted(&mut letters);
                query.add(&phrase, !closed);
            } else {
                let token = token(&mut letters);
                query.take(&token, &mut letters);
            }
        }
        query.terms.truncate(TERMS_MAX);
        query.pages.truncate(TERMS_MAX);
        query.tags.truncate(TERMS_MAX);
        query
    }

    fn add(&mut self, text: &str, unfinished: bool) {
        self.terms.extend(Term::read(text, unfinished));
    }

    /// A word, or a filter with its value.
    fn take(&mut self, token: &str, letters: &mut Peekable<Chars<'_>>) {
        let filter = token.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value));
        if let Some((name, value)) = filter
            && NAMES.contains(&name.as_str())
        {
            if value.is_empty() && letters.peek().is_some_and(|&letter| is_quote(letter)) {
                let (value, _) = quoted(letters);
                if value.trim().is_empty() || self.filter(&name, &value) {
                    return;
                }
                return self.add(&format!("{token}{value}"), false);
            }
            let last = letters.peek().is_none();
            if value.is_empty() || self.filter(&name, value) || last && is_unfinished(&name, value) {
                return;
            }
        }
        // Only the word that is typed last may go on.
        for term in &mut self.terms {
            term.unfinished = false;
        }
        self.add(token, true);
    }

    /// Takes a filter in, unless there is no such value.
    fn filter(&mut self, name: &str, value: &str) -> bool {
        let lower = value.to_lowercase();
        match name {
            "from" | "to" => {
                let side = match lower.as_str() {
                    "visitor" => Some(Side::Visitor),
                    "me" => Some(Side::Me),
                    _ => Term::read(value, true).map(|name| Side::Named(format!("{{name}} : ({name})"))),
                };
                let found = side.is_some();
                let end = if name == "from" { &mut self.from } else { &mut self.to };
                *end = side.or(end.take());
                found
            }
            "page" => {
                let term = Term::read(value, true);
                let found = term.is_some();
                self.pages.extend(term);
                found
            }
            "tag" => {
                let tag = read_label(value).map(|label| label_key(&label)).ok();
                let found = tag.is_some();
                self.tags.extend(tag);
                found
            }
            "in" => put(&mut self.places, PLACES, &lower),
            "has" => put(&mut self.has, HAS, &lower),
            _ => {
                let Some(date) = Date::read(value) else { return false };
                *(if name == "before" { &mut self.before } else { &mut self.after }) = Some(date);
                true
            }
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the index of messages is asked, in its columns `words` and `facets`. `None`: nothing is looked for, or nothing
    /// can be found.
    ///
    /// `me` is the agent who searches, `named` are the agents whose name `from:` gave. Conversations, people and times
    /// are not in that index: the filters that speak of them hold besides, and so does [`Query::writer`].
    pub fn messages(&self, me: i64, named: &[i64]) -> Option<String> {
        let by_nobody = (&self.from, &self.to) == (&Some(Side::Visitor), &Some(Side::Visitor));
        if self.is_empty() || by_nobody {
            return None;
        }
        // To walk through half of all messages beside those with the words takes longer than to look at each of these.
        let asks_writers = self.terms.is_empty();
        // System messages have no facets at all.
        let mut facets = vec![any(&[REPLY, NOTE])];
        match &self.from {
            None => {}
            Some(Side::Visitor) if !asks_writers => {}
            Some(Side::Visitor) => facets.push(any(&[BY_VISITOR])),
            Some(Side::Me) => facets.push(any(&[&by(me)])),
            Some(Side::Named(_)) => {
                let agents: Vec<String> = named.iter().map(|agent| by(*agent)).collect();
                let authors: Vec<&str> = agents.iter().map(String::as_str).chain([BY_VISITOR]).collect();
                facets.push(any(&authors));
            }
        }
        match &self.to {
            None => {}
            Some(Side::Visitor | Side::Me) if !asks_writers => {}
            Some(Side::Visitor) => facets.extend([any(&[BY_AGENT]), any(&[REPLY])]),
            Some(Side::Me) => facets.push(any(&[BY_VISITOR])),
            // A note is for nobody of a name.
            Some(Side::Named(_)) => facets.push(any(&[REPLY])),
        }
        if self.places.contains(&Place::Notes) {
            facets.push(any(&[NOTE]));
        }
        facets.extend(self.has.iter().map(|has| {
            any(&[match has {
                Has::File => FILE,
                Has::Picture => PICTURE,
                Has::Link => LINK,
                Has::Note => NOTE,
            }])
        }));
        let facets = format!("{{facets}} : ({})", facets.join(" AND "));
        Some(match all("{words}", &self.terms) {
            Some(words) if facets == NO_FACETS => words,
            Some(words) => format!("{words} AND {facets}"),
            None => facets,
        })
    }

    /// Who alone may have written the messages.
    pub fn writer(&self) -> Option<Writer> {
        match (&self.from, &self.to) {
            (Some(Side::Visitor), _) | (_, Some(Side::Me)) => Some(Writer::Visitor),
            (_, Some(Side::Visitor)) => Some(Writer::Team),
            _ => None,
        }
    }

    /// What the index of people is asked for their names, addresses and notes. `None`: the filters are not of people.
    pub fn people(&self) -> Option<String> {
        let words = all("{name email phone notes}", &self.terms)?;
        self.is_of_people().then(|| match self.visited() {
            Some(pages) => format!("{words} AND {pages}"),
            None => words,
        })
    }

    /// What the index of people is asked for the pages they saw. `None`: the filters are not of people.
    pub fn visits(&self) -> Option<String> {
        if !self.is_of_people() {
            return None;
        }
        match self.visited() {
            Some(pages) if self.terms.is_empty() => Some(pages),
            Some(_) => None,
            None => all("{pages}", &self.terms),
        }
    }

    /// What the index of people is asked for `page:` alone.
    pub fn visited(&self) -> Option<String> {
        all("{pages}", &self.pages)
    }

    /// What the index of articles is asked for their titles and bodies. Filters, which are of conversations, are passed
    /// over. `None`: nothing is looked for.
    pub fn articles(&self) -> Option<String> {
        all("{title body}", &self.terms)
    }

    fn is_of_people(&self) -> bool {
        *self == Self { terms: self.terms.clone(), pages: self.pages.clone(), ..Self::default() }
    }
}

/// The names of the filters.
const NAMES: &[&str] = &["from", "to", "in", "page", "has", "tag", "before", "after"];

const PLACES: &[(&str, Place)] = &[
    ("open", Place::Open),
    ("snoozed", Place::Snoozed),
    ("closed", Place::Closed),
    ("mine", Place::Mine),
    ("notes", Place::Notes),
];

const HAS: &[(&str, Has)] = &[("file", Has::File), ("picture", Has::Picture), ("link", Has::Link), ("note", Has::Note)];

/// What every message has that is found at all.
const NO_FACETS: &str = "{facets} : ((\"reply\" OR \"note\"))";

fn put<T: Copy + PartialEq>(into: &mut Vec<T>, names: &[(&str, T)], value: &str) -> bool {
    let found = names.iter().find(|(name, _)| *name == value);
    if let Some((_, value)) = found {
        into.retain(|other| other != value);
        into.push(*value);
    }
    found.is_some()
}

/// Whether a filter's value may become one while the person types on.
fn is_unfinished(name: &str, value: &str) -> bool {
    let lower = value.to_lowercase();
    match name {
        "in" => PLACES.iter().any(|(name, _)| name.starts_with(&lower)),
        "has" => HAS.iter().any(|(name, _)| name.starts_with(&lower)),
        "before" | "after" => {
            value.len() < "2000-01-01".len() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        }
        _ => false,
    }
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„' | '«' | '»')
}

/// What stands between quotes, and whether they were closed. The first letter is the opening quote.
fn quoted(letters: &mut Peekable<Chars<'_>>) -> (String, bool) {
    letters.next();
    let mut text = String::new();
    for letter in letters.by_ref() {
        if is_quote(letter) {
            return (text, true);
        }
        text.push(letter);
    }
    (text, false)
}

/// What goes on without a space or a quote.
fn token(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut token = String::new();
    while let Some(letter) = letters.next_if(|&letter| !letter.is_whitespace() && !is_quote(letter)) {
        token.push(letter);
    }
    token
}

fn all(columns: &str, terms: &[Term]) -> Option<String> {
    let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
    (!terms.is_empty()).then(|| format!("{columns} : ({})", terms.join(" AND ")))
}

fn any(facets: &[&str]) -> String {
    let quoted: Vec<String> = facets.iter().map(|facet| format!("\"{facet}\"")).collect();
    format!("({})", quoted.join(" OR "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn words(typed: &str) -> String {
        let query = Query::read(typed);
        query.terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn od_16_words_phrases_and_addresses_are_read_as_they_are_meant() {
        assert_eq!(words("green tea"), "\"green\" \"tea\" *");
        assert_eq!(words("\"green tea\" cup"), "\"green tea\" \"cup\" *");
        assert_eq!(words("\"green te"), "\"green te\" *", "a phrase that is still typed");
        assert_eq!(words("«зелёный чай»"), "\"зеленыи чаи\"");
        assert_eq!(words("vic@example.com"), "\"vic example com\" *");
        assert_eq!(words("https://shop.example/checkout"), "\"https shop example checkout\" *");
        assert_eq!(words("  ( ) * : \" - "), "");
        assert_eq!(words("те\u{308}ща"), "\"те\u{308}ща\" *", "a mark of its own does not end a word");
    }

    #[test]
    fn od_16_a_lone_letter_is_a_word_and_the_beginning_of_none() {
        assert_eq!(words("a"), "\"a\"");
        assert_eq!(words("и"), "\"и\"");
        assert_eq!(words("a cup"), "\"a\" \"cup\" *");
        assert_eq!(words("cup a"), "\"cup\" \"a\"");
        assert_eq!(words("ab"), "\"ab\" *");
    }

    #[test]
    fn od_16_who_wrote_is_asked_of_the_index_only_when_there_are_no_words() {
        let asked = |typed: &str| {
            let query = Query::read(typed);
            (query.messages(7, &[]), query.writer())
        };
        assert_eq!(asked("tea from:visitor"), (Some("{words} : (\"tea\" *)".into()), Some(Writer::Visitor)));
        assert_eq!(asked("tea to:visitor").1, Some(Writer::Team));
        assert_eq!(asked("tea to:me").1, Some(Writer::Visitor));
        assert_eq!(asked("from:visitor").0.unwrap(), "{facets} : ((\"reply\" OR \"note\") AND (\"byvisitor\"))");
        assert_eq!(asked("tea from:visitor to:visitor").0, None, "nobody writes so");
    }

    #[test]
    fn od_16_every_filter_is_read() {
        let query = Query::read(
            "refund from:Ann to:visitor in:closed in:notes page:checkout HAS:picture before:2026-05-04 after:2025",
        );
        assert_eq!(words("refund from:Ann to:visitor in:closed page:checkout"), "\"refund\" *");
        assert_eq!(query.from, Some(Side::Named("{name} : (\"Ann\" *)".into())));
        assert_eq!(query.to, Some(Side::Visitor));
        assert_eq!(query.places, [Place::Closed, Place::Notes]);
        assert_eq!(query.has, [Has::Picture]);
        assert_eq!(query.before.unwrap().to_string(), "2026-05-04");
        assert_eq!(query.after.unwrap().to_string(), "2025-01-01");
        assert_eq!(query.visited().unwrap(), "{pages} : (\"checkout\" *)");
        assert_eq!(Query::read("tag:VIP tag:\"Needs  Ёлка\" tea").tags, ["vip", "needs елка"]);
        assert_eq!(Query::read("in:snoozed").places, [Place::Snoozed]);
        assert_eq!(Query::read("from:me").from, Some(Side::Me));
        assert_eq!(Query::read("from:\"Ann Miller\"").from, Some(Side::Named("{name} : (\"Ann Miller\" *)".into())));
        assert_eq!(Query::read("from:ann from:me").from, Some(Side::Me), "the last one counts");
    }

    #[test]
    fn od_16_what_is_no_filter_is_a_word_and_an_unfinished_one_is_passed_over() {
        assert_eq!(words("label:vip"), "\"label vip\" *");
        assert_eq!(words("in:kitchen"), "\"in kitchen\" *");
        assert_eq!(words("before:yesterday tea"), "\"before yesterday\" \"tea\" *");
        assert_eq!(words("has:tea"), "\"has tea\" *");
        assert_eq!(words("10:30"), "\"10 30\" *");
        for typed in
            ["from:", "in:", "in:clo", "has:pic", "before:2026-0", "after:20", "page:", "tag:", "FROM:", "before:\"\""]
        {
            assert_eq!(Query::read(&format!("tea {typed}")), Query::read("tea"), "{typed}");
        }
    }

    #[test]
    fn od_16_dates_are_days_that_exist() {
        for (typed, expected) in [
            ("2026", Some("2026-01-01")),
            ("2026-02", Some("2026-02-01")),
            ("2024-02-29", Some("2024-02-29")),
            ("2026-02-29", None),
            ("2026-13", None),
            ("2026-1", None),
            ("2026-01-01-01", None),
            ("+026", None),
            ("1969", None),
        ] {
            assert_eq!(Date::read(typed).map(|date| date.to_string()).as_deref(), expected, "{typed}");
        }
        for (typed, seconds) in
            [("1970", 0), ("2000-02-29", 951_782_400), ("2026-05-04", 1_777_852_800), ("2000-03-01", 951_868_800)]
        {
            assert_eq!(Date::read(typed).unwrap().begins_in_utc(), seconds * 1000, "{typed}");
        }
    }

    /// What is left of a question to the index when all that is quoted is taken out.
    fn skeleton(question: &str) -> String {
        question.split('"').step_by(2).collect::<Vec<_>>().join("?")
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_becomes_an_operator(typed in any_typed()) {
            let query = Query::read(&typed);
            let questions = [query.messages(7, &[1, 2]), query.people(), query.visits(), query.visited()];
            for question in questions.into_iter().flatten() {
                prop_assert_eq!(question.matches('"').count() % 2, 0);
                let skeleton = skeleton(&question);
                for word in skeleton.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()) {
                    let known = ["AND", "OR", "words", "facets", "name", "email", "phone", "notes", "pages"];
                    prop_assert!(known.contains(&word), "{} in {}", word, question);
                }
                let harmless = question.split('"').skip(1).step_by(2).all(|quoted| {
                    !quoted.is_empty() && quoted.chars().all(|letter| is_of_a_word(letter) || letter == ' ')
                });
                prop_assert!(harmless, "{}", question);
            }
        }

        #[test]
        fn a_phrase_in_quotes_is_never_a_filter(typed in "[a-z:\\-0-9 ]{0,40}") {
            let query = Query::read(&format!("\"{typed}\""));
            prop_assert!(query.from.is_none() && query.to.is_none() && query.places.is_empty() && query.has.is_empty());
            prop_assert!(query.before.is_none() && query.after.is_none());
            prop_assert!(query.pages.is_empty() && query.tags.is_empty());
        }
    }

    /// Anything, and what looks like filters and operators.
    fn any_typed() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "from:",
            "to:",
            "in:open",
            "page:",
            "tag:",
            "has:file",
            "before:2026",
            "after:",
            "\"",
            "«",
            "*",
            "(",
            ")",
            "{",
            "}",
            " ",
            "NEAR(",
            "AND",
            "OR",
            "NOT",
            "^",
            "-",
            "+",
            ":",
            "facets:note",
            "words : x",
            "ё",
            "\u{0}",
            "'",
            "\\",
        ]);
        prop::collection::vec(prop_oneof![pieces.prop_map(str::to_owned), ".{0,6}"], 0..12)
            .prop_map(|pieces| pieces.concat())
    }
}
