//! What each service of a shop needs: the one table that the builder of Deployments, the network policies, the keys and the databases
//! are made from.

use crate::api::v1alpha1::{Language, ServiceSpec, ServicesSpec};
use crate::validate::ValidStore;
use k8s_openapi::api::core::v1::EnvVar;

use super::services::value;

/// What a service needs of the shop.
#[derive(Debug)]
pub struct Needs {
    /// Its name.
    pub name: &'static str,
    /// Where a store says how it runs.
    pub spec: fn(&ServicesSpec) -> &ServiceSpec,
    /// The services that it calls: it learns their addresses, and the network lets it.
    pub calls: &'static [&'static str],
    /// The services that hear its events; likewise.
    pub tells: &'static [&'static str],
    /// The `MongoDB` database that is its own.
    pub mongodb: Option<&'static str>,
    /// The `MariaDB` database that is its own.
    pub mariadb: Option<&'static str>,
    /// Whether it uses the shared cache.
    pub redis: bool,
    /// Whether it verifies tokens.
    pub identity: bool,
    /// Which keys are its own, and what it may do with its own tokens.
    pub keys: Keys,
    /// Whether shoppers' requests come to it first.
    pub entry: bool,
    /// Requests and limits, unless the store says otherwise: CPU request, memory request, memory limit. The CPU request is what
    /// autoscaling measures by.
    pub resources: (&'static str, &'static str, &'static str),
    /// What else it is told.
    pub env: fn(&ValidStore) -> Vec<EnvVar>,
    /// Secrets of the store's own whose keys it reads as files.
    pub files: fn(&ValidStore) -> Vec<Files>,
    /// The ports that it reaches outside the cluster.
    pub outside: fn(&ValidStore) -> Vec<i32>,
}

/// A Secret as a folder.
#[derive(Debug)]
pub struct Files {
    /// The name of the folder in `/etc/amazoff`.
    pub folder: &'static str,
    /// The Secret.
    pub secret: String,
    /// Its keys: the names of the files.
    pub keys: &'static [&'static str],
}

const NO_FILES: fn(&ValidStore) -> Vec<Files> = |_| Vec::new();
const NOT_OUTSIDE: fn(&ValidStore) -> Vec<i32> = |_| Vec::new();

/// The keys of a service.
#[derive(Debug)]
pub struct Keys {
    /// What it may do at other services; it signs tokens of its own when this is there.
    pub may: Option<&'static [&'static str]>,
    /// Whether it seals what it keeps on people.
    pub seals: bool,
    /// Whether it signs people's tokens.
    pub signs_for_people: bool,
}

impl Keys {
    const NONE: Self = Self {
        may: None,
        seals: false,
        signs_for_people: false,
    };
}

/// What every service asks where a token was revoked, so all that verify tokens call it.
const USERS: &str = "users";

/// Every service of a shop.
pub static SERVICES: [Needs; 8] = [
    Needs {
        name: "catalog",
        spec: |services| &services.catalog,
        calls: &[],
        tells: &[],
        mongodb: Some("catalog"),
        mariadb: None,
        redis: false,
        identity: true,
        keys: Keys::NONE,
        entry: false,
        // The search index of 100,000 products is in memory. Each replica indexes every change, so one that is busy with an import must not
        // have more replicas made, which would be as busy.
        resources: ("100m", "96Mi", "384Mi"),
        env: |_| Vec::new(),
        files: NO_FILES,
        outside: NOT_OUTSIDE,
    },
    Needs {
        name: USERS,
        spec: |services| &services.users,
        calls: &["cart", "orders", "payment", "notifications"],
        tells: &["notifications"],
        mongodb: None,
        mariadb: Some("users"),
        redis: false,
        identity: true,
        keys: Keys {
            may: Some(&["people:export", "people:erase", "events:send"]),
            seals: true,
            signs_for_people: true,
        },
        entry: false,
        // Each password that is hashed takes 19 MiB while it is.
        resources: ("50m", "64Mi", "256Mi"),
        env: |store| {
            let kept = ["cart", "orders", "payment", "notifications"]
                .map(|service| format!("{service}=http://{}", super::meta::name(store, service)));
            vec![
                value("PUBLIC_URL", &store.url),
                value("PEOPLE_SERVICES", &kept.join(" ")),
            ]
        },
        files: token_key,
        outside: NOT_OUTSIDE,
    },
    Needs {
        name: "cart",
        spec: |services| &services.cart,
        calls: &["catalog", USERS],
        tells: &[],
        mongodb: Some("cart"),
        mariadb: None,
        redis: false,
        identity: true,
        keys: Keys::NONE,
        entry: false,
        resources: ("50m", "32Mi", "128Mi"),
        env: |store| vec![value("CURRENCY", &store.shop.currency)],
        files: NO_FILES,
        outside: NOT_OUTSIDE,
    },
    Needs {
        name: "orders",
        spec: |services| &services.orders,
        calls: &["cart", "catalog", USERS],
        tells: &["cart", "notifications", "payment"],
        mongodb: None,
        mariadb: Some("orders"),
        redis: false,
        identity: true,
        keys: Keys {
            may: Some(&["events:send"]),
            seals: true,
            signs_for_people: false,
        },
        entry: false,
        resources: ("50m", "32Mi", "192Mi"),
        env: |store| vec![value("PUBLIC_URL", &store.url)],
        files: NO_FILES,
        outside: NOT_OUTSIDE,
    },
    Needs {
        name: "payment",
        spec: |services| &services.payment,
        calls: &["orders", USERS],
        tells: &["orders"],
        mongodb: None,
        mariadb: Some("payment"),
        redis: false,
        identity: true,
        keys: Keys {
            may: Some(&["events:send", "orders:pay"]),
            seals: false,
            signs_for_people: false,
        },
        entry: false,
        resources: ("50m", "32Mi", "128Mi"),
        env: payment_env,
        files: payment_files,
        outside: payment_ports,
    },
    Needs {
        name: "notifications",
        spec: |services| &services.notifications,
        calls: &[USERS],
        tells: &[],
        mongodb: Some("notifications"),
        mariadb: None,
        redis: false,
        identity: true,
        keys: Keys {
            may: None,
            seals: true,
            signs_for_people: false,
        },
        entry: false,
        resources: ("25m", "32Mi", "128Mi"),
        env: mail_env,
        files: NO_FILES,
        outside: |store| store.mail.iter().map(|mail| mail.port).collect(),
    },
    Needs {
        name: "gateway",
        spec: |services| &services.gateway,
        calls: &[
            "catalog",
            "storefront",
            USERS,
            "cart",
            "orders",
            "payment",
            "notifications",
        ],
        tells: &[],
        mongodb: None,
        mariadb: None,
        redis: true,
        identity: true,
        // Nobody else is believed about where a client is.
        keys: Keys {
            may: Some(&["clients:name"]),
            seals: false,
            signs_for_people: false,
        },
        entry: true,
        resources: ("50m", "32Mi", "192Mi"),
        env: |store| {
            let mut env = vec![value("PUBLIC_URL", &store.url)];
            if let Some(expose) = store
                .expose
                .as_ref()
                .filter(|expose| !expose.trusted_proxies.is_empty())
            {
                env.push(value("TRUSTED_PROXIES", &expose.trusted_proxies.join(",")));
            }
            env
        },
        files: NO_FILES,
        outside: NOT_OUTSIDE,
    },
    Needs {
        name: "storefront",
        spec: |services| &services.storefront,
        calls: &["catalog", USERS, "cart", "orders", "payment"],
        tells: &[],
        mongodb: None,
        mariadb: None,
        redis: false,
        identity: false,
        keys: Keys::NONE,
        entry: false,
        resources: ("50m", "32Mi", "128Mi"),
        env: |store| {
            vec![
                value("PUBLIC_URL", &store.url),
                value("CURRENCY", &store.shop.currency),
                value(
                    "DEFAULT_LANGUAGE",
                    match store.shop.default_language {
                        Language::En => "en",
                        Language::Fr => "fr",
                    },
                ),
            ]
        },
        files: NO_FILES,
        outside: NOT_OUTSIDE,
    },
];

fn token_key(store: &ValidStore) -> Vec<Files> {
    vec![Files {
        folder: "token",
        secret: super::meta::identity_secret(&store.name),
        keys: &[crate::secrets::SIGNING_KEY],
    }]
}

fn payment_env(store: &ValidStore) -> Vec<EnvVar> {
    let mut env = vec![
        value("PUBLIC_URL", &store.url),
        value("TEST_PROVIDER", &store.payment.test.to_string()),
    ];
    if let Some(stripe) = &store.payment.stripe {
        env.extend([
            value("STRIPE_PUBLISHABLE_KEY", &stripe.publishable_key),
            value("STRIPE_SECRET_KEY_FILE", "/etc/amazoff/stripe/secret-key"),
            value(
                "STRIPE_WEBHOOK_SECRET_FILE",
                "/etc/amazoff/stripe/webhook-secret",
            ),
        ]);
    }
    if let Some(paypal) = &store.payment.paypal {
        env.extend([
            value("PAYPAL_CLIENT_ID", &paypal.client_id),
            value("PAYPAL_WEBHOOK_ID", &paypal.webhook_id),
            value(
                "PAYPAL_CLIENT_SECRET_FILE",
                "/etc/amazoff/paypal/client-secret",
            ),
        ]);
        if paypal.sandbox {
            env.push(value("PAYPAL_API_URL", "https://api-m.sandbox.paypal.com"));
        }
    }
    env
}

fn payment_files(store: &ValidStore) -> Vec<Files> {
    let stripe = store.payment.stripe.iter().map(|stripe| Files {
        folder: "stripe",
        secret: stripe.secret_name.clone(),
        keys: &["secret-key", "webhook-secret"],
    });
    let paypal = store.payment.paypal.iter().map(|paypal| Files {
        folder: "paypal",
        secret: paypal.secret_name.clone(),
        keys: &["client-secret"],
    });
    stripe.chain(paypal).collect()
}

/// Providers are on the internet; a network policy knows no names.
fn payment_ports(store: &ValidStore) -> Vec<i32> {
    let pays = store.payment.stripe.is_some() || store.payment.paypal.is_some();
    pays.then_some(443).into_iter().collect()
}

fn mail_env(store: &ValidStore) -> Vec<EnvVar> {
    let mut env = vec![value("PUBLIC_URL", &store.url)];
    if let Some(mail) = &store.mail {
        env.extend([
            super::services::secret_value("SMTP_URL", &mail.uri_secret),
            value("MAIL_FROM", &mail.from),
        ]);
    }
    env
}

impl Needs {
    /// Everybody whom it sends requests: those it calls, and those who hear its events.
    pub fn reaches(&self, other: &str) -> bool {
        self.calls.contains(&other) || self.tells.contains(&other)
    }

    /// Whether it has a Secret with keys of its own.
    pub fn has_keys(&self) -> bool {
        self.keys.may.is_some() || self.keys.seals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_reach_only_services_that_exist() {
        for needs in &SERVICES {
            for other in needs.calls.iter().chain(needs.tells) {
                assert!(
                    SERVICES.iter().any(|service| service.name == *other),
                    "{} reaches {other}",
                    needs.name
                );
            }
        }
    }

    #[test]
    fn who_tells_events_may_send_them() {
        for needs in SERVICES.iter().filter(|needs| !needs.tells.is_empty()) {
            let may = needs.keys.may.unwrap_or_default();
            assert!(may.contains(&"events:send"), "{}", needs.name);
        }
    }

    #[test]
    fn only_one_service_signs_for_people() {
        let signing = SERVICES.iter().filter(|needs| needs.keys.signs_for_people);
        assert_eq!(signing.count(), 1);
    }
}
