//! The addresses of an account.

use crate::{
    address::{Address, Use},
    form::Mistakes,
    form_page::{FormPage, Summary},
    page_error::PageError,
    read_shopper::{Posted, Shopper, is_absent},
};
use axum::{extract::Path, response::Response};

/// `GET /{language}/account/addresses/{id}`; `new` for one that is added.
pub(crate) async fn show_address(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let address = if id == "new" {
        Address {
            name: person.name,
            country: shopper.app.default_country().to_owned(),
            ..Address::default()
        }
    } else {
        let addresses = match &shopper.app.users {
            Some(users) => users.addresses(&who).await,
            None => Ok(Vec::new()),
        };
        match addresses {
            Ok(addresses) => match addresses.into_iter().find(|saved| saved.id == id) {
                Some(saved) => saved.address,
                None => return shopper.fail(&PageError::NotFound),
            },
            Err(error) => return shopper.fail(&PageError::Closed(error)),
        }
    };
    let page = page(&mut shopper, &id, &address, &Mistakes::default());
    shopper.page(&page)
}

fn page(shopper: &mut Shopper, id: &str, address: &Address, mistakes: &Mistakes) -> FormPage {
    let t = shopper.messages().account;
    let title = if id == "new" {
        t.add_address
    } else {
        t.edit_address
    };
    let action = format!("account/addresses/{}", crate::card::path_segment(id));
    let mut page = shopper.form_page(title, "", &action, t.save);
    page.fields = address.fields(Use::Delivery, shopper.language(), mistakes);
    page.mistakes = Summary::new(shopper, mistakes);
    page.links = vec![(t.menu, shopper.path("account"))];
    page
}

/// `POST /{language}/account/addresses/{id}`
pub(crate) async fn keep_address(
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { mut shopper, form } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let mut mistakes = Mistakes::default();
    let address = Address::typed(&form, Use::Delivery, shopper.language(), &mut mistakes);
    if mistakes.is_empty() {
        let kept = if id == "new" {
            users.add_address(&who, &address).await
        } else {
            users.put_address(&who, &id, &address).await
        };
        match kept {
            Ok(()) => {
                let href = shopper.path("account?done=saved");
                return shopper.see(&href);
            }
            Err(error) if is_absent(&error) => return shopper.fail(&PageError::NotFound),
            Err(error)
                if error
                    .status()
                    .is_some_and(|status| status.is_client_error()) =>
            {
                mistakes.add("name", shopper.messages().account.refused);
            }
            Err(error) => return shopper.fail(&PageError::Closed(error)),
        }
    }
    let page = page(&mut shopper, &id, &address, &mistakes);
    shopper.wrong(&page)
}

/// `POST /{language}/account/addresses/{id}/remove`
pub(crate) async fn remove_address(
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { mut shopper, .. } = posted;
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(users) = shopper.app.users.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    match users.remove_address(&who, &id).await {
        Err(error) if !is_absent(&error) => shopper.fail(&PageError::Closed(error)),
        _ => {
            let href = shopper.path("account?done=removed");
            shopper.see(&href)
        }
    }
}
