//! Stripe's API (<https://docs.stripe.com/api>): forms in, JSON out, an `Idempotency-Key` on all that costs money.

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    Details, ProviderError, RefundAnswer,
    https::{CallError, Https},
};
use crate::{
    payment::{Fact, Payment, Provider},
    refund::Refund,
    stripe::{
        CheckoutSession, Expandable, Intent, ORDER_ID, PAYMENT_ID, REFUND_ID, Reason, StripeRefund,
        amount_of,
    },
};

/// The version of the API that the shapes here were read from.
const VERSION: &str = "2025-03-31.basil";

/// What Stripe is called with.
pub struct Stripe {
    /// The connection.
    pub https: Https,
    /// Where it is.
    pub api: Url,
    /// What proves who we are.
    pub secret_key: String,
    /// What the shopper's browser proves itself with.
    pub publishable_key: String,
    /// What webhooks are signed with.
    pub webhook_secret: String,
}

#[derive(Deserialize)]
struct Failure {
    error: Reason,
}

/// Fields of a form, in order.
type Form<'a> = Vec<(&'a str, String)>;

impl Stripe {
    /// Makes a `PaymentIntent` that the shopper's browser confirms.
    pub async fn open(&self, payment: &Payment) -> Result<(Details, Fact), ProviderError> {
        let mut form = vec![
            ("amount", amount(payment)?),
            ("currency", payment.amount.currency.code().to_lowercase()),
            ("automatic_payment_methods[enabled]", "true".to_owned()),
            ("description", payment.order_number.clone()),
        ];
        form.extend(metadata("metadata", payment));
        let intent: Intent = self
            .post("/v1/payment_intents", &form, &payment.id.to_string())
            .await?;
        let fact = intent.fact();
        let details = Details {
            reference: Some(intent.id),
            client_secret: intent.client_secret,
            ..Details::default()
        };
        Ok((details, fact))
    }

    /// Makes a page of Stripe's where the same payment can be made without JavaScript. It is closed when the payment is called off; Stripe
    /// itself would not let it end as soon as some payments do.
    pub async fn open_page(
        &self,
        payment: &Payment,
        back_to: &str,
    ) -> Result<CheckoutSession, ProviderError> {
        let line = "line_items[0][price_data]";
        let keys = [
            format!("{line}[currency]"),
            format!("{line}[unit_amount]"),
            format!("{line}[product_data][name]"),
        ];
        let mut form = vec![
            ("mode", "payment".to_owned()),
            (&keys[0], payment.amount.currency.code().to_lowercase()),
            (&keys[1], amount(payment)?),
            (&keys[2], payment.order_number.clone()),
            ("line_items[0][quantity]", "1".to_owned()),
            ("success_url", back_to.to_owned()),
            ("cancel_url", back_to.to_owned()),
            ("client_reference_id", payment.id.to_string()),
            ("locale", payment.locale.code().to_owned()),
        ];
        form.extend(metadata("payment_intent_data[metadata]", payment));
        let key = format!("hosted-{}", payment.id);
        self.post("/v1/checkout/sessions", &form, &key).await
    }

    /// How the payment stands, by the browser's own way or by the hosted page.
    pub async fn ask(&self, payment: &Payment) -> Result<Fact, ProviderError> {
        if let Some(page) = &payment.hosted_reference {
            let path = format!("/v1/checkout/sessions/{page}?expand%5B%5D=payment_intent");
            let page: CheckoutSession = self.get(&path).await?;
            if let Some(Expandable::Intent(intent)) = page.payment_intent
                && let fact @ Fact::Charged(_) = intent.fact()
            {
                return Ok(fact);
            }
        }
        let Some(reference) = &payment.reference else {
            return Ok(Fact::Processing);
        };
        let intent: Intent = self
            .get(&format!("/v1/payment_intents/{reference}"))
            .await?;
        Ok(intent.fact())
    }

    /// Takes the money of a payment that was only authorized.
    pub async fn take(&self, payment: &Payment) -> Result<Fact, ProviderError> {
        let Some(reference) = &payment.reference else {
            return Ok(Fact::Processing);
        };
        let path = format!("/v1/payment_intents/{reference}/capture");
        let key = format!("take-{}", payment.id);
        match self.post::<Intent>(&path, &vec![], &key).await {
            Ok(intent) => Ok(intent.fact()),
            // Taken by the webhook's way meanwhile, or called off.
            Err(ProviderError::Refused { .. }) => self.ask(payment).await,
            Err(error) => Err(error),
        }
    }

    /// Calls off the payment, and its page.
    pub async fn call_off(&self, payment: &Payment) -> Result<Fact, ProviderError> {
        if let Some(page) = &payment.hosted_reference {
            let path = format!("/v1/checkout/sessions/{page}/expire");
            let key = format!("expire-{}", payment.id);
            match self.post::<CheckoutSession>(&path, &vec![], &key).await {
                // Refused when it was used, or has expired: asking tells which.
                Ok(_) | Err(ProviderError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
            if let paid @ Fact::Charged(_) = self.ask(payment).await? {
                return Ok(paid);
            }
        }
        let Some(reference) = &payment.reference else {
            return Ok(Fact::Canceled);
        };
        let path = format!("/v1/payment_intents/{reference}/cancel");
        let key = format!("cancel-{}", payment.id);
        match self.post::<Intent>(&path, &vec![], &key).await {
            Ok(intent) => Ok(intent.fact()),
            Err(ProviderError::Refused { .. }) => self.ask(payment).await,
            Err(error) => Err(error),
        }
    }

    /// Gives money back.
    pub async fn give_back(&self, refund: &Refund) -> Result<RefundAnswer, ProviderError> {
        let refused = || ProviderError::Refused {
            provider: Provider::Stripe,
            reason: "amount".to_owned(),
        };
        let amount = amount_of(refund.amount).ok_or_else(refused)?;
        let [refund_id, payment_id] = [REFUND_ID, PAYMENT_ID].map(|key| format!("metadata[{key}]"));
        let form = vec![
            ("payment_intent", refund.charge.clone()),
            ("amount", amount.to_string()),
            (refund_id.as_str(), refund.id.to_string()),
            (payment_id.as_str(), refund.payment_id.to_string()),
        ];
        let made: StripeRefund = self
            .post("/v1/refunds", &form, &refund.id.to_string())
            .await?;
        Ok(answer(made))
    }

    /// How a refund stands.
    pub async fn ask_refund(&self, reference: &str) -> Result<RefundAnswer, ProviderError> {
        Ok(answer(self.get(&format!("/v1/refunds/{reference}")).await?))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ProviderError> {
        self.call(Method::GET, path, None, String::new()).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form<'_>,
        key: &str,
    ) -> Result<T, ProviderError> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        self.call(Method::POST, path, Some(key), body).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: String,
    ) -> Result<T, ProviderError> {
        let unsure = |error: CallError| ProviderError::unsure(Provider::Stripe, Box::new(error));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api.as_str().trim_end_matches('/')))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret_key))
            .header("stripe-version", VERSION);
        if let Some(key) = key {
            request = request
                .header("idempotency-key", key)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| unsure(error.into()))?;
        let (status, body) = self.https.send(request).await.map_err(unsure)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unsure(error.into()));
        }
        // Bad credentials, a rival request under the same key, too many requests: nobody decided anything.
        let decides = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND
        );
        if !decides {
            return Err(unsure(CallError::Status(status)));
        }
        let reason = serde_json::from_slice::<Failure>(&body)
            .map_or_else(|_| status.to_string(), |failure| failure.error.word());
        Err(ProviderError::Refused {
            provider: Provider::Stripe,
            reason,
        })
    }
}

fn answer(refund: StripeRefund) -> RefundAnswer {
    RefundAnswer {
        fact: refund.fact(),
        reference: Some(refund.id),
    }
}

fn amount(payment: &Payment) -> Result<String, ProviderError> {
    amount_of(payment.amount)
        .map(|amount| amount.to_string())
        .ok_or_else(|| ProviderError::Refused {
            provider: Provider::Stripe,
            reason: "amount".to_owned(),
        })
}

/// What comes back with everything that concerns the payment, so that money always says what it is for.
fn metadata(field: &str, payment: &Payment) -> [(&'static str, String); 2] {
    let keys = if field == "metadata" {
        ["metadata[payment_id]", "metadata[order_id]"]
    } else {
        [
            "payment_intent_data[metadata][payment_id]",
            "payment_intent_data[metadata][order_id]",
        ]
    };
    debug_assert!(keys[0].contains(PAYMENT_ID) && keys[1].contains(ORDER_ID));
    [
        (keys[0], payment.id.to_string()),
        (keys[1], payment.order_id.to_string()),
    ]
}
