//! What surrounds every page: title, addresses in both languages, the departments, the search box.

use crate::{
    category_tree::{CategoryTree, Node},
    language::Language,
};

/// The frame of a page.
pub struct Shell {
    pub language: Language,
    pub title: String,
    pub description: String,
    /// What search engines should call the page; `None` when they should not keep it.
    pub canonical: Option<String>,
    pub alternates: Vec<Alternate>,
    /// This page in the other language.
    pub switch_href: String,
    pub menu: Vec<MenuEntry>,
    /// What stands in the search box.
    pub query: String,
    pub is_indexed: bool,
    pub is_departments: bool,
    /// Whether nothing should lead away from what is being done.
    pub is_checkout: bool,
    pub doors: Doors,
    /// Open Graph's type.
    pub kind: &'static str,
    pub image: Option<String>,
    pub json_ld: Vec<String>,
}

/// What there is beside the shelves, as far as this shop has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doors {
    pub cart: bool,
    pub orders: bool,
    pub account: bool,
}

/// The page in a language, for search engines.
pub struct Alternate {
    pub hreflang: &'static str,
    pub href: String,
}

/// A department in the menu.
pub struct MenuEntry {
    pub name: String,
    pub href: String,
    pub illustration: String,
    pub is_current: bool,
}

/// A step on the way from the home page.
pub struct Crumb {
    pub name: String,
    pub href: String,
    pub is_current: bool,
}

/// A name that leads somewhere.
pub struct Link {
    pub name: String,
    pub href: String,
    pub illustration: String,
}

impl Shell {
    /// The frame of a page that has an address of its own in each language; `hrefs` are its paths.
    pub fn new(
        language: Language,
        tree: &CategoryTree,
        origin: &str,
        doors: Doors,
        hrefs: impl Fn(Language) -> String,
    ) -> Self {
        let mut alternates: Vec<Alternate> = Language::ALL
            .iter()
            .map(|language| Alternate {
                hreflang: language.code(),
                href: format!("{origin}{}", hrefs(*language)),
            })
            .collect();
        alternates.push(Alternate {
            hreflang: "x-default",
            href: format!("{origin}{}", hrefs(Language::ALL[0])),
        });
        Self {
            language,
            title: "Amazoff".to_owned(),
            description: String::new(),
            canonical: Some(format!("{origin}{}", hrefs(language))),
            alternates,
            switch_href: hrefs(language.other()),
            menu: menu(tree, language),
            query: String::new(),
            is_indexed: true,
            is_departments: false,
            is_checkout: false,
            doors,
            kind: "website",
            image: None,
            json_ld: Vec::new(),
        }
    }

    /// Titles the page.
    #[must_use]
    pub fn titled(mut self, title: &str, description: String) -> Self {
        self.title = format!("{title} · Amazoff");
        self.description = description;
        self
    }

    /// Keeps the page out of search engines: it is one of endless variations, or no page at all.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.is_indexed = false;
        self.canonical = None;
        self.alternates.clear();
        self
    }

    /// Marks the department that the page belongs to.
    #[must_use]
    pub fn within(mut self, department: Option<&Node>) -> Self {
        let href = department.map(|node| node.href(self.language));
        for entry in &mut self.menu {
            entry.is_current = Some(&entry.href) == href.as_ref();
        }
        self
    }
}

/// The way to a category, the last step marked when the page is the category's own.
pub fn crumbs(lineage: &[&Node], language: Language, last_is_current: bool) -> Vec<Crumb> {
    let last = lineage.len().checked_sub(1);
    lineage
        .iter()
        .enumerate()
        .map(|(index, node)| Crumb {
            name: node.name(language).to_owned(),
            href: node.href(language),
            is_current: last_is_current && Some(index) == last,
        })
        .collect()
}

fn menu(tree: &CategoryTree, language: Language) -> Vec<MenuEntry> {
    tree.roots()
        .map(|node| MenuEntry {
            name: node.name(language).to_owned(),
            href: node.href(language),
            illustration: tree.illustration(&node.key).to_owned(),
            is_current: false,
        })
        .collect()
}
