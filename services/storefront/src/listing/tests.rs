use super::*;

fn listing(query: &str) -> Listing {
    let query = ListingQuery::parse(query, Currency::EUR).expect("a query");
    let answer = serde_json::from_value(serde_json::json!({
        "items": [], "next_cursor": "next", "total": 50, "corrected_query": null,
        "facets": {
            "brands": [{ "value": "A", "count": 3 }],
            "attributes": { "size": [{ "value": "1 gal", "count": 2 }], "shelf_life": [] },
            "price": { "min": { "amount": 99, "currency": "EUR" }, "max": { "amount": 1250, "currency": "EUR" } },
        },
    }));
    let place = Place {
        path: "/fr/search",
        tree: &CategoryTree::default(),
        language: Language::Fr,
        currency: Currency::EUR,
    };
    Listing::new(answer.expect("a listing"), &query, place)
}

#[test]
fn each_pill_takes_off_one_filter_and_goes_to_the_first_page() {
    let listing = listing("q=lait&brand=A&brand=B&price_max=3&cursor=abc&page=2");
    let pills: Vec<(&str, &str)> = listing
        .pills
        .iter()
        .map(|pill| (pill.label.as_str(), pill.href.as_str()))
        .collect();
    assert_eq!(
        pills,
        [
            ("A", "/fr/search?q=lait&brand=B&price_max=3%2C00"),
            ("B", "/fr/search?q=lait&brand=A&price_max=3%2C00"),
            ("Jusqu’à 3,00\u{a0}€", "/fr/search?q=lait&brand=A&brand=B"),
        ]
    );
    assert_eq!(listing.clear_href, "/fr/search?q=lait");
    assert_eq!(
        listing.next_href.as_deref(),
        Some("/fr/search?q=lait&brand=A&brand=B&price_max=3%2C00&cursor=next&page=3")
    );
}

#[test]
fn a_chosen_value_without_products_stays_in_the_form() {
    let listing = listing("brand=Gone&attribute.size=1+gal");
    let brands: Vec<(&str, bool)> = listing.facets[0]
        .choices
        .iter()
        .map(|choice| (choice.value.as_str(), choice.is_chosen))
        .collect();
    assert_eq!(brands, [("Gone", true), ("A", false)]);
    assert_eq!(
        listing.facets.len(),
        2,
        "an attribute without values is no filter"
    );
    assert!(listing.facets[1].choices[0].is_chosen);
}

#[test]
fn shown_never_runs_past_the_total() {
    for (count, page, total, here, so_far) in [
        (24, 1, 50, "1 to 24 of 50", "1 to 24 of 50"),
        (2, 3, 50, "49 to 50 of 50", "1 to 50 of 50"),
        (24, 99_999, 50, "50 to 50 of 50", "1 to 50 of 50"),
        (0, 1, 0, "0 to 0 of 0", "0 to 0 of 0"),
    ] {
        let (shown, shown_so_far) = shown(count, page, total, Language::En);
        assert_eq!((shown.as_str(), shown_so_far.as_str()), (here, so_far));
    }
}

#[test]
fn unknown_attributes_read_like_words() {
    for (key, label) in [
        ("size", "Format"),
        ("shelf_life", "Shelf life"),
        ("", ""),
        ("éco-score", "Éco score"),
    ] {
        assert_eq!(attribute_label(key, Language::Fr), label, "{key}");
    }
}
