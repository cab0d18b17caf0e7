//! A product: pictures, variants with their prices, what is known about it, and what stands beside it.

use crate::{
    App,
    answer_page::{Outcome, Visit, render},
    assets,
    availability::Availability,
    card::{Card, Photo, PriceTag, brand_beside, product_href},
    clients::{CatalogError, Product, Shelf, orders::Stock},
    drawing, json_ld,
    language::Language,
    messages::Messages,
    page_error::PageError,
    shell::{Crumb, Shell, crumbs},
    variant::{Detail, VariantChoice, details, in_currency, legend},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};

/// How many products of the same category stand below.
const RELATED: u32 = 6;

#[derive(Template)]
#[template(path = "product.html", whitespace = "minimize")]
struct ProductPage {
    t: &'static Messages,
    shell: Shell,
    crumbs: Vec<Crumb>,
    name: String,
    brand: Option<String>,
    photos: Vec<Photo>,
    art: String,
    tint: u32,
    pose: u32,
    price: Option<PriceTag>,
    unit_price: Option<String>,
    action: String,
    buy: Option<Buy>,
    choices_legend: String,
    choices: Vec<VariantChoice>,
    description: Vec<String>,
    details: Vec<Detail>,
    related: Vec<Card>,
    related_title: String,
    related_name: String,
    related_href: Option<String>,
}

/// What puts the chosen variant into the cart. The same for everyone, as the page is.
struct Buy {
    action: String,
    sku: String,
    availability: Option<Availability>,
    can_be_bought: bool,
}

/// `GET /{language}/p/{slug}`
pub(crate) async fn show_product(
    State(app): State<App>,
    visit: Visit,
    Path((_, slug)): Path<(String, String)>,
) -> Response {
    let outcome = product(&app, &visit, &slug).await;
    visit.answer(outcome)
}

async fn product(app: &App, visit: &Visit, slug: &str) -> Result<Outcome, PageError> {
    let language = visit.language;
    if !is_slug(slug) {
        return Err(PageError::NotFound);
    }
    let product = match app.catalog.product_by_slug(language, slug).await {
        Ok(product) => product,
        Err(CatalogError::NotFound | CatalogError::Refused) => {
            return elsewhere(app, language, slug).await;
        }
        Err(error) => return Err(error.into()),
    };
    let (related, stock) = futures::join!(related(app, &product, language), stock(app, &product));
    let (related, is_related) = related.map_or_else(
        |error| {
            tracing::warn!(error = %kit::problem::chain(&error), "a product stands alone");
            (Vec::new(), false)
        },
        |related| (related, true),
    );
    let (stock, is_counted) = stock.map_or_else(
        |error| {
            tracing::warn!(error = %kit::problem::chain(&error), "a product's stock is not shown");
            (Vec::new(), false)
        },
        |stock| (stock, true),
    );
    let is_complete = is_related && is_counted;
    let related = related
        .into_iter()
        .map(|product| Card::new(product, &visit.tree, language))
        .collect();
    let html = render(&page(app, visit, product, related, &stock))?;
    Ok(if is_complete {
        Outcome::Page(html)
    } else {
        Outcome::Partial(html)
    })
}

/// The slug may be the other language's: someone edited the address, or a link is old.
async fn elsewhere(app: &App, language: Language, slug: &str) -> Result<Outcome, PageError> {
    match app.catalog.product_by_slug(language.other(), slug).await {
        Ok(product) => Ok(Outcome::Moved(product_href(
            product.slug.text(language),
            language,
        ))),
        Err(CatalogError::Refused) => Err(PageError::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// Other products of the same category.
async fn related(
    app: &App,
    product: &Product,
    language: Language,
) -> Result<Vec<crate::clients::ProductSummary>, CatalogError> {
    let Some(category) = &product.category else {
        return Ok(Vec::new());
    };
    let shelf = Shelf {
        category: Some(category),
        sort: None,
        limit: RELATED + 1,
        cursor: None,
    };
    let mut products = app
        .catalog
        .first_products(&shelf, language, app.currency)
        .await?;
    products.retain(|other| other.key != product.key);
    products.truncate(usize::try_from(RELATED).unwrap_or(usize::MAX));
    Ok(products)
}

/// How much there is of each variant; nothing where nobody counts.
async fn stock(app: &App, product: &Product) -> Result<Vec<Stock>, kit::client::ClientError> {
    let skus: Vec<&str> = product
        .variants
        .iter()
        .map(|variant| variant.sku.as_str())
        .collect();
    match &app.orders {
        Some(orders) if !skus.is_empty() => orders.stock(&skus).await,
        _ => Ok(Vec::new()),
    }
}

fn page(
    app: &App,
    visit: &Visit,
    product: Product,
    related: Vec<Card>,
    stock: &[Stock],
) -> ProductPage {
    let (t, language, tree, currency) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
        app.currency,
    );
    let name = product.name.text(language).to_owned();
    let node = product.category.as_deref().and_then(|key| tree.by_key(key));
    let lineage = node.map(|node| tree.lineage(node)).unwrap_or_default();
    let category = node.map(|node| node.name(language));
    let href = |language| product_href(product.slug.text(language), language);
    let canonical = format!("{}{}", visit.origin, href(language));
    let description = product.description.text(language);

    let summary = match (description.is_empty(), category) {
        (false, _) => description.chars().take(160).collect(),
        (true, Some(category)) => (t.product_description)(&name, category),
        (true, None) => name.clone(),
    };
    let mut shell = visit
        .shell(href)
        .titled(&name, summary)
        .within(lineage.first().copied());
    shell.kind = "product";
    shell.image = product.images.first().map(|image| image.url.clone());
    let steps = lineage.iter().map(|node| {
        (
            node.name(language),
            format!("{}{}", visit.origin, node.href(language)),
        )
    });
    shell.json_ld.push(json_ld::breadcrumbs(
        steps.chain([(name.as_str(), canonical.clone())]),
    ));
    shell.json_ld.push(json_ld::product(&json_ld::ProductFacts {
        url: &canonical,
        name: &name,
        description,
        sku: product
            .variants
            .first()
            .map_or(product.key.as_str(), |variant| variant.sku.as_str()),
        brand: product.brand.as_deref(),
        category,
        images: product
            .images
            .iter()
            .map(|image| image.url.as_str())
            .collect(),
        prices: product
            .variants
            .iter()
            .filter_map(|variant| in_currency(&variant.prices, currency))
            .collect(),
    }));

    let asked = form_urlencoded::parse(visit.query().as_bytes())
        .find(|(name, _)| name == "variant")
        .map(|(_, sku)| sku.into_owned());
    let is_known = product
        .variants
        .iter()
        .any(|variant| asked.as_deref() == Some(&variant.sku));
    let chosen = asked
        .filter(|_| is_known)
        .or_else(|| product.variants.first().map(|variant| variant.sku.clone()));
    if is_known {
        shell.switch_href = format!("{}?{}", shell.switch_href, visit.query());
    }
    let choices: Vec<VariantChoice> = product
        .variants
        .iter()
        .map(|variant| VariantChoice::new(variant, &product, language, currency, chosen.as_deref()))
        .collect();
    let (price, unit_price) = choices
        .iter()
        .find(|choice| choice.is_chosen)
        .map(|choice| (choice.price.clone(), choice.unit_price.clone()))
        .unwrap_or_default();
    let buy = chosen
        .as_ref()
        .filter(|_| app.sells() && price.is_some())
        .map(|sku| {
            let availability = Availability::of(sku, stock, language);
            Buy {
                action: format!("/{}/cart/lines", language.code()),
                sku: sku.clone(),
                can_be_bought: availability
                    .as_ref()
                    .is_none_or(|availability| availability.can_be_bought),
                availability,
            }
        });
    ProductPage {
        t,
        buy,
        crumbs: crumbs(&lineage, language, false),
        choices_legend: legend(&product, language),
        price,
        unit_price,
        action: href(language),
        art: tree
            .illustration(product.category.as_deref().unwrap_or_default())
            .to_owned(),
        tint: drawing::tint(&product.key),
        pose: drawing::pose(&product.key),
        description: description
            .split("\n\n")
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect(),
        details: details(&product, &lineage, chosen.as_deref(), language, currency),
        related,
        related_title: category.map_or_else(
            || t.related_without_category.to_owned(),
            |category| (t.related)(category),
        ),
        related_name: category.unwrap_or_default().to_owned(),
        related_href: node.map(|node| node.href(language)),
        photos: product
            .images
            .into_iter()
            .map(|image| Photo::new(image, language))
            .collect(),
        brand: brand_beside(product.brand, &name),
        choices,
        name,
        shell,
    }
}

/// Whether a path segment can be a slug at all; `.` and `..` would change which address of the catalog is read.
fn is_slug(segment: &str) -> bool {
    segment.len() <= 300
        && segment.chars().any(|character| character != '.')
        && !segment
            .chars()
            .any(|character| character.is_control() || "/\\".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes_are_no_slugs() {
        for (segment, is) in [
            ("milk-1", true),
            ("crème-brûlée", true),
            ("..", false),
            (".", false),
            ("", false),
            ("a/../b", false),
            ("a\\b", false),
            ("a\0b", false),
        ] {
            assert_eq!(is_slug(segment), is, "{segment}");
        }
        assert!(!is_slug(&"x".repeat(301)));
    }
}
