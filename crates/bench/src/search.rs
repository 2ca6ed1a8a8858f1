//! Two hundred queries, as people type them, in a full cache; and how soon what comes is found.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use deskbell_cache::Cache;
use deskbell_search::fold;
use serde::Serialize;

use crate::cache::{Filled, ME, Pair};
use crate::chats::{Chats, Said};
use crate::peers::{self, Peers};
use crate::row::{Row, median, quantile, sorted};
use crate::timing::timed;

/// Hits that a search shows.
const HITS: u32 = 50;
/// All queries, so many times each; the first time warms up.
const ROUNDS: usize = 4;
/// Messages that come one by one.
const LIVE: usize = 200;

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    /// As it is typed.
    typed: String,
    /// Its words, folded; the last one may go on.
    words: Vec<String>,
    /// What else is asked.
    #[serde(skip)]
    filter: Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Nothing,
    FromVisitor,
    Open,
    Closed,
    ToVisitor,
}

impl Filter {
    fn typed(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::FromVisitor => "from:visitor ",
            Self::Open => "in:open ",
            Self::Closed => "in:closed ",
            Self::ToVisitor => "to:visitor ",
        }
    }

    fn holds(self, chats: &Chats, said: &Said) -> bool {
        match self {
            Self::Nothing => true,
            Self::FromVisitor => said.agent.is_none(),
            Self::ToVisitor => said.agent.is_some(),
            Self::Open => chats.is_open(said.conversation),
            Self::Closed => !chats.is_open(said.conversation),
        }
    }
}

/// The queries: frequent and rare words, prefixes as they are typed, two words, filters; a third in each language.
pub(crate) fn queries(chats: &Chats) -> Vec<Asked> {
    let mut queries = Vec::new();
    for (index, language) in chats.languages.iter().enumerate() {
        let word = |rank: usize| language.words[rank].clone();
        let begin = |rank: usize, letters: usize| language.words[rank].chars().take(letters).collect::<String>();
        let mut add = |words: Vec<String>, filter: Filter| {
            let typed = format!("{}{}", filter.typed(), words.join(" "));
            queries.push(Asked { typed, words: words.iter().map(|word| plain(word)).collect(), filter });
        };
        for step in 0..14 {
            add(vec![word(step * 3)], Filter::Nothing);
            add(vec![begin(step * 5, 2 + step % 3)], Filter::Nothing);
            add(vec![word(step), word(20 + step * 4)], Filter::Nothing);
        }
        for step in 0..12 {
            add(vec![word(9000 + step * 1500)], Filter::Nothing);
            let filters = [Filter::FromVisitor, Filter::Open, Filter::Closed, Filter::ToVisitor];
            add(vec![word(step * 40), begin(step * 9, 3)][step % 2..].to_vec(), filters[step % 4]);
        }
        if index < 2 {
            add(vec![word(700), word(1)], Filter::Nothing);
        }
    }
    queries
}

/// A text as the index of words sees it: small letters without marks, one space around each word.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 2);
    for letter in fold(text).to_lowercase().chars() {
        plain.push(match letter {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            letter if letter.is_alphanumeric() => letter,
            _ => ' ',
        });
    }
    plain
}

/// What is expected: a look at every message, newest first.
fn scan<'a>(chats: &'a Chats, texts: &'a [String], asked: &'a Asked) -> impl Iterator<Item = (i64, i64)> + 'a {
    let (last, others) = asked.words.split_last().unwrap();
    let whole: Vec<String> = others.iter().map(|word| format!(" {word} ")).collect();
    // A lone letter is the beginning of no word.
    let end = if last.chars().count() == 1 { " " } else { "" };
    let begin = format!(" {last}{end}");
    chats.messages.iter().zip(texts).rev().filter_map(move |(said, text)| {
        let found = text.contains(&begin) && whole.iter().all(|word| text.contains(word));
        (found && asked.filter.holds(chats, said)).then_some((said.conversation, said.number))
    })
}

pub(crate) fn measure(chats: &Chats, filled: &mut Filled, peers: &Path) -> Vec<Row> {
    let queries = queries(chats);
    assert_eq!(queries.len(), 200);
    // As the app does while nobody waits.
    for pair in [&filled.encrypted, &filled.open] {
        let (_, took) = timed(|| while pair.ours.cache.tend_words().unwrap() {});
        eprintln!("search: the indexes tended in {:.0} ms", took.processor);
    }
    check(chats, &filled.encrypted.ours.cache, &queries);
    let mut rows = Vec::new();
    eprintln!("search: {} queries", queries.len());
    let with = ask(&filled.encrypted.ours.cache, &queries);
    let without = ask(&filled.open.ours.cache, &queries);
    for (name, share, goal) in [("p50", 0.5, None), ("p99", 0.99, Some(2.0)), ("worst", 1.0, Some(12.0))] {
        let name = format!("search, {name} of all 200");
        let (with, without) = (quantile(&sorted(with.clone()), share), quantile(&sorted(without.clone()), share));
        let row = match goal {
            Some(goal) => Row::within(&name, "ms", with, goal),
            None => Row::told(&name, "ms", with),
        };
        rows.push(row.unencrypted(without));
    }
    let mut slowest: Vec<(f64, &str)> =
        with.iter().copied().zip(queries.iter().map(|asked| asked.typed.as_str())).collect();
    slowest.sort_by(|one, other| other.0.total_cmp(&one.0));
    eprintln!("search: the slowest are {:?}", &slowest[..5]);
    rows.extend(against_peers(chats, filled, &queries, peers));
    rows
}

/// Every query answers what a look at every message finds.
fn check(chats: &Chats, cache: &Cache, queries: &[Asked]) {
    eprintln!("search: comparing hits with a look at every message");
    let texts: Vec<String> = chats.messages.iter().map(|said| format!(" {} ", plain(&said.text))).collect();
    for asked in queries {
        let hits = cache.search(&asked.typed, ME, HITS).unwrap();
        let others = hits.iter().filter(|hit| hit.number.is_none()).count();
        let found: Vec<(i64, i64)> = hits.iter().filter_map(|hit| Some((hit.conversation.0, hit.number?))).collect();
        let expected: Vec<(i64, i64)> = scan(chats, &texts, asked).take(HITS as usize - others).collect();
        assert_eq!(found, expected, "{}", asked.typed);
    }
}

/// Processor time of each query in milliseconds: the median of the rounds.
fn ask(cache: &Cache, queries: &[Asked]) -> Vec<f64> {
    let mut of_each: Vec<Vec<f64>> = vec![Vec::new(); queries.len()];
    for round in 0..ROUNDS {
        for (asked, times) in queries.iter().zip(&mut of_each) {
            let (_, took) = timed(|| cache.search(&asked.typed, ME, HITS).unwrap());
            if round > 0 {
                times.push(took.processor);
            }
        }
    }
    of_each.into_iter().map(median).collect()
}

fn against_peers(chats: &Chats, filled: &mut Filled, queries: &[Asked], peers: &Path) -> Vec<Row> {
    let without_filters: Vec<Asked> = queries.iter().filter(|asked| asked.filter == Filter::Nothing).cloned().collect();
    let (peers, seshat) = peers::run(peers, chats, &without_filters);
    let mut pairs = BTreeMap::new();
    for round in &peers.search_ms {
        let ours = sorted(ask(&filled.encrypted.ours.cache, &without_filters));
        let theirs = sorted(round.clone());
        for share in [50, 99] {
            let of = |values: &[f64]| quantile(values, f64::from(share) / 100.0);
            pairs.entry(share).or_insert_with(Vec::new).push((of(&ours), of(&theirs)));
        }
    }
    let mut rows: Vec<Row> = pairs
        .into_iter()
        .map(|(share, pairs)| {
            Row::lower(&format!("search without filters against tantivy, p{share}"), "ms", &pairs, 0.5)
        })
        .collect();
    let others =
        [("matrix-sdk-sqlite", &peers.matrix, &peers.matrix_open), ("seshat", &seshat.seshat, &seshat.seshat_open)];
    for (name, encrypted, open) in others {
        for (how, theirs) in [("encrypted", encrypted), ("open", open)] {
            let sizes = [
                ("many", "5,000", 3.0, Some(theirs.many)),
                ("many", "5,000 of one conversation", 3.0, theirs.one_room),
                ("few", "25", 2.5, Some(theirs.few)),
            ];
            for (which, size, goal, theirs) in sizes {
                let Some(theirs) = theirs else { continue };
                let rate = filled.rates.iter().find(|rate| rate.which == which).unwrap();
                let ours = if how == "open" { rate.open } else { rate.encrypted };
                let name = format!("apply against {name}, {size} together, both {how}");
                rows.push(Row::higher(&name, "1/s", &[(ours, theirs)], goal));
            }
        }
    }
    rows.extend(live(chats, filled, &peers));
    rows
}

/// How soon a message that came is found.
fn live(chats: &Chats, filled: &mut Filled, peers: &Peers) -> Vec<Row> {
    let (with, raw) = found_live(chats, &mut filled.encrypted);
    let (without, _) = found_live(chats, &mut filled.open);
    let p50 = |values: &[f64]| quantile(&sorted(values.to_vec()), 0.5);
    vec![
        Row::lower("a message comes and is found, against its bare commit, p50", "ms", &[(p50(&with), p50(&raw))], 2.0)
            .unencrypted(p50(&without)),
        Row::lower(
            "a message comes and is found, against tantivy, p50",
            "ms",
            &[(p50(&with), p50(&peers.found_ms))],
            0.05,
        ),
    ]
}

/// On the wall, in milliseconds: ours from what came to its hit, and the bare commit of such a message, in turn.
fn found_live(chats: &Chats, pair: &mut Pair) -> (Vec<f64>, Vec<f64>) {
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for number in 0..LIVE {
        let word = format!("liveword{number}x");
        let (batch, plain) = pair.one_more(chats, &word);
        let (_, took) = timed(|| {
            pair.ours.cache.apply(&batch).unwrap();
            assert_eq!(pair.ours.cache.search(&word, ME, HITS).unwrap().len(), 1);
        });
        ours.push(took.wall);
        raw.push(pair.raw.insert(&plain).wall);
    }
    (ours, raw)
}

/// The messages as the peers read them, one a line.
pub(crate) fn write_messages(file: &mut impl std::io::Write, chats: &Chats) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(file);
    for said in &chats.messages {
        writeln!(file, "{}\t{}\t{}", said.id, said.conversation, fold(&said.text))?;
    }
    file.flush()
}
