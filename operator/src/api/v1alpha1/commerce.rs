//! `spec.payment` and `spec.mail`: how the shop is paid, and how it writes to people.

use super::SecretKey;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How shoppers pay. Without any of these nobody can.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSpec {
    /// Offers payments that are only played: for demonstrations and tests. Whoever orders pays nothing, so never in a real shop.
    #[serde(default)]
    pub test: bool,
    /// Stripe: cards and wallets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe: Option<StripeSpec>,
    /// PayPal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paypal: Option<PaypalSpec>,
}

/// An account at Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StripeSpec {
    /// The key that pages show, pk_….
    #[schemars(length(min = 1, max = 255))]
    pub publishable_key: String,
    /// The name of a Secret with the keys "secret-key" (sk_…) and "webhook-secret" (whsec_…). Pods are replaced when it changes.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// An account at PayPal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaypalSpec {
    /// The id of the app.
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,
    /// The id of the webhook that PayPal calls.
    #[schemars(length(min = 1, max = 255))]
    pub webhook_id: String,
    /// The name of a Secret with the key "client-secret". Pods are replaced when it changes.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Use PayPal's sandbox, where money is not real.
    #[serde(default)]
    pub sandbox: bool,
}

/// The mail server that the shop writes to people through. Without it mails wait until there is one.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailSpec {
    /// Its address, such as smtps://user:password@mail.example.com, in a Secret. Pods are replaced when it changes.
    pub uri_secret: SecretKey,
    /// The port that the pods may reach it at.
    #[serde(default = "submission")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Who the mails are from, such as Amazoff <shop@example.com>.
    #[schemars(length(min = 3, max = 320))]
    #[x_kube(validation = Rule::new("self.contains('@')")
        .message("mail.from is an address, such as Amazoff <shop@example.com>."))]
    pub from: String,
}

fn submission() -> i32 {
    587
}
