//! Finding an order without an account: by its number and e-mail, or among those that this browser placed. Also the way to withdraw from
//! one, which every page leads to.

use crate::{
    assets,
    clients::orders::Order,
    date::format_date,
    drawing,
    form::{Field, Form, Mistakes, is_email},
    form_page::Summary,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, Shopper, is_absent},
    shell::Shell,
};
use askama::Template;
use axum::response::Response;
use futures::future::join_all;
use http::StatusCode;

#[derive(Template)]
#[template(path = "track.html", whitespace = "minimize")]
struct TrackPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    title: &'static str,
    text: &'static str,
    notice: Option<&'static str>,
    login_href: Option<String>,
    mistakes: Option<Summary>,
    fields: Vec<Field>,
    next: &'static str,
    recent: Vec<Recent>,
}

struct Recent {
    href: String,
    name: String,
    date: String,
    status: &'static str,
}

/// What an order is looked for for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Track,
    Withdraw,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Track => "",
            Self::Withdraw => "withdrawal",
        }
    }

    /// The way to an order for this purpose.
    fn path(self, id: &str) -> String {
        match self {
            Self::Track => format!("orders/{id}"),
            Self::Withdraw => format!("orders/{id}/withdrawal"),
        }
    }
}

/// `GET /{language}/orders/track`
pub(crate) async fn show_tracking(shopper: Shopper) -> Response {
    show(shopper, Purpose::Track).await
}

/// `GET /{language}/withdrawal`
pub(crate) async fn show_withdrawal(shopper: Shopper) -> Response {
    show(shopper, Purpose::Withdraw).await
}

async fn show(mut shopper: Shopper, purpose: Purpose) -> Response {
    if shopper.app.orders.is_none() {
        return shopper.fail(&PageError::NotFound);
    }
    let not_yours = shopper.visit.query().contains("problem=not-yours");
    let notice = not_yours.then_some(shopper.messages().order.not_yours);
    let page = page(
        &mut shopper,
        purpose,
        &Form::default(),
        &Mistakes::default(),
        notice,
    )
    .await;
    shopper.page(&page)
}

/// `POST /{language}/orders/track`
pub(crate) async fn track_order(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let t = shopper.messages();
    let purpose = if form.text("next") == Purpose::Withdraw.name() && form.filled("next").is_some()
    {
        Purpose::Withdraw
    } else {
        Purpose::Track
    };
    let Some(orders) = shopper.app.orders.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let (number, email) = (form.text("number"), form.text("email"));
    let mut mistakes = Mistakes::default();
    mistakes.require(
        (1..=40).contains(&number.len()),
        "number",
        t.order.track_number_missing,
    );
    mistakes.require(is_email(email), "email", t.checkout.email_wrong);
    if mistakes.is_empty() {
        let who = crate::clients::neighbor::Who::anyone().from(&shopper.headers);
        match orders.look_up(&who, number, email).await {
            Ok(found) => {
                shopper.keep_order(&found.order_id, &found.access_token);
                let href = shopper.path(&purpose.path(&found.order_id));
                return shopper.see(&href);
            }
            Err(error) if error.status() == Some(StatusCode::TOO_MANY_REQUESTS) => {
                mistakes.add("number", t.order.track_too_often);
            }
            Err(error) if is_absent(&error) || error.status() == Some(StatusCode::BAD_REQUEST) => {
                mistakes.add("number", t.order.track_not_found);
            }
            Err(error) => return shopper.fail(&PageError::Closed(error)),
        }
    }
    let page = page(&mut shopper, purpose, &form, &mistakes, None).await;
    shopper.wrong(&page)
}

async fn page(
    shopper: &mut Shopper,
    purpose: Purpose,
    form: &Form,
    mistakes: &Mistakes,
    notice: Option<&'static str>,
) -> TrackPage {
    let t = shopper.messages();
    let (title, text) = match purpose {
        Purpose::Track => (t.order.track_title, t.order.track_text),
        Purpose::Withdraw => (t.order.withdraw_title, t.order.withdraw_text),
    };
    TrackPage {
        t,
        shell: shopper.shell(title, text),
        token: shopper.form_token(),
        title,
        text,
        notice,
        login_href: shopper.login_href_for_order(),
        mistakes: Summary::new(shopper, mistakes),
        fields: vec![
            Field::new("number", t.order.track_number, "text")
                .at_most(40)
                .hinted(t.order.track_number_hint)
                .filled_by("off", "text")
                .with(form.text("number"))
                .judged(mistakes),
            Field::new("email", t.order.track_email, "email")
                .at_most(254)
                .filled_by("email", "email")
                .with(form.text("email"))
                .judged(mistakes),
        ],
        next: purpose.name(),
        recent: recent(shopper, purpose).await,
    }
}

impl Shopper {
    /// The way to an order that belongs to an account, if that is what was asked for.
    fn login_href_for_order(&self) -> Option<String> {
        let order = uuid::Uuid::try_parse(&self.asked("order")).ok()?;
        self.app
            .users
            .is_some()
            .then(|| self.path(&format!("account/login?next=orders/{order}")))
    }
}

/// The orders that the browser or the account can open. None when they can't be read: the form is there all the same.
async fn recent(shopper: &mut Shopper, purpose: Purpose) -> Vec<Recent> {
    let (t, language) = (shopper.messages(), shopper.language());
    let Some(orders) = shopper.app.orders.clone() else {
        return Vec::new();
    };
    let entry = |id: &str, number: &str, status: &str, placed_at| Recent {
        href: shopper.path(&purpose.path(id)),
        name: (t.order.title)(number),
        date: format_date(placed_at, language),
        status: (t.order.status)(status),
    };
    let reads = shopper.kept_orders().map(|(id, token)| {
        let orders = &orders;
        async move {
            let who = crate::clients::neighbor::Who::of_order(token);
            orders.read(id, &who).await.ok()
        }
    });
    let mut found: Vec<Recent> = join_all(reads)
        .await
        .into_iter()
        .flatten()
        .map(|order: Order| entry(&order.id, &order.number, &order.status, order.placed_at))
        .collect();
    if let Ok(access) = shopper.access().await
        && let Some(who) = access.person()
        && let Ok(own) = orders.mine(who, None).await
    {
        for order in own.items {
            let href = shopper.path(&purpose.path(&order.id));
            if found.iter().all(|known| known.href != href) {
                found.push(Recent {
                    href,
                    name: (t.order.title)(&order.number),
                    date: format_date(order.placed_at, language),
                    status: (t.order.status)(&order.status),
                });
            }
        }
    }
    found
}
