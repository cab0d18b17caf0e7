//! Products: what they are made of, and what makes one valid.

mod rules;

pub(crate) use rules::texts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{slug, text::LocalizedText};

/// Whether shoppers see a product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In the making: only staff see it.
    #[default]
    Draft,
    /// For sale.
    Published,
    /// No longer for sale; kept for those who bought it.
    Archived,
}

/// Something the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Product {
    /// Never changes.
    pub id: Uuid,
    /// The stable name that other systems know it by; unique.
    #[schema(example = "cj-1029743")]
    pub key: String,
    /// Grows with every change; the `ETag`.
    #[schema(minimum = 1)]
    pub revision: u64,
    /// Whether shoppers see it.
    pub status: Status,
    /// What it is called.
    pub name: LocalizedText,
    /// What there is to say about it; may be empty.
    pub description: LocalizedText,
    /// Its address on the site, unique in each language.
    pub slug: LocalizedText,
    /// The key of its category.
    #[schema(example = "grocery/dairy/milk")]
    pub category: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// Properties that shoppers filter by.
    pub attributes: BTreeMap<String, String>,
    /// In what its variants differ, such as `size`.
    pub options: Vec<String>,
    /// What can be bought; at least one.
    pub variants: Vec<Variant>,
    /// Pictures, the best first.
    pub images: Vec<Image>,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// A product as written by staff or an importer: everything that the shop does not decide itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductInput {
    /// The stable name that other systems know it by: letters, digits, `.`, `_`, `-`; at most 100.
    #[schema(example = "cj-1029743", max_length = 100)]
    pub key: String,
    /// Whether shoppers see it.
    #[serde(default)]
    pub status: Status,
    /// What it is called.
    pub name: LocalizedText,
    /// What there is to say about it.
    #[serde(default)]
    pub description: LocalizedText,
    /// Its address on the site; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<LocalizedText>,
    /// The key of a category that exists.
    #[schema(example = "grocery/dairy/milk")]
    pub category: String,
    /// Who makes it.
    #[serde(default)]
    pub brand: Option<String>,
    /// Properties that shoppers filter by.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// In what its variants differ.
    #[serde(default)]
    pub options: Vec<String>,
    /// What can be bought; at least one.
    #[schema(min_items = 1, max_items = 200)]
    pub variants: Vec<Variant>,
    /// Pictures, the best first.
    #[serde(default)]
    pub images: Vec<Image>,
}

/// One thing that can be bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Unique in the shop.
    #[schema(example = "1029743", max_length = 64)]
    pub sku: String,
    /// A value for each of the product's options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// What it costs, once a currency.
    #[schema(min_items = 1)]
    pub prices: Vec<Money>,
    /// What it cost before, shown struck through.
    #[serde(default)]
    pub compare_at: Vec<Money>,
}

/// A picture by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where it is: `https://…`, or a path on this site.
    pub url: String,
    /// What it shows, for those who don't see it.
    #[serde(default)]
    pub alt: LocalizedText,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What only the shop knows about a product that is being written.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The product's id.
    pub id: Uuid,
    /// The revision of this write.
    pub revision: u64,
    /// When it was first written.
    pub created_at: Timestamp,
    /// Now.
    pub updated_at: Timestamp,
}

impl ProductInput {
    /// The product that this input becomes.
    pub fn into_product(self, stamp: Stamp) -> Product {
        let slug = slug::of_product(&self);
        let Stamp {
            id,
            revision,
            created_at,
            updated_at,
        } = stamp;
        let Self {
            key,
            status,
            name,
            description,
            slug: _,
            category,
            brand,
            attributes,
            options,
            variants,
            images,
        } = self;
        Product {
            id,
            key,
            revision,
            status,
            name,
            description,
            slug,
            category,
            brand,
            attributes,
            options,
            variants,
            images,
            created_at,
            updated_at,
        }
    }
}

impl Product {
    /// Every name that no other product may have, as `kind:name`.
    pub fn unique_names(&self) -> Vec<String> {
        let mut names = vec![
            name_of_key(&self.key),
            format!("slug:en:{}", self.slug.en),
            format!("slug:fr:{}", self.slug.fr),
        ];
        names.extend(
            self.variants
                .iter()
                .map(|variant| format!("sku:{}", variant.sku)),
        );
        names
    }

    /// The field that holds a name of [`Product::unique_names`].
    pub fn field_of_name(&self, name: &str) -> String {
        match name.split_once(':') {
            Some(("sku", sku)) => {
                let index = self
                    .variants
                    .iter()
                    .position(|variant| variant.sku == sku)
                    .unwrap_or_default();
                format!("variants[{index}].sku")
            }
            Some(("slug", rest)) => format!("slug.{}", rest.split(':').next().unwrap_or_default()),
            _ => "key".to_owned(),
        }
    }

    /// The variant with this SKU.
    pub fn variant(&self, sku: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.sku == sku)
    }

    /// Whether shoppers see it.
    pub fn is_published(&self) -> bool {
        self.status == Status::Published
    }
}

/// The unique name of a product's key.
pub fn name_of_key(key: &str) -> String {
    format!("key:{key}")
}
