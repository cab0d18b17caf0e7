//! A page that is one form, and a page that says one thing.

use crate::{
    assets, drawing,
    form::{Field, Mistakes},
    messages::{Messages, Plural},
    money::format_count,
    read_shopper::Shopper,
    shell::Shell,
};
use askama::Template;

/// A sentence above the form.
pub(crate) struct Notice {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// The mistakes of a form, with links to the fields.
pub(crate) struct Summary {
    pub(crate) title: String,
    pub(crate) mistakes: Vec<(String, String)>,
}

impl Summary {
    /// `None` when nothing is wrong.
    pub(crate) fn new(shopper: &Shopper, mistakes: &Mistakes) -> Option<Self> {
        let language = shopper.language();
        let list: Vec<(String, String)> = mistakes
            .iter()
            .map(|(field, sentence)| (field.to_owned(), sentence.to_owned()))
            .collect();
        let count = u64::try_from(list.len()).unwrap_or_default();
        (count > 0).then(|| Self {
            title: (shopper.messages().cart.mistakes)(
                &format_count(count, language),
                Plural::of(count, language),
            ),
            mistakes: list,
        })
    }
}

/// A page that is one form.
#[derive(Template)]
#[template(path = "form.html", whitespace = "minimize")]
pub(crate) struct FormPage {
    pub(crate) t: &'static Messages,
    pub(crate) shell: Shell,
    pub(crate) token: String,
    pub(crate) title: String,
    pub(crate) text: String,
    /// What was just done.
    pub(crate) said: Option<&'static str>,
    /// What is wrong with the whole.
    pub(crate) alert: Option<&'static str>,
    pub(crate) mistakes: Option<Summary>,
    pub(crate) fields: Vec<Field>,
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// Whose password is asked for, so that programs that keep passwords know.
    pub(crate) username: Option<String>,
    pub(crate) action: String,
    pub(crate) button: &'static str,
    /// Whether the button can't be undone.
    pub(crate) is_final: bool,
    pub(crate) links: Vec<(&'static str, String)>,
    /// Where a passkey is sent instead.
    pub(crate) passkey: Option<String>,
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html", whitespace = "minimize")]
pub(crate) struct MessagePage {
    pub(crate) t: &'static Messages,
    pub(crate) shell: Shell,
    pub(crate) picture: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) links: Vec<(&'static str, String)>,
}

impl Shopper {
    /// A page that is one form, which is sent to `action` (a path after the language).
    pub(crate) fn form_page(
        &mut self,
        title: &str,
        text: &str,
        action: &str,
        button: &'static str,
    ) -> FormPage {
        let t = self.messages();
        FormPage {
            t,
            shell: self.shell(
                title,
                if text.is_empty() {
                    t.account.description
                } else {
                    text
                },
            ),
            token: self.form_token(),
            title: title.to_owned(),
            text: text.to_owned(),
            said: None,
            alert: None,
            mistakes: None,
            fields: Vec::new(),
            hidden: Vec::new(),
            username: None,
            action: self.path(action),
            button,
            is_final: false,
            links: Vec::new(),
            passkey: None,
        }
    }

    /// A page that says one thing, with ways on.
    pub(crate) fn message_page(
        &self,
        picture: &'static str,
        title: &'static str,
        text: &'static str,
        links: Vec<(&'static str, String)>,
    ) -> MessagePage {
        MessagePage {
            t: self.messages(),
            shell: self.shell(title, text),
            picture,
            title,
            text,
            links,
        }
    }

    /// The field of an e-mail address that identifies somebody.
    pub(crate) fn email_field(&self, value: &str, mistakes: &Mistakes) -> Field {
        Field::new("email", self.messages().checkout.email, "email")
            .filled_by("username", "email")
            .at_most(254)
            .with(value)
            .judged(mistakes)
    }

    /// The field of a password that is known already.
    pub(crate) fn password_field(
        name: &'static str,
        label: &'static str,
        mistakes: &Mistakes,
    ) -> Field {
        Field::new(name, label, "password")
            .filled_by("current-password", "text")
            .at_most(200)
            .judged(mistakes)
    }

    /// The field of a password that is chosen.
    pub(crate) fn new_password_field(&self, label: &'static str, mistakes: &Mistakes) -> Field {
        Field::new("password", label, "password")
            .filled_by("new-password", "text")
            .at_most(200)
            .hinted(self.messages().account.password_hint)
            .judged(mistakes)
    }

    /// Notes what is wrong with a password that is chosen, as far as one can tell without its service.
    pub(crate) fn judge_password(&self, password: &str, mistakes: &mut Mistakes) {
        let fits = (8..=128).contains(&password.chars().count());
        mistakes.require(fits, "password", self.messages().account.password_short);
    }

    /// Where a form leads on to: one of a few pages, never an address from outside.
    pub(crate) fn next_href(&self, next: &str) -> String {
        let order = next
            .strip_prefix("orders/")
            .map(|rest| rest.split('/').next());
        let is_order = order
            .flatten()
            .is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
            && next
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-/".contains(&byte));
        match next {
            "checkout" | "cart" | "withdrawal" => self.path(next),
            _ if is_order => self.path(next),
            _ => self.path("account"),
        }
    }
}
