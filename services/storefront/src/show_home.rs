//! The home page: the departments, what is new, what got cheaper, and a shelf of a few departments. Each part stands by itself.

use crate::{
    App,
    answer_page::{Outcome, Visit, render},
    assets,
    card::{Card, count_products},
    category_tree::{CategoryTree, Node},
    clients::{CatalogError, ProductSummary, Shelf},
    drawing, json_ld,
    language::Language,
    messages::Messages,
    money::format_count,
    page_error::PageError,
    shell::Shell,
};
use askama::Template;
use axum::{extract::State, response::Response};
use futures::{future::join_all, join};
use std::collections::HashSet;

/// How many departments show some of their products.
const SHELVES: usize = 5;
/// How many products a shelf shows.
const SHELF_LIMIT: u32 = 6;
/// How many new products are read: more than are shown, since reduced ones are found among them.
const NEWEST_READ: u32 = 60;
/// From how many reduced products on it is worth a band of its own.
const REDUCED_MIN: usize = 3;
/// How many of them it shows.
const REDUCED_MAX: usize = 6;

#[derive(Template)]
#[template(path = "home.html", whitespace = "minimize")]
struct HomePage {
    t: &'static Messages,
    shell: Shell,
    hero_text: String,
    departments: Vec<Department>,
    newest: Vec<Card>,
    reduced: Vec<Card>,
    shelves: Vec<NamedShelf>,
    is_incomplete: bool,
    retry: String,
}

/// A department as a tile.
pub(crate) struct Department {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) illustration: String,
    pub(crate) tint: u32,
    /// `None` for none: right after an import, the products may not be counted yet.
    pub(crate) count: Option<String>,
}

struct NamedShelf {
    name: String,
    href: String,
    cards: Vec<Card>,
}

/// `GET /{language}/`
pub(crate) async fn show_home(State(app): State<App>, visit: Visit) -> Response {
    let outcome = home(&app, &visit).await;
    visit.answer(outcome)
}

async fn home(app: &App, visit: &Visit) -> Result<Outcome, PageError> {
    let (t, language, tree) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
    );
    let newest = Shelf {
        category: None,
        sort: Some("newest"),
        limit: NEWEST_READ,
        cursor: None,
    };
    let nodes: Vec<&Node> = tree
        .roots()
        .filter(|node| node.product_count > 0)
        .take(SHELVES)
        .collect();
    let shelves = nodes.iter().map(|node| async {
        let shelf = Shelf {
            category: Some(&node.key),
            sort: None,
            limit: SHELF_LIMIT,
            cursor: None,
        };
        app.catalog
            .first_products(&shelf, language, app.currency)
            .await
    });
    let (newest, shelves) = join!(
        app.catalog.first_products(&newest, language, app.currency),
        join_all(shelves)
    );
    let newest = match newest {
        // Nothing at all could be shown: monitors and caches must be able to tell.
        Err(error) if tree.is_empty() => return Err(error.into()),
        newest => newest,
    };
    let is_incomplete = newest.is_err() || shelves.iter().any(Result::is_err);
    let shelves: Vec<Vec<ProductSummary>> = shelves.into_iter().map(or_nothing).collect();
    let mut newest = or_nothing(newest);
    let reduced = reduced(shelves.iter().flatten().chain(&newest));
    newest.truncate(usize::try_from(SHELF_LIMIT).unwrap_or(usize::MAX));

    let to_cards = |products: Vec<ProductSummary>| {
        products
            .into_iter()
            .map(|product| Card::new(product, tree, language))
            .collect::<Vec<_>>()
    };
    let mut shell = visit.shell(|language| format!("/{}/", language.code()));
    t.home_title.clone_into(&mut shell.title);
    t.home_description.clone_into(&mut shell.description);
    shell
        .json_ld
        .push(json_ld::web_site(&visit.origin, language.code()));
    let page = HomePage {
        t,
        shell,
        hero_text: hero_text(tree, language),
        departments: tree
            .roots()
            .map(|node| Department::new(node, tree, language))
            .collect(),
        newest: to_cards(newest),
        reduced: to_cards(reduced),
        shelves: nodes
            .iter()
            .zip(shelves)
            .filter(|(_, products)| !products.is_empty())
            .map(|(node, products)| NamedShelf {
                name: node.name(language).to_owned(),
                href: node.href(language),
                cards: to_cards(products),
            })
            .collect(),
        is_incomplete,
        retry: visit.here(),
    };
    let html = render(&page)?;
    Ok(if is_incomplete {
        Outcome::Partial(html)
    } else {
        Outcome::Page(html)
    })
}

impl Department {
    pub(crate) fn new(node: &Node, tree: &CategoryTree, language: Language) -> Self {
        Self {
            name: node.name(language).to_owned(),
            href: node.href(language),
            illustration: tree.illustration(&node.key).to_owned(),
            tint: drawing::tint(&node.key),
            count: (node.product_count > 0).then(|| count_products(node.product_count, language)),
        }
    }
}

/// A part that can't be read costs only itself; the catalog's failure is logged where its part is missing.
fn or_nothing(answer: Result<Vec<ProductSummary>, CatalogError>) -> Vec<ProductSummary> {
    answer.unwrap_or_else(|error| {
        tracing::warn!(error = %kit::problem::chain(&error), "a shelf of the home page stays empty");
        Vec::new()
    })
}

/// The products that cost less than they did, each once; none when there are too few to make a row.
fn reduced<'a>(products: impl Iterator<Item = &'a ProductSummary>) -> Vec<ProductSummary> {
    let mut seen = HashSet::new();
    let reduced: Vec<ProductSummary> = products
        .filter(|product| product.is_reduced() && seen.insert(&product.id))
        .take(REDUCED_MAX)
        .cloned()
        .collect();
    if reduced.len() < REDUCED_MIN {
        Vec::new()
    } else {
        reduced
    }
}

fn hero_text(tree: &CategoryTree, language: Language) -> String {
    let t = language.messages();
    let (mut products, mut departments) = (0, 0);
    for node in tree.roots() {
        products += node.product_count;
        departments += 1;
    }
    if products == 0 {
        return t.hero_text.to_owned();
    }
    (t.hero_text_counted)(
        &format_count(products, language),
        &format_count(departments, language),
    )
}
