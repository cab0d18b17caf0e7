//! What a shopper asked a listing for: read from the address, written into links and into the catalog's query.

use crate::{
    clients::LISTING_LIMIT,
    language::Language,
    money::{format_amount, parse_amount},
};
use form_urlencoded::Serializer;
use kit::money::Currency;

/// Filters, order and position of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListingQuery {
    /// The words searched for.
    pub words: String,
    /// A category's key (in a search; a category's own page has it in its path).
    pub category: Option<String>,
    /// Any of these brands.
    pub brands: Vec<String>,
    /// Attribute and value: any of the values of one attribute, all of the attributes.
    pub attributes: Vec<(String, String)>,
    /// Minor units.
    pub price_min: Option<i64>,
    /// Minor units.
    pub price_max: Option<i64>,
    /// The order, when it is not the usual one.
    pub sort: Option<Sort>,
    /// Where the page starts.
    pub cursor: Option<Cursor>,
}

/// An order of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Cheapest first.
    Price,
    /// Dearest first.
    PriceDescending,
    /// By name.
    Name,
    /// Newest first.
    Newest,
}

/// A later page: the catalog's cursor, and the number of the page to show beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// As the catalog gave it.
    pub token: String,
    /// 2 or more.
    pub page: u32,
}

/// Something in the address is not what this shop writes into its links and forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the query parameter {0} is malformed")]
pub struct BadQuery(pub &'static str);

const MAX_WORDS: usize = 120;
const MAX_VALUE: usize = 200;
const MAX_FILTERS: usize = 40;
const MAX_CURSOR: usize = 1000;
const MAX_PAGE: u32 = 100_000;

impl ListingQuery {
    /// Reads an address's query. Parameters of others (campaign tags and the like) are ignored.
    pub fn parse(query: &str, currency: Currency) -> Result<Self, BadQuery> {
        let mut parsed = Self::default();
        let (mut token, mut page) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "q" => parsed.words = words(value)?,
                "category" => parsed.category = Some(text(value, "category")?),
                "brand" => push_new(&mut parsed.brands, text(value, "brand")?),
                "price_min" => {
                    parsed.price_min =
                        Some(parse_amount(value, currency).ok_or(BadQuery("price_min"))?);
                }
                "price_max" => {
                    parsed.price_max =
                        Some(parse_amount(value, currency).ok_or(BadQuery("price_max"))?);
                }
                "sort" => parsed.sort = Sort::parse(value)?,
                "cursor" => token = Some(cursor_token(value)?),
                "page" => {
                    page = Some(
                        value
                            .parse()
                            .ok()
                            .filter(|page| (2..=MAX_PAGE).contains(page))
                            .ok_or(BadQuery("page"))?,
                    );
                }
                name => {
                    if let Some(key) = name.strip_prefix("attribute.") {
                        push_new(
                            &mut parsed.attributes,
                            (attribute_key(key)?, text(value, "attribute")?),
                        );
                    }
                }
            }
        }
        if parsed.brands.len() + parsed.attributes.len() > MAX_FILTERS {
            return Err(BadQuery("attribute"));
        }
        parsed.cursor = token.map(|token| Cursor {
            token,
            page: page.unwrap_or(2),
        });
        Ok(parsed)
    }

    /// The query of the catalog's listing; `category` is that of the page, if it is a category's.
    pub fn to_catalog(
        &self,
        category: Option<&str>,
        language: Language,
        currency: Currency,
    ) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("lang", language.code());
        query.append_pair("currency", currency.code());
        query.append_pair("limit", &LISTING_LIMIT.to_string());
        query.append_pair("facets", "true");
        if !self.words.is_empty() {
            query.append_pair("q", &self.words);
        }
        if let Some(category) = category.or(self.category.as_deref()) {
            query.append_pair("category", category);
        }
        for (name, value) in self.choices() {
            query.append_pair(&name, value);
        }
        for (name, amount) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            if let Some(amount) = amount {
                query.append_pair(name, &amount.to_string());
            }
        }
        if let Some(sort) = self.sort {
            query.append_pair("sort", sort.code());
        }
        if let Some(cursor) = &self.cursor {
            query.append_pair("cursor", &cursor.token);
        }
        query.finish()
    }

    /// The address of this listing at `path`.
    pub fn href(&self, path: &str, currency: Currency, language: Language) -> String {
        let mut query = Serializer::new(String::new());
        if !self.words.is_empty() {
            query.append_pair("q", &self.words);
        }
        if let Some(category) = &self.category {
            query.append_pair("category", category);
        }
        for (name, value) in self.choices() {
            query.append_pair(&name, value);
        }
        for (name, amount) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            if let Some(amount) = amount {
                query.append_pair(name, &format_amount(amount, currency, language));
            }
        }
        if let Some(sort) = self.sort {
            query.append_pair("sort", sort.code());
        }
        if let Some(cursor) = &self.cursor {
            query.append_pair("cursor", &cursor.token);
            query.append_pair("page", &cursor.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }

    /// The same listing from its first page.
    #[must_use]
    pub fn first_page(&self) -> Self {
        Self {
            cursor: None,
            ..self.clone()
        }
    }

    /// The same words, nothing filtered.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        Self {
            words: self.words.clone(),
            sort: self.sort,
            ..Self::default()
        }
    }

    /// Whether anything narrows the listing besides its words.
    pub fn is_filtered(&self) -> bool {
        self.first_page() != self.unfiltered()
    }

    /// The number of the page.
    pub fn page(&self) -> u32 {
        self.cursor.as_ref().map_or(1, |cursor| cursor.page)
    }

    /// Brands and attributes as parameters.
    fn choices(&self) -> impl Iterator<Item = (String, &str)> {
        let brands = self
            .brands
            .iter()
            .map(|brand| ("brand".to_owned(), brand.as_str()));
        let attributes = self
            .attributes
            .iter()
            .map(|(key, value)| (format!("attribute.{key}"), value.as_str()));
        brands.chain(attributes)
    }
}

impl Sort {
    /// Every order that can be asked for.
    pub const ALL: [Self; 4] = [Self::Price, Self::PriceDescending, Self::Name, Self::Newest];

    /// Its name in addresses, ours and the catalog's.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::PriceDescending => "-price",
            Self::Name => "name",
            Self::Newest => "newest",
        }
    }

    fn parse(code: &str) -> Result<Option<Self>, BadQuery> {
        match Self::ALL.into_iter().find(|sort| sort.code() == code) {
            None if code != "relevance" => Err(BadQuery("sort")),
            sort => Ok(sort),
        }
    }
}

fn words(value: &str) -> Result<String, BadQuery> {
    if value.chars().count() > MAX_WORDS {
        return Err(BadQuery("q"));
    }
    text(value, "q")
}

fn text(value: &str, name: &'static str) -> Result<String, BadQuery> {
    let is_odd = value.len() > MAX_VALUE.max(4 * MAX_WORDS) || value.chars().any(char::is_control);
    if is_odd {
        Err(BadQuery(name))
    } else {
        Ok(value.to_owned())
    }
}

fn attribute_key(key: &str) -> Result<String, BadQuery> {
    let is_key = (1..=60).contains(&key.len())
        && key
            .chars()
            .all(|character| character.is_alphanumeric() || "_- ".contains(character));
    if is_key {
        Ok(key.to_owned())
    } else {
        Err(BadQuery("attribute"))
    }
}

fn cursor_token(value: &str) -> Result<String, BadQuery> {
    let is_token = value.len() <= MAX_CURSOR
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte));
    if is_token {
        Ok(value.to_owned())
    } else {
        Err(BadQuery("cursor"))
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<ListingQuery, BadQuery> {
        ListingQuery::parse(query, Currency::EUR)
    }

    #[test]
    fn an_address_comes_back_as_it_was_read() {
        for query in [
            "",
            "q=milk",
            "q=cr%C3%A8me+fra%C3%AEche&category=grocery%2Fdairy",
            "q=milk&brand=A%26B&brand=C&attribute.size=1+gal&attribute.size=16+oz&price_min=1.50&price_max=10.00&sort=-price&cursor=abc_-&page=3",
        ] {
            let parsed = parse(query).expect("our own address");
            let href = parsed.href("/en/search", Currency::EUR, Language::En);
            assert_eq!(
                href.strip_prefix("/en/search")
                    .expect("the path")
                    .trim_start_matches('?'),
                query
            );
        }
    }

    #[test]
    fn the_catalog_is_asked_in_minor_units() {
        let parsed =
            parse("q=milk&category=a&price_min=1,5&utm_source=x&brand=&page=7").expect("a query");
        assert_eq!(
            parsed.to_catalog(Some("grocery"), Language::Fr, Currency::EUR),
            "lang=fr&currency=EUR&limit=24&facets=true&q=milk&category=grocery&price_min=150"
        );
    }

    #[test]
    fn rejects_what_no_link_of_ours_says() {
        for (query, name) in [
            ("sort=cheapest", "sort"),
            ("price_min=-1", "price_min"),
            ("price_max=lots", "price_max"),
            ("cursor=%22%3B", "cursor"),
            ("page=1", "page"),
            ("page=-7", "page"),
            ("q=%00", "q"),
            ("brand=a%0d%0ab", "brand"),
            ("attribute.$where=1", "attribute"),
            ("attribute.=1", "attribute"),
        ] {
            assert_eq!(parse(query), Err(BadQuery(name)), "{query}");
        }
        assert_eq!(parse(&format!("q={}", "x".repeat(121))), Err(BadQuery("q")));
        assert!(parse(&format!("q={}", "é".repeat(120))).is_ok());
        let many: Vec<String> = (0..41).map(|number| format!("brand={number}")).collect();
        assert_eq!(parse(&many.join("&")), Err(BadQuery("attribute")));
    }

    #[test]
    fn order_and_position_are_no_filters() {
        for (query, filtered) in [
            ("q=milk&sort=price&cursor=abc", false),
            ("", false),
            ("brand=A", true),
            ("category=a", true),
            ("price_max=3", true),
        ] {
            assert_eq!(
                parse(query).expect("a query").is_filtered(),
                filtered,
                "{query}"
            );
        }
    }
}
