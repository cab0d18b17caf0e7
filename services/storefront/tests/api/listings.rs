//! Filters, orders, pages and suggestions.

use crate::{
    html::{all_between, between, unescape},
    world::TestShop,
};

#[tokio::test]
async fn a_filter_can_be_taken_off_again() {
    let shop = TestShop::new().await;
    let html = shop
        .get("/en/c/grocery/tea?brand=Leaf+%26+Co&price_max=5&sort=price")
        .await
        .text()
        .to_owned();
    assert!(html.contains("2 products"), "the brand has two");
    let pills: Vec<String> = all_between(&html, "<a class=\"pill\" href=\"", "\"")
        .into_iter()
        .map(unescape)
        .collect();
    assert_eq!(
        pills,
        [
            "/en/c/grocery/tea?price_max=5.00&sort=price",
            "/en/c/grocery/tea?brand=Leaf+%26+Co&sort=price"
        ]
    );
    let form = between(
        &html,
        "<form action=\"/en/c/grocery/tea\" method=\"get\">",
        "</form>",
    )
    .expect("the filters");
    assert!(
        form.contains("name=\"sort\" value=\"price\""),
        "the order is kept"
    );
    assert!(
        form.contains("value=\"Leaf &#38; Co\" checked"),
        "the choice is shown: {form}"
    );
    assert!(
        !html.contains("rel=\"canonical\""),
        "a filtered listing is no page of its own"
    );
}

#[tokio::test]
async fn pages_follow_each_other() {
    let shop = TestShop::new().await;
    let first = shop.get("/en/c/grocery/tea").await.text().to_owned();
    assert!(first.contains("1 to 24 of 40"));
    let next = unescape(between(&first, "rel=\"next\" href=\"", "\"").expect("a next page"));
    let second = shop.get(&next).await.text().to_owned();
    assert!(second.contains("25 to 40 of 40"), "{next}");
    assert!(!second.contains("rel=\"next\"") && second.contains("Back to the first page"));
}

#[tokio::test]
async fn a_search_says_what_it_searched_for() {
    let shop = TestShop::new().await;
    let html = shop.get("/en/search?q=teh").await.text().to_owned();
    let corrected = between(&html, "<p class=\"corrected\">", "</p>").expect("a correction");
    assert!(
        corrected.contains("/en/search?q=tea") && corrected.contains("“teh”"),
        "{corrected}"
    );

    let nothing = shop.get("/fr/search?q=xyzzy").await.text().to_owned();
    assert!(nothing.contains("Nous n’avons rien trouvé pour «\u{a0}xyzzy\u{a0}»"));
    assert!(
        nothing.contains("/fr/search?q=tea+%26+%3Cbiscuits%3E"),
        "other words are offered"
    );
    assert!(nothing.contains("/fr/c/epicerie"), "so are the departments");
}

#[tokio::test]
async fn suggestions_are_options_of_a_list() {
    let shop = TestShop::new().await;
    let html = shop.get("/en/suggestions?q=te").await.text().to_owned();
    assert_eq!(
        all_between(&html, "<li role=\"option\"", "</li>").len(),
        4,
        "{html}"
    );
    assert!(
        html.contains("data-href=\"/en/c/grocery/tea\"")
            && html.contains("data-href=\"/en/p/green-tea-1\"")
    );
    assert!(!html.contains("<biscuits>"));
    assert!(shop.get("/en/suggestions?q=").await.text().is_empty());
}

#[tokio::test]
async fn a_card_says_all_there_is_to_know() {
    let shop = TestShop::new().await;
    let html = shop.get("/fr/c/epicerie").await.text().to_owned();
    let card = between(&html, "<li class=\"card\">", "</li>").expect("a card");
    insta::assert_snapshot!(card.split_once("<div class=\"card-text\">").expect("its text").1.trim(), @r#"
    <p class="card-brand">Leaf &#38; Co</p>
    <h3 class="card-name"><a href="/fr/p/the-vert-1">Thé vert</a></h3>
    <p class="price is-reduced"><span class="price-from">Dès</span> <span class="price-now">3,49 €</span> <span class="quiet">au lieu de </span><s class="price-was">4,99 €</s></p>
    <p class="card-variants">2 choix possibles</p>
    </div>
    "#);
}
