//! A search: what matches the words, narrowed and ordered as the address says; and what the words may become while they are typed.

use crate::{
    App,
    answer_page::{Outcome, Visit, render},
    card::Card,
    clients::{CatalogError, Facets, Suggestions},
    drawing,
    language::Language,
    listing::{Listing, Place},
    listing_page::{Corrected, ListingPage},
    listing_query::ListingQuery,
    page_error::PageError,
    shell::{Crumb, Link},
};
use askama::Template;
use axum::{extract::State, response::Response};

/// How many categories a search offers to go into.
const CATEGORIES: usize = 8;
/// How many suggestions of each kind there are.
const SUGGESTED: usize = 5;
/// Longer words are no beginnings any more.
const MAX_LETTERS: usize = 60;

/// `GET /{language}/search`
pub(crate) async fn show_search(State(app): State<App>, visit: Visit) -> Response {
    let outcome = search(&app, &visit).await;
    visit.answer(outcome)
}

async fn search(app: &App, visit: &Visit) -> Result<Outcome, PageError> {
    let (t, language, tree) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
    );
    let query = ListingQuery::parse(visit.query(), app.currency)?;
    let answer = match app
        .catalog
        .products(&query.to_catalog(None, language, app.currency))
        .await
    {
        Err(error @ CatalogError::Unavailable(_)) => return Err(error.into()),
        Err(_) => return Err(PageError::Refused),
        Ok(answer) => answer,
    };
    let path = format!("/{}/search", language.code());
    let heading = if query.words.is_empty() {
        t.search_everything.to_owned()
    } else {
        (t.search_title)(&query.words)
    };
    let suggestions = if answer.total == 0 && !query.is_filtered() {
        other_words(app, &query.words, language).await
    } else {
        Vec::new()
    };
    let href = |language: Language| {
        query.first_page().href(
            &format!("/{}/search", language.code()),
            app.currency,
            language,
        )
    };
    let mut shell = visit
        .shell(href)
        .titled(&heading, t.search_description.to_owned())
        .unlisted();
    query.words.clone_into(&mut shell.query);
    let page = ListingPage {
        crumbs: vec![Crumb {
            name: heading.clone(),
            href: href(language),
            is_current: true,
        }],
        heading,
        children: categories(answer.facets.as_ref(), &query, visit, app),
        corrected: answer.corrected_query.as_ref().map(|words| {
            let corrected = ListingQuery {
                words: words.clone(),
                ..query.first_page()
            };
            let (before, after) = t.corrected;
            Corrected {
                query: words.clone(),
                href: corrected.href(&path, app.currency, language),
                before,
                after: after(&query.words),
            }
        }),
        listing: Listing::new(
            answer,
            &query,
            Place {
                path: &path,
                tree,
                language,
                currency: app.currency,
            },
        ),
        empty_title: (t.nothing_found)(&query.words),
        suggestions,
        t,
        shell,
    };
    Ok(Outcome::Page(render(&page)?))
}

/// The categories that most of what was found is in, as ways to narrow the search.
fn categories(
    facets: Option<&Facets>,
    query: &ListingQuery,
    visit: &Visit,
    app: &App,
) -> Vec<Link> {
    let (language, tree) = (visit.language, &visit.tree);
    let Some(facets) = facets.filter(|_| !query.words.is_empty()) else {
        return Vec::new();
    };
    let others = facets
        .categories
        .iter()
        .filter(|category| query.category.as_ref() != Some(&category.key));
    let links = others.take(CATEGORIES).map(|category| {
        let narrowed = ListingQuery {
            category: Some(category.key.clone()),
            ..query.first_page()
        };
        Link {
            name: category.name.clone(),
            href: narrowed.href(
                &format!("/{}/search", language.code()),
                app.currency,
                language,
            ),
            illustration: tree.illustration(&category.key).to_owned(),
        }
    });
    links.collect()
}

/// Words to try after a search that found nothing: what the catalog knows that begins like one of them.
async fn other_words(app: &App, words: &str, language: Language) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for word in words.split_whitespace().take(3) {
        let beginning: String = word.chars().take(3).collect();
        let Ok(suggestions) = app
            .catalog
            .suggestions(&beginning, language, app.currency)
            .await
        else {
            break;
        };
        for words in suggestions.queries {
            let link = search_link(words, language, app);
            if links.len() < SUGGESTED && links.iter().all(|other| other.href != link.href) {
                links.push(link);
            }
        }
    }
    links
}

#[derive(Template)]
#[template(path = "suggestions.html", whitespace = "minimize")]
struct SuggestionList {
    t: &'static crate::messages::Messages,
    queries: Vec<Link>,
    categories: Vec<Link>,
    products: Vec<Card>,
}

/// `GET /{language}/suggestions?q=`: the options of the search box's list, as markup.
pub(crate) async fn suggest(State(app): State<App>, visit: Visit) -> Response {
    let outcome = suggestions(&app, &visit).await;
    visit.answer(outcome)
}

async fn suggestions(app: &App, visit: &Visit) -> Result<Outcome, PageError> {
    let (t, language, tree) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
    );
    let letters = ListingQuery::parse(visit.query(), app.currency)?.words;
    if letters.is_empty() || letters.chars().count() > MAX_LETTERS {
        return Ok(Outcome::Page(String::new()));
    }
    // Help that does not come is no failure: the search box works without.
    let (found, is_complete) = match app
        .catalog
        .suggestions(&letters, language, app.currency)
        .await
    {
        Ok(found) => (found, true),
        Err(error) => {
            tracing::debug!(error = %kit::problem::chain(&error), "no suggestions");
            (Suggestions::default(), false)
        }
    };
    let categories = found.categories.into_iter().filter_map(|category| {
        let node = tree.by_key(&category.key)?;
        Some(Link {
            name: category.name,
            href: node.href(language),
            illustration: tree.illustration(&node.key).to_owned(),
        })
    });
    let list = SuggestionList {
        t,
        queries: found
            .queries
            .into_iter()
            .take(SUGGESTED)
            .map(|words| search_link(words, language, app))
            .collect(),
        categories: categories.take(3).collect(),
        products: found
            .products
            .into_iter()
            .take(SUGGESTED)
            .map(|product| Card::new(product, tree, language))
            .collect(),
    };
    let html = render(&list)?;
    Ok(if is_complete {
        Outcome::Page(html)
    } else {
        Outcome::Partial(html)
    })
}

fn search_link(words: String, language: Language, app: &App) -> Link {
    let query = ListingQuery {
        words,
        ..ListingQuery::default()
    };
    Link {
        href: query.href(
            &format!("/{}/search", language.code()),
            app.currency,
            language,
        ),
        name: query.words,
        illustration: drawing::FALLBACK.to_owned(),
    }
}
