//! Categories: a tree by key, in which `grocery/dairy` is a child of `grocery`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{invalid::Mistakes, product::texts, slug, text::LocalizedText};

/// More levels than this no menu shows.
const DEEPEST: usize = 8;

/// A shelf of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Category {
    /// Its path: the parent's key, a slash, and its own name.
    #[schema(example = "grocery/dairy")]
    pub key: String,
    /// The key of the category above; `null` at the top.
    #[schema(example = "grocery")]
    pub parent: Option<String>,
    /// Grows with every change; the `ETag` to send back when changing it.
    pub revision: u64,
    /// What it is called.
    pub name: LocalizedText,
    /// Its part of the address on the site.
    pub slug: LocalizedText,
    /// Where it stands among its siblings.
    pub position: i32,
    /// Which drawing stands for it; the nearest one above when absent.
    pub illustration: Option<String>,
    /// How many published products it and the categories below it hold.
    #[serde(default)]
    pub product_count: u64,
}

/// A category as written by staff or an importer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryInput {
    /// Its path; may be left out where the address of the request says it.
    #[serde(default)]
    #[schema(example = "grocery/dairy")]
    pub key: String,
    /// Must be what the key says, when given.
    #[serde(default)]
    pub parent: Option<String>,
    /// What it is called.
    pub name: LocalizedText,
    /// Its part of the address on the site; the last part of the key when absent.
    #[serde(default)]
    pub slug: Option<LocalizedText>,
    /// Where it stands among its siblings.
    #[serde(default)]
    pub position: i32,
    /// Which drawing stands for it.
    #[serde(default)]
    pub illustration: Option<String>,
    /// Read only: accepted, so that what was read can be written back, and ignored.
    #[serde(default)]
    pub product_count: u64,
    /// Read only: accepted and ignored; send the revision in `If-Match`.
    #[serde(default)]
    pub revision: u64,
}

/// What a category key looks like: one to eight slugs joined by `/`.
pub fn is_key(key: &str) -> bool {
    key.len() <= 200 && key.split('/').count() <= DEEPEST && key.split('/').all(slug::is_slug)
}

/// The key of the category above.
pub fn parent_of(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(parent, _)| parent)
}

impl CategoryInput {
    /// Every rule that can be checked without looking at other categories.
    pub fn validate(&self) -> Result<(), Mistakes> {
        let mut found = Mistakes::default();
        found.require(
            is_key(&self.key),
            || "key".to_owned(),
            "must be 1 to 8 lower-case slugs joined by '/'",
        );
        found.require(
            self.parent.is_none() || self.parent.as_deref() == parent_of(&self.key),
            || "parent".to_owned(),
            "must be the key without its last part",
        );
        texts(&mut found, "name", &self.name, 1..=100);
        if let Some(given) = &self.slug {
            found.require(
                slug::is_slug(&given.en),
                || "slug.en".to_owned(),
                "must be lower-case words joined by '-'",
            );
            found.require(
                slug::is_slug(&given.fr),
                || "slug.fr".to_owned(),
                "must be lower-case words joined by '-'",
            );
        }
        if let Some(illustration) = &self.illustration {
            found.require(
                slug::is_slug(illustration) && illustration.len() <= 60,
                || "illustration".to_owned(),
                "must be lower-case words joined by '-'",
            );
        }
        found.into_result()
    }

    /// The category that this input becomes.
    pub fn into_category(self, revision: u64) -> Category {
        let Self {
            key,
            parent: _,
            name,
            slug,
            position,
            illustration,
            product_count: _,
            revision: _,
        } = self;
        let slug =
            slug.unwrap_or_else(|| LocalizedText::same(key.rsplit('/').next().unwrap_or_default()));
        Category {
            parent: parent_of(&key).map(str::to_owned),
            key,
            revision,
            name,
            slug,
            position,
            illustration,
            product_count: 0,
        }
    }
}

/// All categories, each parent before its children, siblings by position, then key.
#[derive(Debug, Clone, Default)]
pub struct CategoryTree {
    rows: Vec<Category>,
    /// For each row, the row after its last descendant.
    ends: Vec<usize>,
    by_key: HashMap<String, usize>,
}

impl CategoryTree {
    /// Puts categories in order. One whose parent is missing stands at the top.
    pub fn new(categories: impl IntoIterator<Item = Category>) -> Self {
        let all: HashMap<String, Category> = categories
            .into_iter()
            .map(|category| (category.key.clone(), category))
            .collect();
        let mut children: HashMap<Option<&str>, Vec<&Category>> = HashMap::new();
        for category in all.values() {
            let parent = category
                .parent
                .as_deref()
                .filter(|parent| all.contains_key(*parent));
            children.entry(parent).or_default().push(category);
        }
        for siblings in children.values_mut() {
            siblings.sort_by(|left, right| {
                (left.position, &left.key).cmp(&(right.position, &right.key))
            });
        }
        let mut tree = Self::default();
        tree.grow(None, &children);
        tree
    }

    fn grow(&mut self, parent: Option<&str>, children: &HashMap<Option<&str>, Vec<&Category>>) {
        for category in children.get(&parent).into_iter().flatten() {
            let row = self.rows.len();
            self.by_key.insert(category.key.clone(), row);
            self.rows.push((*category).clone());
            self.ends.push(row + 1);
            self.grow(Some(&category.key), children);
            self.ends[row] = self.rows.len();
        }
    }

    /// All of them, in tree order.
    pub fn rows(&self) -> &[Category] {
        &self.rows
    }

    /// The row of a category.
    pub fn row(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// The category with this key.
    pub fn get(&self, key: &str) -> Option<&Category> {
        self.row(key).map(|row| &self.rows[row])
    }

    /// The rows of a category and of everything below it.
    pub fn subtree(&self, row: usize) -> std::ops::Range<usize> {
        row..self.ends[row]
    }

    /// The rows right below a category, or at the top.
    pub fn children(&self, of: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let (mut next, end) = of.map_or((0, self.rows.len()), |row| (row + 1, self.ends[row]));
        std::iter::from_fn(move || {
            let row = (next < end).then_some(next)?;
            next = self.ends[row];
            Some(row)
        })
    }

    /// The rows from the top down to a category, itself last.
    pub fn ancestry(&self, row: usize) -> Vec<usize> {
        let mut path = Vec::new();
        let mut at = Some(row);
        while let Some(row) = at {
            path.push(row);
            at = self.parent(row);
        }
        path.reverse();
        path
    }

    /// The row of the category above.
    pub fn parent(&self, row: usize) -> Option<usize> {
        self.rows[row]
            .parent
            .as_deref()
            .and_then(|parent| self.row(parent))
    }

    /// Says how many products each row holds itself; the counts of all rows follow.
    pub fn set_counts(&mut self, own: &[u64]) {
        for row in 0..self.rows.len() {
            self.rows[row].product_count =
                self.subtree(row).filter_map(|below| own.get(below)).sum();
        }
    }

    /// The drawing of a category, or of the nearest one above that has one.
    pub fn illustration(&self, row: usize) -> Option<&str> {
        self.ancestry(row)
            .into_iter()
            .rev()
            .find_map(|row| self.rows[row].illustration.as_deref())
    }
}

/// More categories than this are no help to anyone.
pub const MOST_CATEGORIES: usize = 5000;

/// Why a category does not fit into the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing above it.
    NoParent,
    /// A sibling has its slug.
    SlugTaken(&'static str),
    /// There are too many.
    TooMany,
}

impl Refusal {
    /// The field that is wrong, and why.
    pub fn explain(self) -> (&'static str, String) {
        match self {
            Self::NoParent => ("parent", "does not exist".to_owned()),
            Self::SlugTaken(field) => (field, "is taken by a category beside it".to_owned()),
            Self::TooMany => (
                "key",
                format!("there are {MOST_CATEGORIES} categories already"),
            ),
        }
    }
}

/// Whether a category fits into the tree.
pub fn fits(tree: &CategoryTree, category: &Category) -> Result<(), Refusal> {
    let parent = parent_of(&category.key);
    if parent.is_some_and(|parent| tree.get(parent).is_none()) {
        return Err(Refusal::NoParent);
    }
    if tree.rows().len() >= MOST_CATEGORIES && tree.get(&category.key).is_none() {
        return Err(Refusal::TooMany);
    }
    let siblings = tree
        .children(parent.and_then(|parent| tree.row(parent)))
        .map(|row| &tree.rows()[row]);
    for sibling in siblings.filter(|sibling| sibling.key != category.key) {
        if sibling.slug.en == category.slug.en {
            return Err(Refusal::SlugTaken("slug.en"));
        }
        if sibling.slug.fr == category.slug.fr {
            return Err(Refusal::SlugTaken("slug.fr"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(key: &str, position: i32) -> Category {
        CategoryInput {
            key: key.to_owned(),
            parent: None,
            name: LocalizedText::same(key),
            slug: None,
            position,
            illustration: (key == "b").then(|| "basket".to_owned()),
            product_count: 0,
            revision: 0,
        }
        .into_category(1)
    }

    fn tree() -> CategoryTree {
        CategoryTree::new([
            category("b/y/z", 0),
            category("a", 2),
            category("b/x", 2),
            category("b", 1),
            category("b/y", 1),
            category("lost/child", 9),
        ])
    }

    #[test]
    fn parents_come_first_and_siblings_by_position() {
        let tree = tree();
        let keys: Vec<&str> = tree.rows().iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["b", "b/y", "b/y/z", "b/x", "a", "lost/child"]);
        assert_eq!(tree.subtree(0), 0..4);
        assert_eq!(tree.children(None).collect::<Vec<_>>(), [0, 4, 5]);
        assert_eq!(tree.children(Some(0)).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(tree.ancestry(2), [0, 1, 2]);
    }

    #[test]
    fn illustrations_come_from_the_nearest_above() {
        let tree = tree();
        assert_eq!(tree.illustration(2), Some("basket"));
        assert_eq!(tree.illustration(4), None);
    }

    #[test]
    fn keys_are_paths_of_slugs() {
        for (key, valid) in [
            ("grocery", true),
            ("grocery/dairy", true),
            ("", false),
            ("/a", false),
            ("a/", false),
            ("A", false),
            ("a/b/c/d/e/f/g/h/i", false),
        ] {
            assert_eq!(is_key(key), valid, "{key}");
        }
    }

    #[test]
    fn refuses_a_parent_that_the_key_denies() {
        let mut input = CategoryInput {
            key: "a/b".to_owned(),
            parent: Some("a".to_owned()),
            name: LocalizedText::same("b"),
            slug: None,
            position: 0,
            illustration: None,
            product_count: 0,
            revision: 0,
        };
        assert!(input.validate().is_ok());
        input.parent = Some("c".to_owned());
        assert_eq!(
            input
                .validate()
                .expect_err("refused")
                .first()
                .expect("one")
                .field,
            "parent"
        );
    }
}
