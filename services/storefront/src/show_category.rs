//! A category: what is in it, narrowed and ordered as the address says.

use crate::{
    App,
    answer_page::{Outcome, Visit, render},
    card::{count_products, path_segment},
    category_tree::{CategoryTree, Node},
    clients::CatalogError,
    json_ld,
    language::Language,
    listing::{Listing, Place},
    listing_page::ListingPage,
    listing_query::ListingQuery,
    page_error::PageError,
    shell::{Link, crumbs},
};
use axum::{
    extract::{Path, State},
    response::Response,
};

/// `GET /{language}/c/{*path}`
pub(crate) async fn show_category(
    State(app): State<App>,
    visit: Visit,
    Path((_, path)): Path<(String, String)>,
) -> Response {
    let outcome = category(&app, &visit, &path).await;
    visit.answer(outcome)
}

async fn category(app: &App, visit: &Visit, path: &str) -> Result<Outcome, PageError> {
    let (t, language, tree) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
    );
    if tree.is_empty() {
        return Err(PageError::NoCategories);
    }
    let node = find(tree, language, path).ok_or(PageError::NotFound)?;
    let own_path = node.href(language);
    if own_path != visit.uri.path() {
        let query = visit
            .uri
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        return Ok(Outcome::Moved(own_path + &query));
    }
    let query = ListingQuery::parse(visit.query(), app.currency)?;
    let answer = match app
        .catalog
        .products(&query.to_catalog(Some(&node.key), language, app.currency))
        .await
    {
        Err(error @ CatalogError::Unavailable(_)) => return Err(error.into()),
        Err(_) => return Err(PageError::Refused),
        Ok(answer) => answer,
    };

    let lineage = tree.lineage(node);
    let crumbs = crumbs(&lineage, language, true);
    let name = node.name(language);
    let description = match node.product_count {
        0 => (t.category_description)(name),
        count => (t.category_description_counted)(name, &count_products(count, language)),
    };
    let mut shell = visit
        .shell(|language| node.href(language))
        .titled(name, description)
        .within(lineage.first().copied());
    shell.switch_href =
        query
            .unfiltered()
            .href(&node.href(language.other()), app.currency, language.other());
    shell
        .json_ld
        .push(json_ld::breadcrumbs(lineage.iter().map(|node| {
            (
                node.name(language),
                format!("{}{}", visit.origin, node.href(language)),
            )
        })));
    if query != ListingQuery::default() {
        shell = shell.unlisted();
    }
    let place = Place {
        path: &own_path,
        tree,
        language,
        currency: app.currency,
    };
    let page = ListingPage {
        heading: name.to_owned(),
        crumbs,
        children: tree
            .children(node)
            .filter(|child| child.product_count > 0)
            .map(|child| link(child, tree, language))
            .collect(),
        listing: Listing::new(answer, &query, place),
        empty_title: t.nothing_here.to_owned(),
        corrected: None,
        suggestions: Vec::new(),
        t,
        shell,
    };
    Ok(Outcome::Page(render(&page)?))
}

/// The category at a path, in the words of either language, or by its key.
fn find<'a>(tree: &'a CategoryTree, language: Language, path: &str) -> Option<&'a Node> {
    let path = path.trim_end_matches('/');
    let encoded: Vec<String> = path.split('/').map(path_segment).collect();
    let encoded = encoded.join("/");
    tree.by_path(language, &encoded)
        .or_else(|| tree.by_path(language.other(), &encoded))
        .or_else(|| tree.by_key(path))
}

fn link(node: &Node, tree: &CategoryTree, language: Language) -> Link {
    Link {
        name: node.name(language).to_owned(),
        href: node.href(language),
        illustration: tree.illustration(&node.key).to_owned(),
    }
}
