//! The mail server, to which mails are handed in by SMTP (RFC 5321).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp,
};
use uuid::Uuid;

use crate::{language::Language, letter::Written, mail::Failure};

/// How long one command of a conversation may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long handing in one mail may take. Well below [`crate::deliver_mails::LEASE`].
const MAIL_TIMEOUT: Duration = Duration::from_mins(1);

/// The mail server, and in whose name mails are handed in.
#[derive(Debug, Clone)]
pub struct PostOffice {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// A setting that stops the start. It repeats no value: there is a password in one.
#[derive(Debug, thiserror::Error)]
pub enum PostOfficeError {
    /// Where mails are handed in.
    #[error("SMTP_URL must be an address such as smtps://user:password@host or smtp://host:1025")]
    Url(#[source] smtp::Error),
    /// Who the mails are from.
    #[error("MAIL_FROM must be an address such as \"Amazoff <shop@example.com>\"")]
    From(#[source] lettre::address::AddressError),
}

impl PostOffice {
    /// Prepares to connect; the first mail connects.
    pub fn new(url: &str, from: &str) -> Result<Self, PostOfficeError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(PostOfficeError::Url)?
            .timeout(Some(COMMAND_TIMEOUT))
            .build();
        let from = from.parse().map_err(PostOfficeError::From)?;
        Ok(Self { transport, from })
    }

    /// Whether mails can be handed in now.
    pub async fn reachable(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server hung up".to_owned()),
            Err(error) => Err(kit::problem::chain(&error)),
        }
    }

    /// Hands a mail in. However often it is, it has the same `Message-ID`, by which mail servers and readers know it for the same.
    pub async fn send(
        &self,
        id: Uuid,
        to: &str,
        written: Written,
        language: Language,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let message = self.message(id, to, written, language, now)?;
        match tokio::time::timeout(MAIL_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::Delayed("no answer in time".to_owned())),
        }
    }

    fn message(
        &self,
        id: Uuid,
        to: &str,
        written: Written,
        language: Language,
        now: Timestamp,
    ) -> Result<Message, Failure> {
        // The errors repeat the address, and are not told.
        let to: Mailbox = to
            .parse()
            .map_err(|_address| Failure::Unwritable("the address is none".to_owned()))?;
        let header = |name, value: &str| HeaderValue::new(name, value.to_owned());
        Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(SystemTime::from(now))
            .from(self.from.clone())
            .to(to)
            .subject(written.subject)
            // No holiday notice answers (RFC 3834).
            .raw_header(header(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated",
            ))
            .raw_header(header(
                HeaderName::new_from_ascii_str("Content-Language"),
                language.code(),
            ))
            .multipart(MultiPart::alternative_plain_html(
                written.text,
                written.html,
            ))
            .map_err(|_address| Failure::Unwritable("its headers".to_owned()))
    }
}

fn failure(error: &smtp::Error) -> Failure {
    let code = error.status().map(|code| code.to_string());
    if error.is_permanent() {
        return Failure::Refused(code.unwrap_or_default());
    }
    if error.is_client() {
        // An address with letters beyond ASCII, and a server without SMTPUTF8.
        return Failure::Unwritable("the mail server lacks what it needs".to_owned());
    }
    Failure::Delayed(code.unwrap_or_else(|| {
        if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            "the connection failed".to_owned()
        }
    }))
}
