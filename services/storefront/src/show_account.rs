//! The account: orders, addresses, settings. Each part stands alone: one that is away says so and leaves the others.

use crate::{
    assets,
    clients::{neighbor::Who, orders::OrderSummary, users::Person},
    date::{format_date, format_instant},
    device, drawing,
    form::Form,
    language::Language,
    messages::Messages,
    money::format_money,
    page_error::PageError,
    read_shopper::Shopper,
    shell::Shell,
    show_checkout::Detour,
};
use askama::Template;
use axum::response::Response;

/// How many orders the overview shows.
const RECENT: usize = 3;

#[derive(Template)]
#[template(path = "account.html", whitespace = "minimize")]
struct AccountPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    title: String,
    said: Option<&'static str>,
    email: String,
    has_totp: bool,
    /// `None` when they can't be read now.
    orders: Option<Vec<OrderRow>>,
    addresses: Option<Vec<AddressCard>>,
    sessions: Option<Vec<String>>,
    base: String,
}

#[derive(Template)]
#[template(path = "account_orders.html", whitespace = "minimize")]
struct OrdersPage {
    t: &'static Messages,
    shell: Shell,
    orders: Vec<OrderRow>,
    older_href: Option<String>,
    base: String,
}

/// An order in a list.
pub(crate) struct OrderRow {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) date: String,
    pub(crate) status: &'static str,
    pub(crate) total: String,
}

/// An address that is kept.
pub(crate) struct AddressCard {
    pub(crate) id: String,
    pub(crate) lines: Vec<String>,
}

impl Shopper {
    /// Who is logged in, or the way there.
    pub(crate) async fn person_or_login(&mut self) -> Result<(Who, Person), Detour> {
        if self.app.users.is_none() {
            return Err(Detour::See(self.path("")));
        }
        match self.person().await? {
            Some(found) => Ok(found),
            None => Err(Detour::See(self.path("account/login"))),
        }
    }
}

/// `GET /{language}/account`
pub(crate) async fn show_account(mut shopper: Shopper) -> Response {
    let (who, person) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let (orders, addresses, sessions) = futures::join!(
        async {
            match &shopper.app.orders {
                Some(orders) => orders.mine(&who, None).await.map(|page| page.items).ok(),
                None => Some(Vec::new()),
            }
        },
        async {
            match &shopper.app.users {
                Some(users) => users.addresses(&who).await.ok(),
                None => None,
            }
        },
        async {
            match &shopper.app.users {
                Some(users) => users.sessions(&who).await.ok(),
                None => None,
            }
        },
    );
    let query = Form::parse(shopper.visit.query().as_bytes());
    let said = match query.text("done") {
        "saved" => Some(t.account.saved),
        "removed" => Some(t.account.removed),
        "password" => Some(t.account.password_changed),
        "totp-removed" => Some(t.security.totp_removed),
        _ => None,
    };
    let page = AccountPage {
        t,
        shell: shopper.shell(t.account.title, t.account.description),
        token: shopper.form_token(),
        title: (t.account.hello)(&person.name),
        said,
        email: (t.account.email_fixed)(&person.email),
        has_totp: person.has_totp,
        orders: orders.map(|orders| {
            orders
                .into_iter()
                .take(RECENT)
                .map(|order| row(&shopper, &order, language))
                .collect()
        }),
        addresses: addresses.map(|addresses| {
            addresses
                .into_iter()
                .map(|saved| AddressCard {
                    lines: saved.address.lines(language),
                    id: saved.id,
                })
                .collect()
        }),
        sessions: sessions.map(|sessions| {
            sessions
                .into_iter()
                .map(|session| {
                    let device = device::name(session.device.as_deref().unwrap_or("?"));
                    let since = (t.account.session_since)(&format_date(session.began_at, language));
                    let used =
                        (t.account.session_used)(&format_instant(session.last_used_at, language));
                    format!("{device}, {since}, {used}")
                })
                .collect()
        }),
        base: shopper.path("account"),
    };
    shopper.page(&page)
}

fn row(shopper: &Shopper, order: &OrderSummary, language: Language) -> OrderRow {
    let t = shopper.messages().order;
    OrderRow {
        href: shopper.path(&format!("orders/{}", order.id)),
        name: (t.title)(&order.number),
        date: format_date(order.placed_at, language),
        status: (t.status)(&order.status),
        total: format_money(order.total, language),
    }
}

/// `GET /{language}/account/orders?cursor=`
pub(crate) async fn show_orders(mut shopper: Shopper) -> Response {
    let (who, _) = match shopper.person_or_login().await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(orders) = shopper.app.orders.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let query = Form::parse(shopper.visit.query().as_bytes());
    let (t, language) = (shopper.messages(), shopper.language());
    let found = match orders.mine(&who, query.filled("cursor")).await {
        Ok(found) => found,
        Err(error)
            if error
                .status()
                .is_some_and(|status| status.is_client_error()) =>
        {
            return shopper.fail(&PageError::Refused);
        }
        Err(error) => return shopper.fail(&PageError::Closed(error)),
    };
    let page = OrdersPage {
        t,
        shell: shopper.shell(t.account.orders, t.account.description),
        orders: found
            .items
            .iter()
            .map(|order| row(&shopper, order, language))
            .collect(),
        older_href: found.next_cursor.map(|cursor| {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("cursor", &cursor)
                .finish();
            shopper.path(&format!("account/orders?{query}"))
        }),
        base: shopper.path("account"),
    };
    shopper.page(&page)
}
