//! tantivy, newest first, with the texts of the hits.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::time::ClockId;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, SimpleTokenizer, TextAnalyzer};
use tantivy::{Index, IndexReader, IndexWriter, Order, ReloadPolicy, TantivyDocument, Term};

use crate::Asked;
use crate::said::{Result, Said, processor};

const HITS: usize = 50;
/// The first one warms up and is not told.
const ROUNDS: usize = 4;
const COMMIT: usize = 5000;
const LIVE: usize = 50;
const MEMORY_BYTES: usize = 64 * 1024 * 1024;

pub(crate) struct Measured {
    pub(crate) search_ms: Vec<Vec<f64>>,
    pub(crate) found_ms: Vec<f64>,
}

struct Store {
    reader: IndexReader,
    id: Field,
    text: Field,
}

pub(crate) fn measure(messages: &[Said], queries: &[Asked], directory: &Path) -> Result<Measured> {
    fs::create_dir_all(directory)?;
    let mut schema = Schema::builder();
    let id = schema.add_i64_field("id", FAST | STORED | INDEXED);
    let indexing =
        TextFieldIndexing::default().set_tokenizer("words").set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing).set_stored());
    let index = Index::create_in_dir(directory, schema.build())?;
    let words = TextAnalyzer::builder(SimpleTokenizer::default()).filter(LowerCaser).filter(AsciiFoldingFilter).build();
    index.tokenizers().register("words", words);
    let mut writer: IndexWriter = index.writer_with_num_threads(1, MEMORY_BYTES)?;
    let add = |writer: &IndexWriter, number: i64, said: &str| -> Result<()> {
        let mut document = TantivyDocument::default();
        document.add_i64(id, number);
        document.add_text(text, said);
        writer.add_document(document)?;
        Ok(())
    };
    for part in messages.chunks(COMMIT) {
        for said in part {
            add(&writer, said.id, &said.text)?;
        }
        writer.commit()?;
    }
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let store = Store { reader, id, text };
    let mut search_ms = Vec::new();
    for round in 0..ROUNDS {
        let times = queries.iter().map(|asked| {
            let began = processor(ClockId::ThreadCPUTime);
            store.search(asked)?;
            Ok((processor(ClockId::ThreadCPUTime) - began).as_secs_f64() * 1000.0)
        });
        let times = times.collect::<Result<Vec<f64>>>()?;
        if round > 0 {
            search_ms.push(times);
        }
    }
    let newest = messages.last().map_or(0, |said| said.id);
    let mut found_ms = Vec::new();
    for live in 0..LIVE {
        let word = format!("liveword{live}x");
        let began = Instant::now();
        add(&writer, newest + 1 + i64::try_from(live)?, &word)?;
        writer.commit()?;
        store.reader.reload()?;
        if store.search(&Asked { words: vec![word] })? != 1 {
            return Err("a committed document was not found".into());
        }
        found_ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Measured { search_ms, found_ms })
}

impl Store {
    /// How many of the newest hits there are, after their texts were read.
    fn search(&self, asked: &Asked) -> Result<usize> {
        let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (place, word) in asked.words.iter().enumerate() {
            let term = Term::from_field_text(self.text, word);
            let query: Box<dyn Query> = if place + 1 == asked.words.len() && word.chars().nth(1).is_some() {
                Box::new(FuzzyTermQuery::new_prefix(term, 0, true))
            } else {
                Box::new(TermQuery::new(term, IndexRecordOption::Basic))
            };
            parts.push((Occur::Must, query));
        }
        let searcher = self.reader.searcher();
        let newest = TopDocs::with_limit(HITS).order_by_fast_field::<i64>("id", Order::Desc);
        let hits = searcher.search(&BooleanQuery::new(parts), &newest)?;
        for (_, address) in &hits {
            let document: TantivyDocument = searcher.doc(*address)?;
            std::hint::black_box(document.get_first(self.text));
            std::hint::black_box(document.get_first(self.id));
        }
        Ok(hits.len())
    }
}
