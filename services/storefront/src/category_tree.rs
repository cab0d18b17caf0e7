//! The shop's categories as a tree that pages walk: by key, by path, up to the root, down to the leaves.

use crate::{card::path_segment, clients::Category, drawing, language::Language};
use std::collections::HashMap;

/// Every category, found by key or by path.
#[derive(Debug, Default)]
pub struct CategoryTree {
    nodes: Vec<Node>,
    by_key: HashMap<String, usize>,
    by_path: HashMap<(Language, String), usize>,
    roots: Vec<usize>,
}

/// A category in its place.
#[derive(Debug)]
pub struct Node {
    /// Its key in the catalog.
    pub key: String,
    /// How many published products it and its descendants hold.
    pub product_count: u64,
    english: Names,
    french: Names,
    illustration: Option<String>,
    parent: Option<usize>,
    children: Vec<usize>,
}

#[derive(Debug)]
struct Names {
    name: String,
    /// The slugs from the root, each a percent-encoded segment.
    path: String,
}

impl CategoryTree {
    /// The tree of a list in tree order (parents first); what hangs on an unknown parent hangs on the root.
    pub fn new(categories: Vec<Category>) -> Self {
        let mut tree = Self::default();
        for category in categories {
            tree.add(category);
        }
        tree
    }

    /// The departments.
    pub fn roots(&self) -> impl Iterator<Item = &Node> {
        self.roots.iter().map(|index| &self.nodes[*index])
    }

    /// Every category, parents first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether no category holds a product: a shop that is still being filled.
    pub fn is_hollow(&self) -> bool {
        self.roots().all(|node| node.product_count == 0)
    }

    /// The category with a key.
    pub fn by_key(&self, key: &str) -> Option<&Node> {
        self.by_key.get(key).map(|index| &self.nodes[*index])
    }

    /// The category at a path of percent-encoded slugs, without slashes at its ends.
    pub fn by_path(&self, language: Language, path: &str) -> Option<&Node> {
        self.by_path
            .get(&(language, path.to_owned()))
            .map(|index| &self.nodes[*index])
    }

    /// The direct children.
    pub fn children<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        node.children.iter().map(|index| &self.nodes[*index])
    }

    /// From the root down to the category itself.
    pub fn lineage<'a>(&'a self, node: &'a Node) -> Vec<&'a Node> {
        let mut lineage = vec![node];
        let mut parent = node.parent;
        while let Some(index) = parent {
            lineage.push(&self.nodes[index]);
            parent = self.nodes[index].parent;
        }
        lineage.reverse();
        lineage
    }

    /// The illustration of a category or of the nearest one above it that has one.
    pub fn illustration(&self, key: &str) -> &str {
        self.by_key(key)
            .and_then(|node| {
                self.lineage(node)
                    .into_iter()
                    .rev()
                    .find_map(|node| node.illustration.as_deref())
            })
            .unwrap_or(drawing::FALLBACK)
    }

    fn add(&mut self, category: Category) {
        let parent = category
            .parent
            .and_then(|key| self.by_key.get(&key).copied());
        let path = |language, slug: &str| match parent {
            Some(parent) => format!(
                "{}/{}",
                self.nodes[parent].names(language).path,
                path_segment(slug)
            ),
            None => path_segment(slug),
        };
        let node = Node {
            english: Names {
                path: path(Language::En, category.slug.text(Language::En)),
                name: category.name.en,
            },
            french: Names {
                path: path(Language::Fr, category.slug.text(Language::Fr)),
                name: category.name.fr,
            },
            key: category.key,
            product_count: category.product_count,
            illustration: category.illustration,
            parent,
            children: Vec::new(),
        };
        let index = self.nodes.len();
        for language in Language::ALL {
            self.by_path
                .entry((language, node.names(language).path.clone()))
                .or_insert(index);
        }
        self.by_key.insert(node.key.clone(), index);
        match parent {
            Some(parent) => self.nodes[parent].children.push(index),
            None => self.roots.push(index),
        }
        self.nodes.push(node);
    }
}

impl Node {
    /// Its name.
    pub fn name(&self, language: Language) -> &str {
        &self.names(language).name
    }

    /// The path of its page.
    pub fn href(&self, language: Language) -> String {
        format!("/{}/c/{}", language.code(), self.names(language).path)
    }

    fn names(&self, language: Language) -> &Names {
        match language {
            Language::En => &self.english,
            Language::Fr => &self.french,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Localized;

    fn category(
        key: &str,
        parent: Option<&str>,
        slugs: (&str, &str),
        illustration: Option<&str>,
    ) -> Category {
        let text = |en: &str, fr: &str| Localized {
            en: en.to_owned(),
            fr: fr.to_owned(),
        };
        Category {
            key: key.to_owned(),
            parent: parent.map(str::to_owned),
            name: text(key, key),
            slug: text(slugs.0, slugs.1),
            illustration: illustration.map(str::to_owned),
            product_count: 1,
        }
    }

    fn tree() -> CategoryTree {
        CategoryTree::new(vec![
            category("grocery", None, ("grocery", "epicerie"), Some("basket")),
            category(
                "grocery/dairy",
                Some("grocery"),
                ("dairy", "produits laitiers"),
                Some("dairy"),
            ),
            category(
                "grocery/dairy/milk",
                Some("grocery/dairy"),
                ("milk", "lait"),
                None,
            ),
            category("lost", Some("never-heard-of"), ("lost", "perdu"), None),
        ])
    }

    #[test]
    fn a_category_has_a_path_in_each_language() {
        let tree = tree();
        let milk = tree.by_key("grocery/dairy/milk").expect("milk");
        assert_eq!(milk.href(Language::En), "/en/c/grocery/dairy/milk");
        assert_eq!(
            milk.href(Language::Fr),
            "/fr/c/epicerie/produits%20laitiers/lait"
        );
        for (language, path) in [
            (Language::En, "grocery/dairy/milk"),
            (Language::Fr, "epicerie/produits%20laitiers/lait"),
        ] {
            assert_eq!(
                tree.by_path(language, path).map(|node| node.key.as_str()),
                Some("grocery/dairy/milk")
            );
        }
        assert!(tree.by_path(Language::Fr, "grocery/dairy/milk").is_none());
    }

    #[test]
    fn the_nearest_illustration_is_shown() {
        let tree = tree();
        for (key, illustration) in [
            ("grocery/dairy/milk", "dairy"),
            ("grocery", "basket"),
            ("lost", "basket"),
            ("unknown", "basket"),
        ] {
            assert_eq!(tree.illustration(key), illustration, "{key}");
        }
    }

    #[test]
    fn an_orphan_is_a_department() {
        let tree = tree();
        let roots: Vec<&str> = tree.roots().map(|node| node.key.as_str()).collect();
        assert_eq!(roots, ["grocery", "lost"]);
    }
}
