//! The checkout: three steps on one page, the done ones folded to a summary, the whole total before anything is paid.

use crate::{
    address::{Address, Use},
    assets,
    basket::{Line, Sums, cart_lines, sums},
    clients::{
        neighbor::{Who, problem_kind},
        orders::{Orders, Quote, ShippingMethod},
        users::Person,
    },
    draft::Draft,
    drawing,
    form::{Field, Mistakes},
    form_page::{Notice, Summary},
    jar::Cookie,
    messages::Messages,
    money::format_money,
    page_error::PageError,
    read_cart::Held,
    read_shopper::{Shopper, policy_with},
    review_order::{PROVIDERS, Review, review},
    shell::Shell,
};
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use kit::{client::ClientError, money::Money};

/// A step of the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Address,
    Delivery,
    Review,
}

#[derive(Template)]
#[template(path = "checkout.html", whitespace = "minimize")]
pub(crate) struct CheckoutPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    step: Step,
    notice: Option<Notice>,
    lines: Vec<Line>,
    subtotal: String,
    coupon: Option<String>,
    sums: Option<Sums>,
    is_guest: bool,
    login_href: String,

    mistakes: Option<Summary>,
    contact: Vec<Field>,
    fields: Vec<Field>,
    billing_fields: Vec<Field>,
    billing_differs: bool,
    saved: Vec<Saved>,

    email: String,
    address: Vec<String>,
    billing: Vec<String>,
    method: String,
    methods: Vec<MethodChoice>,
    method_error: Option<&'static str>,

    review: Option<Review>,
}

struct Saved {
    id: String,
    lines: Vec<String>,
}

struct MethodChoice {
    id: String,
    name: String,
    days: String,
    price: String,
    is_chosen: bool,
}

/// Where a checkout leads instead of its page.
pub(crate) enum Detour {
    /// Another page.
    See(String),
    /// A service is away.
    Closed(ClientError),
}

impl From<ClientError> for Detour {
    fn from(error: ClientError) -> Self {
        Self::Closed(error)
    }
}

impl Shopper {
    /// What was filled in so far.
    pub(crate) fn draft(&self) -> Draft {
        self.jar
            .get(Cookie::Draft)
            .map(Draft::decode)
            .unwrap_or_default()
    }

    /// Keeps what was filled in; `false` when it is too long to be kept.
    pub(crate) fn keep_draft(&mut self, draft: &Draft) -> bool {
        let encoded = draft.encode();
        if let Some(value) = &encoded {
            self.jar.set(Cookie::Draft, value);
        }
        encoded.is_some()
    }

    /// Leaves the checkout.
    pub(crate) fn detour(self, detour: Detour) -> Response {
        match detour {
            Detour::See(href) => self.see(&href),
            Detour::Closed(error) => self.fail(&PageError::Closed(error)),
        }
    }

    /// The way to a step.
    pub(crate) fn checkout_href(&self, rest: &str) -> String {
        self.path(&format!("checkout{rest}"))
    }

    /// A cart that can be ordered, and the service that orders it.
    pub(crate) async fn cart_and_orders(&mut self) -> Result<(Held, Orders), Detour> {
        let empty = || Detour::See(String::new());
        let orders = self.app.orders.clone().ok_or_else(empty)?;
        match self.cart().await? {
            Some(held) if !held.cart.lines.is_empty() => Ok((held, orders)),
            _ => Err(Detour::See(self.path("cart"))),
        }
    }

    /// Who is logged in, where the page can do without.
    pub(crate) async fn person_if_reachable(&mut self) -> Option<(Who, Person)> {
        if !self.seems_known() {
            return None;
        }
        self.person().await.unwrap_or_else(|error| {
            tracing::warn!(error = %kit::problem::chain(&error), "nobody is greeted");
            None
        })
    }
}

/// `GET /{language}/checkout?step=`
pub(crate) async fn show_checkout(mut shopper: Shopper) -> Response {
    if shopper.app.orders.is_none() || !shopper.app.sells() {
        return shopper.fail(&PageError::NotFound);
    }
    match page(&mut shopper, None).await {
        Ok(page) => answer(shopper, StatusCode::OK, &page),
        Err(detour) => shopper.detour(detour),
    }
}

pub(crate) fn answer(shopper: Shopper, status: StatusCode, page: &CheckoutPage) -> Response {
    let policy = (page.step == Step::Review).then(|| policy_with(&PROVIDERS));
    shopper.page_with(status, page, policy.as_deref())
}

/// A form that was sent with mistakes, to be shown again as it was typed.
pub(crate) struct Typed {
    pub(crate) step: Step,
    pub(crate) draft: Draft,
    pub(crate) mistakes: Mistakes,
}

/// The checkout at the step that is asked for, or at the first that is not done.
pub(crate) async fn page(
    shopper: &mut Shopper,
    typed: Option<Typed>,
) -> Result<CheckoutPage, Detour> {
    let (held, orders) = shopper.cart_and_orders().await?;
    let (t, language, currency) = (
        shopper.messages(),
        shopper.language(),
        held.cart.subtotal.currency,
    );
    let person = shopper.person_if_reachable().await;
    let stored = shopper.draft();
    let step = match &typed {
        Some(typed) => typed.step,
        None => step(shopper, &stored),
    };
    let (draft, mistakes) = match typed {
        Some(typed) => (typed.draft, typed.mistakes),
        None => (stored, Mistakes::default()),
    };
    let saved = match (step, &person, &shopper.app.users) {
        (Step::Address, Some((who, _)), Some(users)) => {
            users.addresses(who).await.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let shipping = draft.shipping.clone().unwrap_or_else(|| Address {
        name: person
            .as_ref()
            .map(|(_, person)| person.name.clone())
            .unwrap_or_default(),
        country: shopper.app.default_country().to_owned(),
        ..Address::default()
    });
    let methods = match step {
        Step::Address => Vec::new(),
        _ => orders.shipping_methods(&shipping.country, currency).await?,
    };
    let chosen = draft
        .method
        .clone()
        .filter(|chosen| methods.iter().any(|method| method.id == *chosen));
    if step == Step::Review && chosen.is_none() {
        return Err(Detour::See(shopper.checkout_href("?step=delivery")));
    }
    let quote = match (step, &chosen) {
        (Step::Review, Some(method)) => {
            Some(quote(shopper, &orders, &held, &shipping.country, method).await?)
        }
        _ => None,
    };
    let (notice, review) = match &quote {
        Some(quote) => review(shopper, quote, &shipping.country).await,
        None => (None, None),
    };
    let stock = shopper
        .stock(held.cart.lines.iter().map(|line| line.sku.as_str()))
        .await;
    let email = person
        .as_ref()
        .map_or_else(|| draft.email.clone(), |(_, person)| person.email.clone());
    let method_error = mistakes.of("method").map(|_| t.checkout.method_missing);
    let contact = if person.is_some() {
        Vec::new()
    } else {
        vec![
            Field::new("email", t.checkout.email, "email")
                .filled_by("email", "email")
                .at_most(254)
                .hinted(t.checkout.email_hint)
                .with(draft.email.as_str())
                .judged(&mistakes),
        ]
    };
    let billing_address = draft.billing.clone().unwrap_or_else(|| Address {
        country: shipping.country.clone(),
        ..Address::default()
    });
    let mut shell = shopper.shell(t.checkout.title, t.checkout.description);
    shell.is_checkout = true;
    Ok(CheckoutPage {
        t,
        token: shopper.form_token(),
        step,
        lines: cart_lines(&held.cart, &stock, &[], language),
        subtotal: format_money(held.cart.subtotal, language),
        coupon: held.cart.coupon.as_deref().map(t.cart.coupon_kept),
        sums: quote.as_ref().map(|quote| sums(&quote.totals, language)),
        is_guest: person.is_none(),
        login_href: shopper.path("account/login?next=checkout"),
        mistakes: Summary::new(shopper, &mistakes),
        contact,
        fields: shipping.fields(Use::Delivery, language, &mistakes),
        billing_fields: billing_address.fields(Use::Billing, language, &mistakes),
        billing_differs: draft.billing.is_some(),
        saved: saved
            .into_iter()
            .map(|saved| Saved {
                lines: saved.address.lines(language),
                id: saved.id,
            })
            .collect(),
        email,
        address: shipping.lines(language),
        billing: draft
            .billing
            .as_ref()
            .map(|billing| billing.lines(language))
            .unwrap_or_default(),
        method: methods
            .iter()
            .find(|method| Some(&method.id) == chosen.as_ref())
            .map(|method| method.name.text(language).to_owned())
            .unwrap_or_default(),
        methods: choices(shopper, &methods, chosen.as_deref(), held.cart.subtotal),
        method_error,
        notice,
        review,
        shell,
    })
}

fn step(shopper: &Shopper, draft: &Draft) -> Step {
    let asked = form_urlencoded::parse(shopper.visit.query().as_bytes())
        .find(|(name, _)| name == "step")
        .map(|(_, step)| step.into_owned());
    let furthest = match (&draft.shipping, &draft.method) {
        (None, _) => Step::Address,
        (Some(_), None) => Step::Delivery,
        (Some(_), Some(_)) => Step::Review,
    };
    match asked.as_deref() {
        Some("address") => Step::Address,
        Some("delivery") => Step::Delivery.min(furthest),
        _ => furthest,
    }
}

async fn quote(
    shopper: &Shopper,
    orders: &Orders,
    held: &Held,
    country: &str,
    method: &str,
) -> Result<Quote, Detour> {
    let outcome = orders
        .quote(&held.who, &held.cart.id, country, method)
        .await;
    let quote = outcome.map_err(|error| match problem_kind(&error) {
        Some("cart-empty") => Detour::See(shopper.path("cart")),
        _ if error.status() == Some(StatusCode::BAD_REQUEST) => {
            Detour::See(shopper.checkout_href("?step=delivery"))
        }
        _ => Detour::Closed(error),
    })?;
    // Better now than after the last click.
    if quote.coupon.as_ref().is_some_and(|coupon| !coupon.usable) {
        return Err(Detour::See(shopper.path("cart?coupon=refused")));
    }
    if !quote.out_of_stock.is_empty() {
        let skus = quote.out_of_stock.iter().map(|short| short.sku.as_str());
        return Err(Detour::See(
            shopper.path(&format!("cart?{}", short_query(skus))),
        ));
    }
    Ok(quote)
}

/// The SKUs that there is not enough of, as the cart's page reads them.
pub(crate) fn short_query<'a>(skus: impl Iterator<Item = &'a str>) -> String {
    let skus: Vec<&str> = skus.collect();
    form_urlencoded::Serializer::new(String::new())
        .append_pair("short", &skus.join(","))
        .finish()
}

fn choices(
    shopper: &Shopper,
    methods: &[ShippingMethod],
    chosen: Option<&str>,
    subtotal: Money,
) -> Vec<MethodChoice> {
    let (t, language) = (shopper.messages().checkout, shopper.language());
    methods
        .iter()
        .enumerate()
        .map(|(index, method)| {
            let is_free = method.price.amount == 0
                || method
                    .free_from
                    .is_some_and(|from| subtotal.amount >= from.amount);
            MethodChoice {
                id: method.id.clone(),
                name: method.name.text(language).to_owned(),
                days: method
                    .days
                    .map(|[least, most]| (t.days)(least, most))
                    .unwrap_or_default(),
                price: if is_free {
                    t.free.to_owned()
                } else {
                    format_money(method.price, language)
                },
                is_chosen: chosen.map_or(index == 0, |chosen| chosen == method.id),
            }
        })
        .collect()
}
