//! The typed catalogue of everything native windows, trays and toasts say.
//!
//! The texts stand in `locales/<language>/native.ftl`. The build turns every text into a method of
//! [`Catalogue`], so a missing text, a misspelt name or a forgotten argument does not compile.

#[cfg(test)]
#[path = "../compile.rs"]
mod compile;

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// Languages of the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
    /// Russian.
    Ru,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Es, Self::Ru];

    /// Chooses by a BCP 47 tag such as `es-MX`, or a POSIX locale such as `ru_RU.UTF-8`. English when the
    /// catalogue does not speak that language.
    pub fn from_tag(tag: &str) -> Self {
        let language = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(language)).unwrap_or_default()
    }

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Ru => "ru",
        }
    }

    fn identifier(self) -> LanguageIdentifier {
        // Two letters always parse; the tests would notice if plurals fell back to no language.
        self.tag().parse().unwrap_or_default()
    }

    fn source(self) -> &'static str {
        match self {
            Self::En => include_str!("../../../locales/en/native.ftl"),
            Self::Es => include_str!("../../../locales/es/native.ftl"),
            Self::Ru => include_str!("../../../locales/ru/native.ftl"),
        }
    }
}

/// Everything native windows, trays and toasts say, in one language. May be shared between threads.
pub struct Catalogue {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

impl Catalogue {
    /// The catalogue in a language. Parses a few kilobytes: keep it instead of making it for every text.
    pub fn new(language: Language) -> Self {
        // The build has parsed these sources and compared their messages, so neither step can fail here.
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(language.source().to_owned());
        let mut bundle = FluentBundle::new_concurrent(vec![language.identifier()]);
        // Isolation marks are for texts of mixed direction on a page; menus and toasts show them as boxes.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        // Only a function of the same name could make this fail, and there is none.
        let _ = bundle.add_builtins();
        Self { language, bundle }
    }

    /// Which language it speaks.
    pub fn language(&self) -> Language {
        self.language
    }

    fn text<const COUNT: usize>(&self, id: &'static str, values: [(&'static str, FluentValue<'_>); COUNT]) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            // Every id comes from the sources that the bundle was made of.
            return id.to_owned();
        };
        let arguments: FluentArgs<'_> = values.into_iter().collect();
        self.bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Catalogue").field("language", &self.language).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_said_in_every_language() {
        for language in Language::ALL {
            let catalogue = Catalogue::new(language);
            for number in [0, 1, 2, 5, 1_000_000] {
                for (id, text) in catalogue.every_text("Vic", number) {
                    assert!(!text.trim().is_empty() && text != id, "{language:?}: {id} says {text:?}");
                    assert!(
                        !text.contains(['{', '}', '$', '\u{2068}', '\u{2069}']),
                        "{language:?}: {id} says {text:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_text_is_translated() {
        let english = Catalogue::new(Language::En).every_text("Vic", 5);
        for language in [Language::Es, Language::Ru] {
            let same: Vec<_> = Catalogue::new(language)
                .every_text("Vic", 5)
                .into_iter()
                .filter(|text| english.contains(text))
                .map(|(id, _)| id)
                .collect();
            assert_eq!(same, ["toast-message", "toast-at-desk"], "{language:?}: only bare names may stay as they are");
        }
    }

    #[test]
    fn od_42_russian_counts_as_russians_do() {
        let catalogue = Catalogue::new(Language::Ru);
        for (count, text) in [
            (1, "В сети, ждёт 1 посетитель"),
            (2, "В сети, ждут 2 посетителя"),
            (5, "В сети, ждут 5 посетителей"),
            (11, "В сети, ждут 11 посетителей"),
            (21, "В сети, ждёт 21 посетитель"),
            (22, "В сети, ждут 22 посетителя"),
            (112, "В сети, ждут 112 посетителей"),
        ] {
            assert_eq!(catalogue.tray_waiting(count), text);
        }
    }

    #[test]
    fn od_42_the_windows_title_counts_unread_chats_and_says_nothing_of_none() {
        let english = Catalogue::new(Language::En);
        assert_eq!(english.window_title(0), "Deskbell");
        assert_eq!(english.window_title(1), "1 unread chat – Deskbell");
        assert_eq!(english.window_title(3), "3 unread chats – Deskbell");
        assert_eq!(Catalogue::new(Language::Es).window_title(3), "3 chats sin leer – Deskbell");
        assert_eq!(Catalogue::new(Language::Ru).window_title(21), "21 непрочитанный чат – Deskbell");
    }

    #[test]
    fn dc_03_a_visitors_name_is_only_ever_text() {
        let english = Catalogue::new(Language::En);
        assert_eq!(english.toast_new_chat("{ $count } <b>"), "New chat: { $count } <b>");
        assert_eq!(english.visitor_numbered(1_234_567), "Visitor 1234567", "a name has no thousands separators");
    }

    #[test]
    fn a_language_is_found_by_any_of_its_tags() {
        for (tag, language) in [
            ("en-GB", Language::En),
            ("es-MX", Language::Es),
            ("ES", Language::Es),
            ("ru_RU.UTF-8", Language::Ru),
            ("ru-Cyrl-RU", Language::Ru),
            ("est", Language::En),
            ("C", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn the_catalogue_may_be_shared_between_threads() {
        let catalogue = Catalogue::new(Language::Es);
        let said = std::thread::scope(|scope| scope.spawn(|| catalogue.action_open()).join());
        assert_eq!(said.ok().as_deref(), Some("Abrir"));
    }
}
