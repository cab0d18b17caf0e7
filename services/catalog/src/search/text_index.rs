//! The full-text side: which slots hold a word, in which part of the product.
//!
//! Postings hold no frequencies and no norms. How well a product answers a question is decided by where the words stand and
//! not by how rare they are, so every replica ranks alike and a cursor stays true while other products change.

use std::collections::HashMap;

use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term,
    collector::{Collector, SegmentCollector},
    columnar::Column,
    index::{SegmentId, SegmentReader},
    indexer::{IndexWriterOptions, NoMergePolicy},
    query::{FuzzyTermQuery, Query},
    schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
};

use super::words;
use crate::{category::CategoryTree, product::Product, text::Language};

/// Tantivy allows no less.
const LEAST_WRITER_MEMORY: usize = 15_000_000;
/// With this many segments, a question costs noticeably more than with one.
const MOST_SEGMENTS: usize = 6;
/// A segment below this size is cheap to rewrite.
const SMALL_SEGMENT: u32 = 20_000;

/// The parts of a product that words are looked for in.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    slot: Field,
    /// SKUs and keys, lower case.
    pub code: Field,
    /// In each language.
    pub texts: [TextFields; 2],
}

/// The parts that exist in each language.
#[derive(Debug, Clone, Copy)]
pub struct TextFields {
    /// Stems of the name.
    pub name: Field,
    /// Stems of brand, categories, attributes and options.
    pub more: Field,
    /// Stems of the description.
    pub description: Field,
    /// Whole words of name, brand and categories: the dictionary that corrections and completions come from.
    pub word: Field,
}

/// The index in memory.
pub struct TextIndex {
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

impl TextIndex {
    /// An empty index.
    pub fn new() -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let words = TextOptions::default().set_indexing_options(indexing);
        let fields = Fields {
            slot: schema.add_u64_field("slot", INDEXED | FAST),
            code: schema.add_text_field("code", words.clone()),
            texts: Language::ALL.map(|language| TextFields {
                name: schema.add_text_field(&format!("name_{language}"), words.clone()),
                more: schema.add_text_field(&format!("more_{language}"), words.clone()),
                description: schema
                    .add_text_field(&format!("description_{language}"), words.clone()),
                word: schema.add_text_field(&format!("word_{language}"), words.clone()),
            }),
        };
        let index = Index::builder()
            .schema(schema.build())
            .settings(IndexSettings::default())
            .create_in_ram()?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            index,
            reader,
            fields,
        })
    }

    /// The fields to ask in.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// The state after the last commit.
    pub fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Replaces the documents of some slots and makes the change visible. `memory` bounds what is buffered before a segment is made.
    pub fn write(
        &self,
        batch: impl IntoIterator<Item = (u32, Option<TantivyDocument>)>,
        memory: usize,
    ) -> tantivy::Result<Searcher> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(memory.max(LEAST_WRITER_MEMORY))
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        // A writer lives for one batch only: idle, it would hold megabytes. Merging is done here and not behind our back, because
        // a merge that is cut off when the writer goes would never end.
        let mut writer: IndexWriter = self.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        for (slot, document) in batch {
            writer.delete_term(Term::from_field_u64(self.fields.slot, slot.into()));
            if let Some(document) = document {
                writer.add_document(document)?;
            }
        }
        writer.commit()?;
        let crowded = self.crowded()?;
        if !crowded.is_empty() {
            writer.merge(&crowded).wait()?;
        }
        writer.garbage_collect_files().wait()?;
        drop(writer);
        self.reader.reload()?;
        Ok(self.searcher())
    }

    /// Which segments to make one of.
    fn crowded(&self) -> tantivy::Result<Vec<SegmentId>> {
        let segments = self.index.searchable_segment_metas()?;
        let holey = |meta: &tantivy::SegmentMeta| {
            u64::from(meta.num_deleted_docs()) * 3 > u64::from(meta.max_doc())
        };
        let small = segments
            .iter()
            .filter(|meta| meta.num_docs() < SMALL_SEGMENT)
            .count();
        let chosen: Vec<SegmentId> = if small >= MOST_SEGMENTS {
            let cheap = segments
                .iter()
                .filter(|meta| meta.num_docs() < SMALL_SEGMENT || holey(meta));
            cheap.map(tantivy::SegmentMeta::id).collect()
        } else if segments.len() > 2 * MOST_SEGMENTS {
            segments.iter().map(tantivy::SegmentMeta::id).collect()
        } else {
            segments
                .iter()
                .filter(|meta| holey(meta))
                .map(tantivy::SegmentMeta::id)
                .collect()
        };
        Ok(chosen)
    }

    /// The document of a product in a slot.
    pub fn document(&self, slot: u32, product: &Product, tree: &CategoryTree) -> TantivyDocument {
        let mut document = TantivyDocument::with_capacity(512);
        document.add_u64(self.fields.slot, slot.into());
        let mut codes = product.key.to_ascii_lowercase();
        for variant in &product.variants {
            codes.push(' ');
            codes.push_str(&variant.sku.to_ascii_lowercase());
        }
        document.add_text(self.fields.code, codes);
        for language in Language::ALL {
            let fields = self.fields.texts[language.index()];
            let mut name = Phrase::new(language);
            let mut more = Phrase::new(language);
            let mut description = Phrase::new(language);
            name.add(product.name.get(language));
            more.add_all(product.brand.as_deref());
            if let Some(row) = tree.row(&product.category) {
                for row in tree.ancestry(row) {
                    more.add(tree.rows()[row].name.get(language));
                }
            }
            let whole = format!("{} {}", name.whole, more.whole);
            more.add_all(product.attributes.values().map(String::as_str));
            let options = product
                .variants
                .iter()
                .flat_map(|variant| variant.options.values());
            more.add_all(options.map(String::as_str));
            description.add(product.description.get(language));
            document.add_text(fields.name, name.stems);
            document.add_text(fields.more, more.stems);
            document.add_text(fields.description, description.stems);
            document.add_text(fields.word, whole);
        }
        document
    }
}

/// Words on their way into the index, as they are and as stems.
struct Phrase {
    language: Language,
    whole: String,
    stems: String,
}

impl Phrase {
    fn new(language: Language) -> Self {
        Self {
            language,
            whole: String::new(),
            stems: String::new(),
        }
    }

    fn add(&mut self, text: &str) {
        for word in words::words(text, self.language) {
            self.whole.push_str(&word.text);
            self.whole.push(' ');
            self.stems.push_str(&words::stem(&word.text, self.language));
            self.stems.push(' ');
        }
    }

    fn add_all<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.add(text);
        }
    }
}

/// How many products hold a term (replaced ones included until their segment is rewritten).
pub fn frequency(searcher: &Searcher, field: Field, word: &str) -> tantivy::Result<u64> {
    searcher.doc_freq(&Term::from_field_text(field, word))
}

/// The words of a field that are at most `distance` edits away, with how many products hold them.
pub fn similar(
    searcher: &Searcher,
    field: Field,
    word: &str,
    distance: u8,
) -> tantivy::Result<HashMap<String, u64>> {
    let query = FuzzyTermQuery::new(Term::from_field_text(field, word), distance, true);
    let mut found = HashMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        let mut stream = inverted.terms().search(query.automaton()?).into_stream()?;
        while stream.advance() {
            count(&mut found, stream.key(), stream.value().doc_freq);
        }
    }
    Ok(found)
}

/// The words of a field that start with `prefix`, with how many products hold them.
pub fn completions(
    searcher: &Searcher,
    field: Field,
    prefix: &str,
) -> tantivy::Result<HashMap<String, u64>> {
    // A prefix of one letter has thousands of completions; the first ones of the alphabet will do.
    const MOST: usize = 2000;
    let mut found = HashMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        let mut stream = inverted.terms().range().ge(prefix).into_stream()?;
        let mut seen = 0;
        while seen < MOST && stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
            count(&mut found, stream.key(), stream.value().doc_freq);
            seen += 1;
        }
    }
    Ok(found)
}

fn count(found: &mut HashMap<String, u64>, word: &[u8], more: u32) {
    if let Ok(word) = std::str::from_utf8(word) {
        match found.get_mut(word) {
            Some(count) => *count += u64::from(more),
            None => {
                found.insert(word.to_owned(), more.into());
            }
        }
    }
}

/// Every slot that answers a query, with its score.
pub fn matches(searcher: &Searcher, query: &dyn Query) -> tantivy::Result<Vec<(u32, u32)>> {
    searcher.search(query, &Slots)
}

struct Slots;

struct SegmentSlots {
    slots: Column<u64>,
    found: Vec<(u32, u32)>,
}

impl Collector for Slots {
    type Fruit = Vec<(u32, u32)>;
    type Child = SegmentSlots;

    fn for_segment(
        &self,
        _: tantivy::SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentSlots> {
        Ok(SegmentSlots {
            slots: segment.fast_fields().u64("slot")?,
            found: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Vec<(u32, u32)>>) -> tantivy::Result<Vec<(u32, u32)>> {
        Ok(segments.concat())
    }
}

impl SegmentCollector for SegmentSlots {
    type Fruit = Vec<(u32, u32)>;

    fn collect(&mut self, document: tantivy::DocId, score: tantivy::Score) {
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "scores are sums of small whole numbers"
        )]
        let score = score as u32;
        let slot = self
            .slots
            .first(document)
            .and_then(|slot| u32::try_from(slot).ok());
        self.found.extend(slot.map(|slot| (slot, score)));
    }

    fn harvest(self) -> Self::Fruit {
        self.found
    }
}
