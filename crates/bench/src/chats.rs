//! Messages as a desk has them: three languages, words as frequent as in real ones, many chats at a time. The same
//! seed gives the same messages.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Messages of a conversation.
pub(crate) const LENGTH: usize = 50;
/// Conversations that go on at the same time.
const AT_ONCE: usize = 40;
/// Of a hundred conversations, those still open: the newest.
const OPEN_PERCENT: usize = 10;
/// Words of a language.
const WORDS: usize = 30_000;
/// The first message's time: May 2024.
const BEGINNING: i64 = 1_714_521_600_000;
/// Between two messages, in milliseconds.
const STEP_MS: i64 = 60_000;
const SEED: u64 = 7;
/// Who answers.
pub(crate) const AGENTS: i64 = 10;

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) id: i64,
    pub(crate) conversation: i64,
    pub(crate) number: i64,
    /// `None`: the visitor.
    pub(crate) agent: Option<i64>,
    pub(crate) at: i64,
    pub(crate) text: String,
}

/// Everything that was said, oldest first.
pub(crate) struct Chats {
    pub(crate) messages: Vec<Said>,
    pub(crate) languages: Vec<Language>,
    conversations: usize,
}

/// The id of something that happened at a time: as the server makes them, time above and a count below.
fn id_at(at: i64) -> i64 {
    (at - 1_577_836_800_000) << 12
}

impl Chats {
    /// So many messages, [`LENGTH`] in a conversation.
    pub(crate) fn new(count: usize) -> Self {
        let mut random = StdRng::seed_from_u64(SEED);
        let languages =
            vec![Language::english(&mut random), Language::spanish(&mut random), Language::russian(&mut random)];
        let conversations = count.div_ceil(LENGTH).max(1);
        let mut going: Vec<(usize, i64)> = (0..AT_ONCE.min(conversations)).map(|index| (index, 0)).collect();
        let mut next = going.len();
        let mut messages = Vec::with_capacity(count);
        while messages.len() < count && !going.is_empty() {
            let at = BEGINNING + i64::try_from(messages.len()).unwrap() * STEP_MS;
            let place = random.random_range(0..going.len());
            let (conversation, said) = going[place];
            let number = said + 1;
            let language = &languages[conversation % languages.len()];
            messages.push(Said {
                id: id_at(at),
                conversation: conversation_id(conversation),
                number,
                agent: random.random_bool(0.45).then(|| i64::try_from(conversation).unwrap() % AGENTS + 1),
                at,
                text: language.sentence(&mut random),
            });
            if usize::try_from(number).unwrap() < LENGTH {
                going[place].1 = number;
            } else if next < conversations {
                going[place] = (next, 0);
                next += 1;
            } else {
                going.swap_remove(place);
            }
        }
        Self { messages, languages, conversations }
    }

    /// Whether a conversation goes on.
    pub(crate) fn is_open(&self, conversation: i64) -> bool {
        index_of(conversation) >= self.conversations * (100 - OPEN_PERCENT) / 100
    }
}

/// Conversations come before all messages.
fn conversation_id(index: usize) -> i64 {
    1_000_000 + i64::try_from(index).unwrap()
}

/// The place of a conversation among all.
pub(crate) fn index_of(conversation: i64) -> usize {
    usize::try_from(conversation - 1_000_000).unwrap()
}

/// Words by how frequent they are.
pub(crate) struct Language {
    pub(crate) words: Vec<String>,
    /// Words of a message, on average.
    mean: f64,
}

impl Language {
    fn english(random: &mut StdRng) -> Self {
        let common = "the to you is i it of and a in that for this can my we not have please your order on be with \
                      thank when will are do but from size hello was so if there me what delivery has just here no \
                      which refund yes parcel one day shoes";
        Self::of(common, ENGLISH, 16.2, random)
    }

    fn spanish(random: &mut StdRng) -> Self {
        let common = "de que la el en y a los no es un por con para una se me lo mi pedido las del su gracias si al \
                      como más está ya pero cuándo hola muy tengo este qué hay sin envío puede también talla dónde \
                      día todo sí llegó paquete camión mañana";
        Self::of(common, SPANISH, 15.2, random)
    }

    fn russian(random: &mut StdRng) -> Self {
        let common = "и в не на я что с по это а как у за к мне вы но заказ от есть уже бы же спасибо когда да нет \
                      так для где он можно мой ещё вам если доставка только здравствуйте или размер день то всё чай \
                      посылка очень завтра";
        Self::of(common, RUSSIAN, 8.8, random)
    }

    fn of(common: &str, syllables: &[&str], mean: f64, random: &mut StdRng) -> Self {
        let mut words: Vec<String> = common.split_whitespace().map(str::to_owned).collect();
        let mut known: std::collections::HashSet<String> = words.iter().cloned().collect();
        while words.len() < WORDS {
            // Rarer words are longer.
            let length = 2 + words.len() / 6000 + random.random_range(0..2);
            let word: String = (0..length).map(|_| syllables[random.random_range(0..syllables.len())]).collect();
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        Self { words, mean }
    }

    /// Zipf's law: the second word is half as frequent as the first, the third a third.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn word(&self, random: &mut StdRng) -> &str {
        let rank = (self.words.len() as f64).powf(random.random::<f64>()) as usize - 1;
        &self.words[rank.min(self.words.len() - 1)]
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn sentence(&self, random: &mut StdRng) -> String {
        // Most messages are short, and some are long.
        let count = 1 + (-(self.mean - 1.0) * (1.0 - random.random::<f64>()).ln()) as usize;
        let mut sentence = String::new();
        for _ in 0..count.min(200) {
            if !sentence.is_empty() {
                sentence.push_str(if random.random_ratio(1, 9) { ", " } else { " " });
            }
            sentence.push_str(self.word(random));
        }
        sentence.push(if random.random_ratio(1, 3) { '?' } else { '.' });
        sentence
    }
}

const ENGLISH: &[&str] = &[
    "an", "ber", "con", "der", "en", "fi", "gra", "hol", "in", "ju", "ker", "lo", "men", "ner", "or", "pre", "qua",
    "re", "st", "ter", "un", "ver", "win", "ly", "ing", "ti", "sho", "pa", "mi", "de", "co", "al", "s", "ma", "ro",
    "le",
];
const SPANISH: &[&str] = &[
    "ca", "de", "ri", "to", "mo", "ción", "par", "tra", "lle", "ga", "bu", "es", "ña", "se", "lu", "per", "án", "do",
    "ma", "ro", "le", "con", "ta", "vi", "no", "qui", "sa", "po", "é", "za", "mi", "ra", "co", "na", "fu", "in",
];
const RUSSIAN: &[&str] = &[
    "ка", "по", "ро", "сти", "на", "до", "ла", "ем", "про", "ве", "ний", "за", "ра", "ть", "ко", "пе", "ре", "ста",
    "ви", "го", "ми", "не", "ша", "жи", "лё", "бо", "то", "ду", "ны", "ча", "ци", "мо", "се", "у", "ю", "ли",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_long_as_real_ones_and_the_same_every_time() {
        let chats = Chats::new(20_000);
        assert_eq!(chats.messages.len(), 20_000);
        let bytes: usize = chats.messages.iter().map(|said| said.text.len()).sum();
        assert!((92..=102).contains(&(bytes / 20_000)), "{} bytes on average", bytes / 20_000);
        assert!(chats.messages.is_sorted_by_key(|said| said.id));
        let again = Chats::new(20_000);
        assert!(chats.messages.iter().zip(&again.messages).all(|(one, other)| one.text == other.text));
    }
}
