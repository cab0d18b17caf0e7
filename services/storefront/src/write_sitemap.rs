//! Sitemaps, written while the catalog is walked: however large the shop, a few kilobytes are in memory.

use crate::{
    App,
    answer_page::{Visit, wanted},
    card::product_href,
    clients::{CatalogError, Listing, ProductSummary, Shelf},
    language::Language,
    page_error::PageError,
    sitemap::{self, Chunk},
};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts as _, Path, Request, State},
    response::{IntoResponse as _, Response},
};
use futures::{stream, try_join};
use http::header;
use std::{collections::HashMap, sync::Arc};

/// The most that the catalog gives at once.
const PAGE: u32 = 100;

/// `GET /sitemap.xml`
pub(crate) async fn index(State(app): State<App>) -> Response {
    let tree = app.menu.tree().await;
    let chunks = sitemap::chunks(&tree);
    let paths =
        std::iter::once("/sitemaps/pages.xml".to_owned()).chain(chunks.iter().map(Chunk::path));
    xml(Body::from(sitemap::index(&app.origin, paths)))
}

/// `GET /sitemaps/pages.xml`: the home page, the departments, every category.
pub(crate) async fn pages(State(app): State<App>) -> Response {
    let tree = app.menu.tree().await;
    let mut text = String::from(sitemap::OPEN);
    let mut add = |href: &dyn Fn(Language) -> String| {
        sitemap::entries(
            &mut text,
            &app.origin,
            &Language::ALL.map(|language| (language, href(language))),
        );
    };
    add(&|language| format!("/{}/", language.code()));
    add(&|language| format!("/{}/c/", language.code()));
    for node in tree.nodes().filter(|node| node.product_count > 0) {
        add(&|language| node.href(language));
    }
    text.push_str(sitemap::CLOSE);
    xml(Body::from(text))
}

/// `GET /sitemaps/{*chunk}`: the products of a category.
pub(crate) async fn products(
    State(app): State<App>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    match walk(&app, &path).await {
        Ok(body) => xml(body),
        Err(error) => {
            let (mut parts, _) = request.into_parts();
            let language = wanted(&parts.headers, app.default_language);
            // Errors are for people: in their language, like all other pages.
            parts.uri = format!("/{}/", language.code()).parse().unwrap_or_default();
            match Visit::from_request_parts(&mut parts, &app).await {
                Ok(visit) => visit.answer(Err(error)),
                Err(response) => response,
            }
        }
    }
}

async fn walk(app: &App, path: &str) -> Result<Body, PageError> {
    let chunk = Chunk::from_path(path).ok_or(PageError::NotFound)?;
    let tree = app.menu.tree().await;
    if tree.is_empty() {
        return Err(PageError::NoCategories);
    }
    tree.by_key(&chunk.category).ok_or(PageError::NotFound)?;
    let walk = Walk {
        app: app.clone(),
        chunk: Arc::new(chunk),
        position: Some(Position::default()),
    };
    // The first page is read before anything is said, so that a catalog that is down gives an error and not half a file.
    let (first, walk) = walk.step().await?;
    let opening = stream::iter([Ok(Bytes::from(sitemap::OPEN)), Ok(first)]);
    let rest = stream::try_unfold(Some(walk), |walk| async move {
        let Some(walk) = walk else { return Ok(None) };
        if walk.position.is_none() {
            return Ok(Some((Bytes::from(sitemap::CLOSE), None)));
        }
        let (bytes, walk) = walk.step().await.inspect_err(|error| {
            tracing::warn!(error = %kit::problem::chain(error), "a sitemap was cut short");
        })?;
        Ok::<_, CatalogError>(Some((bytes, Some(walk))))
    });
    Ok(Body::from_stream(stream::StreamExt::chain(opening, rest)))
}

struct Walk {
    app: App,
    chunk: Arc<Chunk>,
    /// `None` after the last page.
    position: Option<Position>,
}

/// A cursor for each language: their listings run in step, since the order depends on no language.
#[derive(Default)]
struct Position {
    english: Option<String>,
    french: Option<String>,
}

impl Walk {
    async fn step(self) -> Result<(Bytes, Self), CatalogError> {
        let Self {
            app,
            chunk,
            position,
        } = self;
        let Some(Position { english, french }) = position else {
            return Ok((
                Bytes::new(),
                Self {
                    app,
                    chunk,
                    position,
                },
            ));
        };
        let (english, french) = try_join!(
            page(&app, &chunk, Language::En, english.as_deref()),
            page(&app, &chunk, Language::Fr, french.as_deref()),
        )?;
        let mut french_slugs: HashMap<String, ProductSummary> = french
            .items
            .into_iter()
            .map(|product| (product.id.clone(), product))
            .collect();
        let mut text = String::new();
        for product in english.items {
            if chunk.is_own_only && product.category.as_deref() != Some(&chunk.category) {
                continue;
            }
            let mut paths = vec![(Language::En, product_href(&product.slug, Language::En))];
            if let Some(french) = french_slugs.remove(&product.id) {
                paths.push((Language::Fr, product_href(&french.slug, Language::Fr)));
            }
            sitemap::entries(&mut text, &app.origin, &paths);
        }
        let position = match (english.next_cursor, french.next_cursor) {
            (Some(english), Some(french)) => Some(Position {
                english: Some(english),
                french: Some(french),
            }),
            _ => None,
        };
        Ok((
            Bytes::from(text),
            Self {
                app,
                chunk,
                position,
            },
        ))
    }
}

async fn page(
    app: &App,
    chunk: &Chunk,
    language: Language,
    cursor: Option<&str>,
) -> Result<Listing, CatalogError> {
    let shelf = Shelf {
        category: Some(&chunk.category),
        sort: Some("newest"),
        limit: PAGE,
        cursor,
    };
    app.catalog
        .products(&shelf.query(language, app.currency))
        .await
}

fn xml(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/xml; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}
