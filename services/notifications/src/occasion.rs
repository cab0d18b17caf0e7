//! What gives occasion to write to someone: the events of other services, read strictly, so that no mail goes out with holes in it.

use jiff::Timestamp;
use kit::money::Money;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::language::{Language, LocalizedText};

/// The longest name that is used to greet someone.
const LONGEST_NAME: usize = 60;

/// An occasion to write to someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The address.
    pub email: String,
    /// Whom to greet.
    pub name: Option<String>,
    /// The language of the mail.
    pub language: Language,
    /// What it is about.
    pub what: What,
}

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Whoever registered is to prove that the address is theirs.
    VerifyAddress {
        /// The page that does.
        url: String,
    },
    /// Someone registered who has an account.
    RegistrationRepeated,
    /// Someone forgot their password.
    PasswordReset {
        /// The page that sets another one.
        url: String,
    },
    /// The password is another one.
    PasswordChanged,
    /// The account is gone.
    AccountErased,
    /// Something happened to an order.
    Order(OrderNews, Box<Notice>),
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderNews {
    /// It is paid.
    Confirmed,
    /// It is called off.
    Canceled,
    /// A parcel left.
    Shipped,
    /// Something is to be sent back.
    ReturnRequested,
    /// Something came back.
    ReturnReceived,
    /// Money went back.
    Refunded,
    /// The buyer withdrew from the contract.
    Withdrawn,
}

/// What orders says of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number, for people.
    pub number: String,
    /// What was ordered, or what of it this is about.
    pub lines: Vec<NoticeLine>,
    /// What it costs.
    pub totals: Totals,
    /// The page that shows it.
    pub order_url: String,
    /// What goes back, for refunds.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Who brings it, for parcels.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The carrier's number, for parcels.
    #[serde(default)]
    pub tracking: Option<String>,
    /// Where to follow it, for parcels.
    #[serde(default)]
    pub tracking_url: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// So and so many of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeLine {
    /// What it is called.
    pub name: LocalizedText,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
    /// What is paid for all of them.
    pub total: Money,
}

/// What an order costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Prices times quantities.
    pub subtotal: Money,
    /// What is taken off.
    pub discount_total: Money,
    /// Shipping.
    pub shipping_total: Money,
    /// All tax.
    pub tax_total: Money,
    /// What is charged.
    pub total: Money,
    /// Whether prices hold the tax already.
    #[serde(default)]
    pub tax_included: bool,
}

/// Why an event gives occasion to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its data are not what was agreed.
    #[error("its data are not what was agreed")]
    Data,
    /// An address of a page is no address that a mail may lead to.
    #[error("{0} is no address that a mail may lead to")]
    Link(&'static str),
}

#[derive(Deserialize)]
struct Addressee {
    email: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    locale: Language,
}

#[derive(Deserialize)]
struct Registered {
    verify_url: String,
}

#[derive(Deserialize)]
struct ResetRequested {
    reset_url: String,
}

/// Reads an event; `None` when nobody is written to about this type.
pub fn read(kind: &str, data: &Value) -> Option<Result<Occasion, Unreadable>> {
    let what = match kind {
        "amazoff.person.registered" => part::<Registered>(data).and_then(|registered| {
            link("verify_url", &registered.verify_url)?;
            Ok(What::VerifyAddress {
                url: registered.verify_url,
            })
        }),
        "amazoff.person.password_reset_requested" => {
            part::<ResetRequested>(data).and_then(|requested| {
                link("reset_url", &requested.reset_url)?;
                Ok(What::PasswordReset {
                    url: requested.reset_url,
                })
            })
        }
        "amazoff.person.registration_repeated" => Ok(What::RegistrationRepeated),
        "amazoff.person.password_changed" => Ok(What::PasswordChanged),
        "amazoff.person.erased" => Ok(What::AccountErased),
        _ => {
            let news = OrderNews::of(kind)?;
            notice(data).map(|notice| What::Order(news, notice.into()))
        }
    };
    Some(what.and_then(|what| {
        let to: Addressee = part(data)?;
        Ok(Occasion {
            email: to.email,
            name: to.name.and_then(|name| greeted(&name)),
            language: to.locale,
            what,
        })
    }))
}

impl What {
    /// The name of its kind, as staff see it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyAddress { .. } => "verify_address",
            Self::RegistrationRepeated => "registration_repeated",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::AccountErased => "account_erased",
            Self::Order(news, _) => news.kind(),
        }
    }
}

impl OrderNews {
    fn of(kind: &str) -> Option<Self> {
        Some(match kind.strip_prefix("amazoff.order.")? {
            "confirmed" => Self::Confirmed,
            "canceled" => Self::Canceled,
            "shipped" => Self::Shipped,
            "return_requested" => Self::ReturnRequested,
            "return_received" => Self::ReturnReceived,
            "refunded" => Self::Refunded,
            "withdrawn" => Self::Withdrawn,
            _ => return None,
        })
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Confirmed => "order_confirmed",
            Self::Canceled => "order_canceled",
            Self::Shipped => "order_shipped",
            Self::ReturnRequested => "return_requested",
            Self::ReturnReceived => "return_received",
            Self::Refunded => "order_refunded",
            Self::Withdrawn => "withdrawal_receipt",
        }
    }
}

fn notice(data: &Value) -> Result<Notice, Unreadable> {
    let notice: Notice = part(data)?;
    link("order_url", &notice.order_url)?;
    if let Some(url) = &notice.tracking_url {
        link("tracking_url", url)?;
    }
    Ok(notice)
}

fn part<T: DeserializeOwned>(data: &Value) -> Result<T, Unreadable> {
    // What is wrong may hold an address or a name, and would end in logs: it is not told.
    T::deserialize(data).map_err(|_personal| Unreadable::Data)
}

fn link(field: &'static str, url: &str) -> Result<(), Unreadable> {
    let is_page = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_page {
        Ok(())
    } else {
        Err(Unreadable::Link(field))
    }
}

/// A name that people may be greeted with. Anyone can register with any address and any name: a name must not make our mails carry
/// someone else's message to a stranger.
fn greeted(name: &str) -> Option<String> {
    let name = name.trim();
    let is_short = (1..=LONGEST_NAME).contains(&name.chars().count());
    let is_plain = name
        .chars()
        .all(|letter| letter.is_alphabetic() || " '’-.".contains(letter));
    let leads_nowhere = !name.split(' ').any(|word| {
        let inside = word.trim_matches('.');
        inside.contains('.') && inside.chars().count() > 4
    });
    (is_short && is_plain && leads_nowhere).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_carry_a_message_are_not_repeated() {
        for (name, is_used) in [
            ("Ann", true),
            (" Zoë O’Hara-Smith ", true),
            ("Jean-Pierre d'Arc", true),
            ("J. R. R. Tolkien", true),
            ("李雷", true),
            ("", false),
            ("Win 1000 € at http://evil.example", false),
            ("evil.example", false),
            ("go to evil.example now", false),
            ("Ann\nBcc: all", false),
            (&"A".repeat(61), false),
        ] {
            assert_eq!(greeted(name).is_some(), is_used, "{name}");
        }
    }

    #[test]
    fn what_is_not_as_agreed_is_not_sent() {
        let to = json!({"email": "ann@example.com", "name": "Ann", "locale": "fr"});
        let with = |field: &str, value: Value| {
            let mut data = to.clone();
            data[field] = value;
            data
        };
        for (kind, data, expected) in [
            (
                "amazoff.person.registered",
                with("verify_url", json!("https://shop.example/fr")),
                Ok(()),
            ),
            (
                "amazoff.person.registered",
                with("verify_url", json!("javascript:alert(1)")),
                Err(Unreadable::Link("verify_url")),
            ),
            (
                "amazoff.person.registered",
                to.clone(),
                Err(Unreadable::Data),
            ),
            ("amazoff.person.password_changed", to.clone(), Ok(())),
            (
                "amazoff.person.password_changed",
                json!({"locale": "fr"}),
                Err(Unreadable::Data),
            ),
            (
                "amazoff.person.password_changed",
                with("locale", json!("de")),
                Err(Unreadable::Data),
            ),
            ("amazoff.order.confirmed", to.clone(), Err(Unreadable::Data)),
        ] {
            let read = read(kind, &data).expect("concerns mails");
            assert_eq!(read.map(|_| ()), expected, "{kind} {data}");
        }
        for kind in [
            "amazoff.order.placed",
            "amazoff.order.expired",
            "amazoff.person.renamed",
            "other",
        ] {
            assert_eq!(read(kind, &to), None, "{kind}");
        }
    }
}
