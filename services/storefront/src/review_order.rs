//! The last step before an order: the ways to pay, and what has changed since the shopper last looked.

use crate::{
    clients::orders::Quote, form_page::Notice, money::format_money, read_shopper::Shopper,
};
use kit::money::Money;

/// Where forms that pay may lead: the providers' own pages, and ours.
pub(crate) const PROVIDERS: [(&str, &str); 1] = [(
    "form-action",
    "https://www.paypal.com https://www.sandbox.paypal.com https://checkout.stripe.com",
)];

/// What is asked before an order is placed.
pub(crate) struct Review {
    pub(crate) key: String,
    pub(crate) expected: i64,
    pub(crate) place: String,
    pub(crate) providers: Vec<ProviderChoice>,
}

/// A way to pay.
pub(crate) struct ProviderChoice {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) hint: Option<&'static str>,
    pub(crate) is_chosen: bool,
}

/// The last step: what is said about it, and what is asked; nothing when nothing can be paid.
pub(crate) async fn review(
    shopper: &Shopper,
    quote: &Quote,
    country: &str,
) -> (Option<Notice>, Option<Review>) {
    let (t, language) = (shopper.messages().checkout, shopper.language());
    let total = quote.totals.total;
    let asked = |name: &str| {
        form_urlencoded::parse(shopper.visit.query().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let providers = shopper.providers(total, Some(country)).await;
    let moved = asked("moved")
        .and_then(|amount| amount.parse::<i64>().ok())
        .filter(|amount| *amount != total.amount)
        .map(|amount| Notice {
            title: t.total_moved_title.to_owned(),
            text: (t.total_moved)(
                &format_money(Money::new(amount, total.currency), language),
                &format_money(total, language),
            ),
        });
    let problem = match asked("problem").as_deref() {
        Some("later") => Some((t.place_later_title, t.place_later)),
        Some("refused") => Some((t.refused_title, t.refused_text)),
        _ => None,
    }
    .map(|(title, text)| Notice {
        title: title.to_owned(),
        text: text.to_owned(),
    });
    // After a lost answer the same key goes on: the order may have been placed, and must not be placed twice.
    let key = asked("key")
        .filter(|key| uuid::Uuid::try_parse(key).is_ok())
        .unwrap_or_else(|| shopper.app.clock.uuid().to_string());
    let review = (!providers.is_empty()).then(|| Review {
        key,
        expected: total.amount,
        place: (t.place)(&format_money(total, language)),
        providers,
    });
    (moved.or(problem), review)
}

impl Shopper {
    /// The ways to pay so much; none when nobody can say.
    pub(crate) async fn providers(
        &self,
        total: Money,
        country: Option<&str>,
    ) -> Vec<ProviderChoice> {
        let Some(payments) = &self.app.payments else {
            return Vec::new();
        };
        let t = self.messages().checkout;
        let methods = payments
            .methods(total.currency, country)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(error = %kit::problem::chain(&error), "nothing can be paid");
                Vec::new()
            });
        methods
            .into_iter()
            .filter_map(|method| {
                let name = (t.provider)(&method.provider)?;
                Some((method.provider, name))
            })
            .enumerate()
            .map(|(index, (id, name))| ProviderChoice {
                name,
                hint: (t.provider_hint)(&id),
                is_chosen: index == 0,
                id,
            })
            .collect()
    }
}
