//! How the page and the shell name what belongs to an account. Two desks give the same numbers, so no number goes
//! alone: a reference carries the account, is written in one way, and is read in one way.

use std::fmt;
use std::str::FromStr;

use deskbell_protocol::{ContactId, ConversationId, VisitorId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::{Config, TS};

/// An account of this app. Its number is given once and never again, so that what is left of one that signed out
/// means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct AccountId(pub u32);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no reference of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reference of this kind")]
pub struct NotAReference;

macro_rules! references {
    ($($name:ident: $letter:literal, $id:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// The page compares it and hands it back; it never takes it apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// Whose.
            pub account: AccountId,
            /// Its id at that account's desk.
            pub id: $id,
        }

        impl $name {
            /// Names what an account's desk knows by this id.
            pub fn new(account: AccountId, id: $id) -> Self {
                Self { account, id }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}.{}"), self.account.0, self.id.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAReference;

            fn from_str(text: &str) -> Result<Self, NotAReference> {
                let (account, id) =
                    text.strip_prefix($letter).and_then(|rest| rest.split_once('.')).ok_or(NotAReference)?;
                let account = AccountId(account.parse().map_err(|_| NotAReference)?);
                Ok(Self { account, id: $id(id.parse().map_err(|_| NotAReference)?) })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &Config) -> String {
                stringify!($name).to_owned()
            }

            fn inline(_: &Config) -> String {
                concat!("`", $letter, "${number}.${number}`").to_owned()
            }

            fn decl(config: &Config) -> String {
                format!("type {} = {};", Self::name(config), Self::inline(config))
            }

            fn docs() -> Option<String> {
                Some(concat!("/**\n * ", $doc, "\n */\n").to_owned())
            }
        }
    )*};
}

references! {
    ConversationRef: "c", ConversationId, "A conversation of one account.";
    VisitorRef: "v", VisitorId, "A visitor at one account's desk.";
    ContactRef: "p", ContactId, "A person known to one account's desk.";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_reference_is_read_as_it_was_written_and_nothing_else_is_one() {
        let chat = ConversationRef::new(AccountId(2), ConversationId(9_007_199_254_740_991));
        assert_eq!(chat.to_string(), "c2.9007199254740991");
        assert_eq!(chat.to_string().parse(), Ok(chat));
        assert_eq!(serde_json::from_str::<ConversationRef>("\"c2.9007199254740991\"").unwrap(), chat);
        for wrong in ["", "c2", "c2.", "c.5", "2.5", "v2.5", "c2.5.6", "c-1.5", "c4294967296.5", "c2.x"] {
            assert_eq!(wrong.parse::<ConversationRef>(), Err(NotAReference), "{wrong:?}");
        }
        assert!(serde_json::from_str::<ConversationRef>("5").is_err(), "a number alone says of no desk");
    }
}
