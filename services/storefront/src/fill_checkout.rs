//! What is filled in at the checkout: who orders, where it goes, how it is sent.

use crate::{
    address::{Address, Use},
    draft::Draft,
    form::{Mistakes, is_email},
    read_shopper::{Posted, Shopper},
    show_checkout::{Detour, Step, Typed, answer, page},
};
use axum::response::Response;
use http::StatusCode;

/// `POST /{language}/checkout/address`
pub(crate) async fn fill_address(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let (t, language) = (shopper.messages().checkout, shopper.language());
    let mut mistakes = Mistakes::default();
    let person = shopper.person_if_reachable().await;
    let email = match &person {
        Some((_, person)) => person.email.clone(),
        None => form.text("email").to_owned(),
    };
    mistakes.require(is_email(&email), "email", t.email_wrong);
    let shipping = Address::typed(&form, Use::Delivery, language, &mut mistakes);
    let billing = form
        .has("billing_differs")
        .then(|| Address::typed(&form, Use::Billing, language, &mut mistakes));
    let before = shopper.draft();
    let draft = Draft {
        email,
        // Another country may be reached in other ways.
        method: before.method.filter(|_| {
            before
                .shipping
                .is_some_and(|kept| kept.country == shipping.country)
        }),
        shipping: Some(shipping),
        billing,
    };
    if mistakes.is_empty() && !shopper.keep_draft(&draft) {
        mistakes.add("line1", t.all_too_long);
    }
    if mistakes.is_empty() {
        let href = shopper.checkout_href("?step=delivery");
        return shopper.see(&href);
    }
    show_again(shopper, Step::Address, draft, mistakes).await
}

/// `POST /{language}/checkout/saved-address`: one of those that are kept in the account.
pub(crate) async fn choose_address(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let found = match (shopper.person_if_reachable().await, &shopper.app.users) {
        (Some((who, person)), Some(users)) => match users.addresses(&who).await {
            Ok(addresses) => addresses
                .into_iter()
                .find(|saved| saved.id == form.text("address"))
                .map(|saved| (person.email, saved.address)),
            Err(error) => return shopper.detour(Detour::Closed(error)),
        },
        _ => None,
    };
    let href = match found {
        Some((email, shipping)) => {
            let draft = Draft {
                email,
                shipping: Some(shipping),
                ..Draft::default()
            };
            if shopper.keep_draft(&draft) {
                shopper.checkout_href("?step=delivery")
            } else {
                shopper.checkout_href("?step=address")
            }
        }
        None => shopper.checkout_href("?step=address"),
    };
    shopper.see(&href)
}

/// `POST /{language}/checkout/delivery`
pub(crate) async fn choose_delivery(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let mut draft = shopper.draft();
    let Some(method) = form.filled("method") else {
        let mut mistakes = Mistakes::default();
        mistakes.add("method", shopper.messages().checkout.method_missing);
        return show_again(shopper, Step::Delivery, draft, mistakes).await;
    };
    draft.method = Some(method.to_owned());
    shopper.keep_draft(&draft);
    let href = shopper.checkout_href("?step=review");
    shopper.see(&href)
}

async fn show_again(
    mut shopper: Shopper,
    step: Step,
    draft: Draft,
    mistakes: Mistakes,
) -> Response {
    let typed = Typed {
        step,
        draft,
        mistakes,
    };
    match page(&mut shopper, Some(typed)).await {
        Ok(page) => answer(shopper, StatusCode::UNPROCESSABLE_ENTITY, &page),
        Err(detour) => shopper.detour(detour),
    }
}
