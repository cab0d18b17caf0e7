//! What the services say of orders, payments and mails, read page by page.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, de::DeserializeOwned};

use crate::LoadError;

/// Rows of a page of the shop's APIs.
const PAGE: usize = 100;
/// Mails of a page of the mail server's.
const MAILS: usize = 2000;

/// Everything that is held against each other.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    /// Of the period that is looked at.
    pub(crate) orders: Vec<Order>,
    pub(crate) payments: Vec<Payment>,
    /// Events that a neighbor refused for good.
    pub(crate) dead_letters: Vec<DeadLetter>,
    /// `None` when nobody said where they are.
    pub(crate) mails: Option<Vec<Mail>>,
}

/// The sums that orders gives.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) units: Units,
    pub(crate) movements: BTreeMap<String, i64>,
    pub(crate) money: Vec<MoneyRow>,
    pub(crate) balanced: bool,
    pub(crate) odd_stock: Vec<String>,
    pub(crate) odd_orders: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Units {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) held: i64,
    pub(crate) sold: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MoneyRow {
    pub(crate) captured: Money,
    pub(crate) accepted: Money,
    pub(crate) refunded: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Money {
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) states: States,
    pub(crate) total: Money,
    pub(crate) units: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct States {
    pub(crate) order: String,
    pub(crate) payment: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) state: String,
    pub(crate) amount: Money,
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeadLetter {
    pub(crate) id: String,
}

/// A mail as the mail server keeps it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mail {
    /// The mail server's own name for it.
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(rename = "MessageID")]
    pub(crate) message_id: String,
    pub(crate) subject: String,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Mail>,
}

/// Where the books are, and what opens them.
pub(crate) struct Reader {
    pub(crate) client: reqwest::Client,
    pub(crate) shop: String,
    pub(crate) token: String,
    pub(crate) mails: Option<String>,
    /// The first order to look at: ids of orders and payments grow with time. `None`: all.
    pub(crate) since: Option<String>,
}

impl Reader {
    /// Reads all of them. The sums come last: whatever happens meanwhile shows in them at the latest.
    pub(crate) async fn read(&self) -> Result<Books, LoadError> {
        let mails = match &self.mails {
            Some(url) => Some(self.messages(url).await?),
            None => None,
        };
        Ok(Books {
            mails,
            payments: self.walk("/v1/payments", |row: &Payment| &row.id).await?,
            orders: self.walk("/v1/orders", |row: &Order| &row.id).await?,
            dead_letters: self.all("/v1/dead-letters").await?,
            ledger: self.get(format!("{}/v1/ledger", self.shop)).await?,
        })
    }

    /// Rows from the newest back to the first that is looked at.
    async fn walk<T: DeserializeOwned>(
        &self,
        path: &str,
        id: impl Fn(&T) -> &String,
    ) -> Result<Vec<T>, LoadError> {
        let is_wanted = |row: &T| self.since.as_ref().is_none_or(|since| id(row) >= since);
        let mut rows = Vec::new();
        let mut cursor = None;
        loop {
            let page: Page<T> = self.page(path, cursor.as_deref()).await?;
            let is_last = page.items.last().is_none_or(|row| !is_wanted(row));
            rows.extend(page.items.into_iter().filter(|row| is_wanted(row)));
            cursor = page.next_cursor;
            if is_last || cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, LoadError> {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let page: Page<T> = self.page(path, cursor.as_deref()).await?;
            rows.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        cursor: Option<&str>,
    ) -> Result<Page<T>, LoadError> {
        let mut url = format!("{}{path}?limit={PAGE}", self.shop);
        if let Some(cursor) = cursor {
            url += "&cursor=";
            url.extend(url::form_urlencoded::byte_serialize(cursor.as_bytes()));
        }
        self.get(url).await
    }

    /// Every mail once, however many come in while the pages are read.
    async fn messages(&self, base: &str) -> Result<Vec<Mail>, LoadError> {
        let mut mails = HashMap::new();
        let mut start = 0;
        loop {
            let url = format!("{base}/api/v1/messages?start={start}&limit={MAILS}");
            let page: Messages = self.get(url).await?;
            let length = page.messages.len();
            mails.extend(
                page.messages
                    .into_iter()
                    .map(|mail| (mail.id.clone(), mail)),
            );
            start += length;
            if length < MAILS {
                return Ok(mails.into_values().collect());
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: String) -> Result<T, LoadError> {
        let unreachable = |error| LoadError::Discover(url.clone(), error);
        let response = self
            .client
            .get(&url)
            .bearer_auth(&self.token)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(unreachable)?;
        response.json().await.map_err(unreachable)
    }
}
