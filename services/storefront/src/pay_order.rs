//! Paying an order, as often as it takes: the order is kept while a payment is refused.

use crate::{
    assets,
    basket::{Sums, sums},
    clients::{orders::Order, payments::Action},
    date::format_hour,
    drawing,
    form_page::Notice,
    jar::Cookie,
    messages::Messages,
    money::format_money,
    read_shopper::{Posted, Shopper, policy_with},
    review_order::{PROVIDERS, ProviderChoice},
    shell::Shell,
    show_order::order_or_way_to_it,
};
use askama::Template;
use axum::{extract::Path, response::Response};
use http::{HeaderName, HeaderValue, StatusCode};

/// What the fields of a card are made of; only on the page that has them.
const CARD_POLICY: [(&str, &str); 4] = [
    ("script-src", "https://js.stripe.com"),
    ("connect-src", "https://api.stripe.com"),
    (
        "frame-src",
        "https://js.stripe.com https://hooks.stripe.com",
    ),
    ("form-action", "https://checkout.stripe.com"),
];
/// How often a page that waits looks again by itself.
const LOOKS: u32 = 20;

#[derive(Template)]
#[template(path = "pay.html", whitespace = "minimize")]
struct PayPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    title: String,
    notice: Option<Notice>,
    key: String,
    providers: Vec<ProviderChoice>,
    pay: String,
    kept_until: Option<String>,
    sums: Sums,
    order_href: String,
}

#[derive(Template)]
#[template(path = "pay_over.html", whitespace = "minimize")]
struct OverPage {
    t: &'static Messages,
    shell: Shell,
    order_href: String,
}

#[derive(Template)]
#[template(path = "pay_card.html", whitespace = "minimize")]
struct CardPage {
    t: &'static Messages,
    shell: Shell,
    client_secret: String,
    publishable_key: String,
    hosted_url: String,
    return_href: String,
    pay: String,
    other_href: String,
}

#[derive(Template)]
#[template(path = "pay_wait.html", whitespace = "minimize")]
struct WaitPage {
    t: &'static Messages,
    shell: Shell,
    again_href: String,
    pay_href: String,
    order_href: String,
}

/// `GET /{language}/orders/{id}/pay`
pub(crate) async fn show_payment(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, _) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    if is_settled(&order) {
        let href = shopper.path(&format!("orders/{id}"));
        return shopper.see(&href);
    }
    let (t, language) = (shopper.messages(), shopper.language());
    let order_href = shopper.path(&format!("orders/{id}"));
    let title = (t.checkout.pay_title)(&order.number);
    let mut shell = shopper.shell(&title, t.checkout.description);
    shell.is_checkout = true;
    if order.states.order != "placed" {
        let page = OverPage {
            t,
            shell,
            order_href,
        };
        return shopper.page(&page);
    }
    let country = order
        .addresses
        .as_ref()
        .map(|addresses| addresses.shipping.country.clone());
    let providers = shopper
        .providers(order.totals.total, country.as_deref())
        .await;
    let page = PayPage {
        t,
        token: shopper.form_token(),
        notice: notice(&shopper, &order, providers.is_empty()),
        key: shopper.app.clock.uuid().to_string(),
        pay: (t.checkout.pay)(&format_money(order.totals.total, language)),
        kept_until: order
            .expires_at
            .map(|at| (t.checkout.kept_until)(&format_hour(at, language))),
        sums: sums(&order.totals, language),
        providers,
        order_href,
        title,
        shell,
    };
    shopper.page_with(StatusCode::OK, &page, Some(&policy_with(&PROVIDERS)))
}

fn notice(shopper: &Shopper, order: &Order, is_impossible: bool) -> Option<Notice> {
    let t = shopper.messages().checkout;
    let asked = form_urlencoded::parse(shopper.visit.query().as_bytes())
        .find(|(name, _)| name == "problem")
        .map(|(_, problem)| problem.into_owned());
    let (title, text) = match asked.as_deref() {
        _ if is_impossible => (t.interrupted_title, t.no_payment),
        Some("interrupted") => (t.interrupted_title, t.interrupted_text),
        Some("later") => (t.interrupted_title, t.no_payment),
        Some("declined") => (t.declined_title, t.declined_text),
        _ if order.states.payment == "failed" => (t.declined_title, t.declined_text),
        _ => return None,
    };
    Some(Notice {
        title: title.to_owned(),
        text: text.to_owned(),
    })
}

/// `POST /{language}/orders/{id}/pay`
pub(crate) async fn pay_order(Path((_, id)): Path<(String, String)>, posted: Posted) -> Response {
    let Posted { shopper, form } = posted;
    let key = form.text("key").to_owned();
    begin_payment(shopper, &id, form.text("provider"), &key).await
}

/// Begins to pay and sends the shopper to where that happens.
pub(crate) async fn begin_payment(
    mut shopper: Shopper,
    id: &str,
    provider: &str,
    key: &str,
) -> Response {
    let (order, who) = match order_or_way_to_it(&mut shopper, id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let here = shopper.path(&format!("orders/{id}"));
    let Some(payments) = shopper.app.payments.clone() else {
        return shopper.see(&format!("{here}/pay?problem=later"));
    };
    if is_settled(&order) {
        return shopper.see(&format!("{here}?thanks=1"));
    }
    let who = who.from(&shopper.headers).once(key);
    let begun = payments
        .begin(&who, id, provider, &format!("{here}/paid"))
        .await;
    let payment = match begun {
        Ok(payment) => payment,
        Err(error) => {
            tracing::error!(error = %kit::problem::chain(&error), order.id = id, "a payment could not begin");
            return shopper.see(&format!("{here}/pay?problem=later"));
        }
    };
    shopper
        .jar
        .set(Cookie::Payment, &format!("{id}.{}", payment.id));
    match payment.action {
        Some(Action::Redirect { url }) if leads_somewhere(&url) => {
            // Our own page is reached by the name that this browser knows us by: its cookies and its policy are for that one.
            let own = url.strip_prefix(&*shopper.app.origin);
            let own = own.filter(|path| path.starts_with('/')).map(str::to_owned);
            shopper.see(own.as_deref().unwrap_or(&url))
        }
        Some(Action::StripeElements { .. }) => shopper.see(&format!("{here}/pay/card")),
        _ => shopper.see(&format!("{here}/paid")),
    }
}

/// `GET /{language}/orders/{id}/pay/card`: the provider's own fields for a card; nothing typed in them reaches us.
pub(crate) async fn show_card(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let here = shopper.path(&format!("orders/{id}"));
    let payment = match (&shopper.app.payments, shopper.payment_of(&id)) {
        (Some(payments), Some(payment)) => payments.read(payment, &who).await,
        _ => return shopper.see(&format!("{here}/pay")),
    };
    let action = match payment {
        Ok(payment) => payment.action,
        Err(error) => {
            tracing::warn!(error = %kit::problem::chain(&error), "no card fields");
            return shopper.see(&format!("{here}/pay?problem=later"));
        }
    };
    let Some(Action::StripeElements {
        client_secret,
        publishable_key,
        hosted_url,
    }) = action
    else {
        return shopper.see(&format!("{here}/pay"));
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let mut shell = shopper.shell(t.checkout.card_title, t.checkout.description);
    shell.is_checkout = true;
    let page = CardPage {
        t,
        shell,
        client_secret,
        publishable_key,
        hosted_url,
        return_href: format!("{}{here}/paid", shopper.app.origin),
        pay: (t.checkout.pay)(&format_money(order.totals.total, language)),
        other_href: format!("{here}/pay"),
    };
    let policy = policy_with(&CARD_POLICY);
    shopper.page_with(StatusCode::OK, &page, Some(&policy))
}

/// `GET /{language}/orders/{id}/paid`: back from the provider. Says how it went, and waits where nobody knows yet.
pub(crate) async fn return_from_payment(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let here = shopper.path(&format!("orders/{id}"));
    let state = match (&shopper.app.payments, shopper.payment_of(&id)) {
        _ if is_settled(&order) => "captured".to_owned(),
        (Some(payments), Some(payment)) => match payments.sync(payment, &who).await {
            Ok(payment) => payment.state,
            Err(error) => {
                tracing::warn!(error = %kit::problem::chain(&error), "a payment's state is not known yet");
                String::new()
            }
        },
        _ => String::new(),
    };
    match state.as_str() {
        "captured" | "partially_refunded" | "refunded" => {
            shopper.jar.remove(Cookie::Draft);
            shopper.jar.remove(Cookie::Payment);
            shopper.see(&format!("{here}?thanks=1"))
        }
        "declined" => shopper.see(&format!("{here}/pay?problem=declined")),
        "canceled" | "expired" => shopper.see(&format!("{here}/pay?problem=interrupted")),
        _ => wait(shopper, &here),
    }
}

fn wait(shopper: Shopper, here: &str) -> Response {
    let t = shopper.messages();
    let looks = form_urlencoded::parse(shopper.visit.query().as_bytes())
        .find(|(name, _)| name == "look")
        .and_then(|(_, look)| look.parse::<u32>().ok())
        .unwrap_or(0);
    let mut shell = shopper.shell(t.checkout.waiting_title, t.checkout.description);
    shell.is_checkout = true;
    let page = WaitPage {
        t,
        shell,
        again_href: format!("{here}/paid"),
        pay_href: format!("{here}/pay"),
        order_href: here.to_owned(),
    };
    let mut response = shopper.page(&page);
    if looks < LOOKS {
        // Without a script, and not for ever: who reads slowly is not carried away from the page again and again.
        let seconds = if looks < 5 { 2 } else { 6 };
        let refresh = format!("{seconds};url={here}/paid?look={}", looks + 1);
        if let Ok(value) = HeaderValue::from_str(&refresh) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("refresh"), value);
        }
    }
    response
}

impl Shopper {
    /// The payment that the shopper was sent away for, if it was for this order.
    fn payment_of(&self, order: &str) -> Option<&str> {
        let (for_order, payment) = self.jar.get(Cookie::Payment)?.split_once('.')?;
        (for_order == order).then_some(payment)
    }
}

/// Whether the money is there.
pub(crate) fn is_settled(order: &Order) -> bool {
    matches!(
        order.states.payment.as_str(),
        "paid" | "partially_refunded" | "refunded"
    )
}

/// What a browser may be sent to: an absolute address, or a path of ours.
fn leads_somewhere(url: &str) -> bool {
    url.starts_with("https://")
        || url.starts_with("http://")
        || (url.starts_with('/') && !url.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_can_send_nobody_into_the_void() {
        for (url, leads) in [
            ("https://www.paypal.com/checkoutnow?token=1", true),
            ("http://localhost:8080/v1/test-provider/1", true),
            ("/v1/test-provider/1", true),
            ("//evil.example", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(leads_somewhere(url), leads, "{url}");
        }
    }

    #[test]
    fn a_card_page_lets_in_its_provider_and_nobody_else() {
        let policy = policy_with(&CARD_POLICY);
        assert!(
            policy.contains("script-src 'self' https://js.stripe.com;"),
            "{policy}"
        );
        assert!(
            policy.contains("; frame-src https://js.stripe.com"),
            "{policy}"
        );
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    }
}
