//! Which sitemaps there are and how an entry is written (sitemaps.org 0.9, with `hreflang` alternates).

use crate::{
    category_tree::{CategoryTree, Node},
    language::Language,
};
use std::fmt::Write as _;

/// A sitemap has at most 50,000 addresses; a product has one in each language, and the catalog may grow between index and walk.
pub const MAX_PRODUCTS: u64 = 20_000;

/// The products of one sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The category's key.
    pub category: String,
    /// Only what is in the category itself, because what is below has sitemaps of its own.
    pub is_own_only: bool,
}

impl Chunk {
    /// Where it is served.
    pub fn path(&self) -> String {
        let folder = if self.is_own_only { "own" } else { "all" };
        let encoded: Vec<String> = self
            .category
            .split('/')
            .map(crate::card::path_segment)
            .collect();
        format!("/sitemaps/{folder}/{}.xml", encoded.join("/"))
    }

    /// What a decoded path below `/sitemaps/` stands for.
    pub fn from_path(path: &str) -> Option<Self> {
        let (folder, rest) = path.split_once('/')?;
        let is_own_only = match folder {
            "all" => false,
            "own" => true,
            _ => return None,
        };
        let category = rest.strip_suffix(".xml")?.to_owned();
        Some(Self {
            category,
            is_own_only,
        })
    }
}

/// The sitemaps that together hold every product: the largest categories that fit.
pub fn chunks(tree: &CategoryTree) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for node in tree.roots() {
        add_chunks(&mut chunks, tree, node);
    }
    chunks
}

fn add_chunks(chunks: &mut Vec<Chunk>, tree: &CategoryTree, node: &Node) {
    if node.product_count == 0 {
        return;
    }
    let below: u64 = tree.children(node).map(|child| child.product_count).sum();
    let fits = node.product_count <= MAX_PRODUCTS || below == 0;
    if fits || below < node.product_count {
        chunks.push(Chunk {
            category: node.key.clone(),
            is_own_only: !fits,
        });
    }
    if !fits {
        for child in tree.children(node) {
            add_chunks(chunks, tree, child);
        }
    }
}

/// The index of all sitemaps.
pub fn index(origin: &str, paths: impl Iterator<Item = String>) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in paths {
        let _ = writeln!(xml, "<sitemap><loc>{origin}{path}</loc></sitemap>");
    }
    xml.push_str("</sitemapindex>\n");
    xml
}

/// How a sitemap begins.
pub const OPEN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n";
/// How it ends.
pub const CLOSE: &str = "</urlset>\n";

/// One page: an entry for each language it exists in, each naming all of them.
pub fn entries(xml: &mut String, origin: &str, paths: &[(Language, String)]) {
    for (_, path) in paths {
        let _ = write!(xml, "<url><loc>{origin}{path}</loc>");
        for (language, alternate) in paths {
            let code = language.code();
            let _ = write!(
                xml,
                "<xhtml:link rel=\"alternate\" hreflang=\"{code}\" href=\"{origin}{alternate}\"/>"
            );
        }
        xml.push_str("</url>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(counts: &[(&str, u64)]) -> CategoryTree {
        let categories = counts.iter().map(|(key, count)| {
            let parent = key.rsplit_once('/').map(|(parent, _)| parent);
            let slug = key.rsplit('/').next();
            serde_json::from_value(serde_json::json!({
                "key": key, "parent": parent, "name": { "en": key, "fr": key }, "slug": { "en": slug, "fr": slug }, "product_count": count,
            }))
            .expect("a category")
        });
        CategoryTree::new(categories.collect())
    }

    #[test]
    fn every_product_is_in_exactly_one_sitemap_that_fits() {
        let paths = |counts: &[(&str, u64)]| {
            chunks(&tree(counts))
                .iter()
                .map(Chunk::path)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            paths(&[("a", 10), ("a/b", 4), ("c", 0)]),
            ["/sitemaps/all/a.xml"]
        );
        assert_eq!(
            paths(&[
                ("a", 45_000),
                ("a/b", 20_000),
                ("a/c", 25_000),
                ("a/c/d", 12_000),
                ("a/c/e", 12_500)
            ]),
            [
                "/sitemaps/all/a/b.xml",
                "/sitemaps/own/a/c.xml",
                "/sitemaps/all/a/c/d.xml",
                "/sitemaps/all/a/c/e.xml"
            ]
        );
        assert_eq!(
            paths(&[("a", 45_000)]),
            ["/sitemaps/all/a.xml"],
            "what can't be divided is not dropped"
        );
    }

    #[test]
    fn a_path_comes_back_as_its_chunk() {
        for (path, category, is_own_only) in
            [("all/a.xml", "a", false), ("own/a/b.xml", "a/b", true)]
        {
            let chunk = Chunk::from_path(path).expect("a chunk");
            assert_eq!(
                (chunk.category.as_str(), chunk.is_own_only),
                (category, is_own_only)
            );
        }
        for path in ["", "a.xml", "all/a", "some/a.xml"] {
            assert_eq!(Chunk::from_path(path), None, "{path}");
        }
    }
}
