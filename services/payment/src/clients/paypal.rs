//! `PayPal`'s API, Orders v2 (<https://developer.paypal.com/docs/api/orders/v2/>): JSON, a `PayPal-Request-Id` on all that costs money.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use kit::clock::Clock;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use super::{
    Details, ProviderError, RefundAnswer,
    https::{CallError, Https},
};
use crate::{
    certificate::{self, CertificateError},
    payment::{Fact, Payment, Provider},
    paypal::{
        Amount, PaypalOrder, PaypalRefund, custom_id, is_certificate_url, refund_custom_id,
        signed_text,
    },
    refund::Refund,
    schedule,
};

/// A token is left alone this long before it ends, so that it does not end on its way.
const TOKEN_MARGIN: Duration = Duration::from_mins(1);
/// How many certificates are remembered. `PayPal` has one or two at a time; an attacker who names others is not to fill the memory.
const MOST_CERTIFICATES: usize = 8;
/// How far the time of a webhook may be from now: `PayPal` tries again for three days. What comes again sooner is known by its id.
const TOLERANCE_SECONDS: i64 = 3 * 24 * 3600;

/// What `PayPal` is called with.
pub struct Paypal {
    /// The connection.
    pub https: Https,
    /// Where it is.
    pub api: Url,
    /// Who we are.
    pub client_id: String,
    /// What proves it.
    pub client_secret: String,
    /// The id of our webhook there.
    pub webhook_id: String,
    /// Where the certificates of webhooks come from; no other place is asked.
    pub certificates_from: Url,
    /// Whose certificates are believed.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The shop, as the shopper reaches it.
    pub public_url: Url,
    /// The time.
    pub clock: Clock,
    /// The access token, and when it is to be replaced.
    pub token: tokio::sync::Mutex<Option<(String, Timestamp)>>,
    /// Certificates by their address.
    pub certificates: Mutex<Vec<(String, Bytes)>>,
}

/// Why a webhook is refused.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// A header is missing or can't be read.
    #[error("the header {0} is missing or malformed")]
    Header(&'static str),
    /// Another algorithm than the one there is.
    #[error("the signature is of an unknown kind")]
    Algorithm,
    /// The certificate is somewhere else.
    #[error("the certificate is not at PayPal's")]
    Elsewhere,
    /// It was sent too long ago.
    #[error("the webhook is not of now")]
    NotOfNow,
    /// The certificate or the signature is wrong.
    #[error("the signature is not PayPal's")]
    Signature(#[from] CertificateError),
    /// The certificate could not be fetched: nothing is known.
    #[error("the certificate could not be fetched")]
    NoCertificate(#[source] CallError),
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    name: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    issue: String,
}

impl Paypal {
    /// Makes an order that the shopper approves on a page of `PayPal`'s.
    pub async fn open(&self, payment: &Payment) -> Result<(Details, Fact), ProviderError> {
        let back_to = self.back_to(payment);
        let body = json!({
            "intent": "CAPTURE",
            "purchase_units": [{
                "custom_id": custom_id(payment.id, payment.order_id),
                "description": payment.order_number,
                "amount": Amount::from(payment.amount),
            }],
            "payment_source": {"paypal": {"experience_context": {
                "return_url": back_to,
                "cancel_url": back_to,
                "user_action": "PAY_NOW",
                "shipping_preference": "NO_SHIPPING",
                "locale": match payment.locale.code() { "fr" => "fr-FR", _ => "en-GB" },
            }}},
        });
        let order: PaypalOrder = self
            .post("/v2/checkout/orders", &payment.id.to_string(), &body)
            .await?;
        let fact = order.fact();
        let details = Details {
            approve_url: order.approve_url().map(str::to_owned),
            reference: Some(order.id),
            ..Details::default()
        };
        Ok((details, fact))
    }

    fn back_to(&self, payment: &Payment) -> String {
        let base = self.public_url.as_str().trim_end_matches('/');
        format!("{base}{}", payment.return_path)
    }

    /// How the payment stands. An order that nobody approved is forgotten after some hours.
    pub async fn ask(&self, payment: &Payment) -> Result<Fact, ProviderError> {
        let Some(reference) = &payment.reference else {
            return Ok(Fact::Processing);
        };
        let path = format!("/v2/checkout/orders/{reference}");
        match self.get::<PaypalOrder>(&path).await {
            Ok(order) => Ok(order.fact()),
            Err(ProviderError::Refused { .. }) => Ok(Fact::Canceled),
            Err(error) => Err(error),
        }
    }

    /// Takes the money that the shopper agreed to.
    pub async fn take(&self, payment: &Payment) -> Result<Fact, ProviderError> {
        let Some(reference) = &payment.reference else {
            return Ok(Fact::Processing);
        };
        let path = format!("/v2/checkout/orders/{reference}/capture");
        let key = format!("take-{}", payment.id);
        match self.post::<PaypalOrder>(&path, &key, &json!({})).await {
            // The answer need not repeat what we told about the order.
            Ok(order) => match order.fact() {
                Fact::Charged(charge) if charge.order_id.is_none() => self.ask(payment).await,
                fact => Ok(fact),
            },
            Err(ProviderError::Refused { reason, .. }) if is_decline(&reason) => {
                Ok(Fact::Declined { reason })
            }
            // Taken already, or not approved after all: asking tells.
            Err(ProviderError::Refused { .. }) => self.ask(payment).await,
            Err(error) => Err(error),
        }
    }

    /// Gives money back.
    pub async fn give_back(&self, refund: &Refund) -> Result<RefundAnswer, ProviderError> {
        let path = format!("/v2/payments/captures/{}/refund", refund.charge);
        let body = json!({
            "amount": Amount::from(refund.amount),
            "custom_id": refund_custom_id(refund.id),
        });
        let made: PaypalRefund = self.post(&path, &refund.id.to_string(), &body).await?;
        Ok(answer(made))
    }

    /// How a refund stands.
    pub async fn ask_refund(&self, reference: &str) -> Result<RefundAnswer, ProviderError> {
        Ok(answer(
            self.get(&format!("/v2/payments/refunds/{reference}"))
                .await?,
        ))
    }

    /// Whether a webhook is `PayPal`'s: by its certificate, without asking anyone but for the certificate itself, once.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
        let get = |name: &'static str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .ok_or(WebhookError::Header(name))
        };
        let id = get("paypal-transmission-id")?;
        let time = get("paypal-transmission-time")?;
        let url = get("paypal-cert-url")?;
        let signature = STANDARD
            .decode(get("paypal-transmission-sig")?)
            .or(Err(WebhookError::Header("paypal-transmission-sig")))?;
        if get("paypal-auth-algo")? != certificate::ALGORITHM {
            return Err(WebhookError::Algorithm);
        }
        if !is_certificate_url(url, &self.certificates_from) {
            return Err(WebhookError::Elsewhere);
        }
        let sent_at: Timestamp = time
            .parse()
            .or(Err(WebhookError::Header("paypal-transmission-time")))?;
        let now = self.clock.now();
        let text = signed_text(id, time, &self.webhook_id, body);
        let pem = self.certificate(url).await?;
        certificate::verify(&pem, &self.authorities, text.as_bytes(), &signature, now)?;
        let age = now.as_second().saturating_sub(sent_at.as_second());
        if age.abs() > TOLERANCE_SECONDS {
            return Err(WebhookError::NotOfNow);
        }
        Ok(())
    }

    async fn certificate(&self, url: &str) -> Result<Bytes, WebhookError> {
        let known = {
            let certificates = self
                .certificates
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let found = certificates.iter().find(|(address, _)| address == url);
            found.map(|(_, pem)| pem.clone())
        };
        if let Some(pem) = known {
            return Ok(pem);
        }
        let request = Request::get(url)
            .body(Full::default())
            .map_err(|error| WebhookError::NoCertificate(error.into()))?;
        let (status, pem) = self
            .https
            .send(request)
            .await
            .map_err(WebhookError::NoCertificate)?;
        if !status.is_success() {
            return Err(WebhookError::NoCertificate(CallError::Status(status)));
        }
        let mut certificates = self
            .certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        certificates.retain(|(address, _)| address != url);
        if certificates.len() >= MOST_CERTIFICATES {
            certificates.remove(0);
        }
        certificates.push((url.to_owned(), pem.clone()));
        Ok(pem)
    }

    /// The access token: one for all, fetched again shortly before it ends.
    async fn token(&self) -> Result<String, CallError> {
        let mut kept = self.token.lock().await;
        let now = self.clock.now();
        if let Some((token, until)) = &*kept
            && now < *until
        {
            return Ok(token.clone());
        }
        let credentials = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        let request = Request::post(self.url("/v1/oauth2/token"))
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from_static(
                b"grant_type=client_credentials",
            )))?;
        let (status, body) = self.https.send(request).await?;
        if !status.is_success() {
            return Err(CallError::Status(status));
        }
        let token: Token = serde_json::from_slice(&body)?;
        let lasts = Duration::from_secs(token.expires_in).saturating_sub(TOKEN_MARGIN);
        *kept = Some((token.access_token.clone(), schedule::after(now, lasts)));
        Ok(token.access_token)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api.as_str().trim_end_matches('/'))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ProviderError> {
        self.call(Method::GET, path, None, Bytes::new()).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<T, ProviderError> {
        let body = Bytes::from(body.to_string());
        self.call(Method::POST, path, Some(key), body).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<T, ProviderError> {
        let unsure = |error: CallError| ProviderError::unsure(Provider::Paypal, Box::new(error));
        let token = self.token().await.map_err(unsure)?;
        let mut request = Request::builder()
            .method(method)
            .uri(self.url(path))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(key) = key {
            request = request
                .header("paypal-request-id", key)
                .header("prefer", "return=representation")
                .header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| unsure(error.into()))?;
        let (status, body) = self.https.send(request).await.map_err(unsure)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unsure(error.into()));
        }
        if status == StatusCode::UNAUTHORIZED {
            // The token was taken back; the next try fetches another.
            *self.token.lock().await = None;
        }
        let decides = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY
        );
        if !decides {
            return Err(unsure(CallError::Status(status)));
        }
        let reason = serde_json::from_slice::<Failure>(&body).map_or_else(
            |_| status.to_string(),
            |failure| {
                let issue = failure.details.into_iter().next();
                issue.map_or(failure.name, |detail| detail.issue)
            },
        );
        Err(ProviderError::Refused {
            provider: Provider::Paypal,
            reason: reason.to_ascii_lowercase(),
        })
    }
}

/// The reasons that are the shopper's, not ours.
fn is_decline(reason: &str) -> bool {
    matches!(
        reason,
        "instrument_declined"
            | "transaction_refused"
            | "payer_cannot_pay"
            | "payer_account_restricted"
            | "payer_account_locked_or_closed"
            | "compliance_violation"
    )
}

fn answer(refund: PaypalRefund) -> RefundAnswer {
    RefundAnswer {
        fact: refund.fact(),
        reference: Some(refund.id),
    }
}
