//! English.

use super::{Messages, Plural, account, cart, checkout, order, security};
use crate::unit_price::Unit;

/// English.
pub static EN: Messages = Messages {
    og_locale: "en_GB",
    this_language: "English",
    other_language: "Français",
    language: "Language",
    skip_to_content: "Skip to content",
    logo_label: "Amazoff, home",
    home: "Home",
    breadcrumbs: "Breadcrumbs",
    departments: "Departments",
    all_departments: "All departments",
    department: "Department",
    close: "Close",
    search_label: "Search the shop",
    search_placeholder: "What are you looking for?",
    search_button: "Search",
    suggestions_label: "Suggestions",
    suggestions_count: "# suggestions. Use the arrow keys to choose one.",
    footer_departments: "Departments, at the end of the page",
    footer_text: "A grocer’s counter and a department store’s floors, under one awning.",
    footer_software: "This shop runs on Amazoff, free software under the Apache licence.",

    home_title: "Amazoff: groceries, home and everyday goods",
    home_description: "Groceries, household goods, beauty, flowers and more, with clear prices, by department.",
    hero_title: "Good things for the table, the home and the people in it",
    hero_text: "Everyday groceries and everything around them, with clear prices.",
    hero_text_counted: |products, departments| {
        format!(
            "{products} products in {departments} departments, from the morning’s milk to the evening’s flowers, with clear prices."
        )
    },
    hero_button: "Browse the departments",
    shop_by_department: "Shop by department",
    newest: "New on the shelves",
    reduced: "Prices just dropped",
    see_all: "See all",
    departments_description: "Every department of the shop and what is in it.",

    products: "Products",
    product_count: |count, plural| match plural {
        Plural::One => format!("{count} product"),
        Plural::Other => format!("{count} products"),
    },
    variant_count: |count| format!("{count} options"),
    price: "Price",
    price_from: "From",
    price_now: "Now",
    price_was: "instead of",
    price_unknown: "No price at the moment",

    category_description: |name| {
        format!("{name}, with clear prices. Filter by brand, size and price.")
    },
    category_description_counted: |name, count| {
        format!("{name}: {count}, with clear prices. Filter by brand, size and price.")
    },
    subcategories: "Categories in this department",
    search_title: |query| format!("Results for “{query}”"),
    search_everything: "Everything in the shop",
    search_description: "Search every department of the shop.",
    corrected: ("Showing results for ", |query| {
        format!(". Nothing matched “{query}”.")
    }),
    filters: "Filters",
    active_filters: "Active filters",
    apply_filters: "Show products",
    clear_filters: "Clear all",
    remove_filter: "Remove filter",
    more_choices: "Show more",
    products_in_choice: "products",
    category: "Category",
    brand: "Brand",
    price_min: "At least",
    price_max: "At most",
    price_at_least: |amount| format!("From {amount}"),
    price_at_most: |amount| format!("Up to {amount}"),
    sort: "Sort by",
    sort_usual: "Our selection",
    sort_relevance: "Best match",
    sort_price: "Lowest price",
    sort_price_descending: "Highest price",
    sort_name: "Name",
    sort_newest: "Newest",
    pages: "Pages",
    shown: |from, to, total| format!("{from} to {to} of {total}"),
    first_page: "Back to the first page",
    next_page: "Show more products",
    nothing_found: |query| format!("We found nothing for “{query}”"),
    nothing_here: "There is nothing here yet",
    empty_text: "Check the spelling, try a more general word, or look around in the departments.",
    empty_suggestions: "You could try:",
    filtered_out_title: "No product has all of these",
    filtered_out_text: "Remove a filter to see more products.",

    product_description: |name, category| {
        format!("{name}, in {category}. See its price, sizes and details.")
    },
    choose: |option| format!("Choose: {option}"),
    choose_variant: "Choose an option",
    show_choice: "Show this option",
    description: "Description",
    details: "Details",
    sku: "Item number",
    unit_price: |price, unit| format!("{price} / {unit}"),
    related: |category| format!("More from {category}"),
    related_without_category: "More like this",
    attribute: |key| {
        Some(match key {
            "brand_type" => "Brand type",
            "color" => "Color",
            "diet" => "Diet",
            "flavor" => "Flavor",
            "pack" => "Pack",
            "size" => "Size",
            "sold_by" => "Sold by",
            "storage" => "Storage",
            "type" => "Type",
            _ => return None,
        })
    },
    attribute_value: |key, value| {
        Some(match (key, value) {
            ("brand_type", "national") => "National brand",
            ("brand_type", "store") => "Our own brand",
            ("brand_type", "unbranded") => "No brand",
            ("diet", "decaf") => "Decaffeinated",
            ("diet", "light") => "Light",
            ("diet", "organic") => "Organic",
            ("diet", "plant-based") => "Plant-based",
            ("pack", "multipack") => "Multipack",
            ("sold_by", "weight") => "Weight",
            ("storage", "ambient") => "Room temperature",
            ("storage", "chilled") => "Chilled",
            ("storage", "frozen") => "Frozen",
            _ => return None,
        })
    },
    unit: |unit| match unit {
        Unit::Kilogram => "kg",
        Unit::Liter => "l",
        Unit::Ounce => "oz",
        Unit::Piece => "piece",
    },

    unavailable_title: "The shelves are out of reach for a moment",
    unavailable_text: "We can’t show these products right now. They should be back very soon.",
    retry: "Try again",
    back_home: "Go to the home page",
    not_found_title: "This page isn’t on our shelves",
    not_found_text: "It may have moved, or the product may no longer be sold. Search for it above, or look around in the departments.",
    bad_request_title: "We couldn’t read that address",
    bad_request_text: "Something in it doesn’t look right: a filter, a price or a page. Search above, or start again from the home page.",
    failed_title: "Something went wrong on our side",
    failed_text: "It isn’t your fault, and we have been told. Please try again in a moment.",

    cart: &cart::EN,
    checkout: &checkout::EN,
    order: &order::EN,
    account: &account::EN,
    security: &security::EN,
};
