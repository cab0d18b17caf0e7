//! What a form sends, and how its fields are shown: with what was typed, what is wrong with it, and how to mend it.

/// The fields that a form sent.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

/// A field of a form as it is shown.
#[derive(Debug, Clone, Default)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    /// The type of the input; `select` for a list.
    pub kind: &'static str,
    pub autocomplete: &'static str,
    pub inputmode: &'static str,
    pub is_required: bool,
    /// The most characters.
    pub most: usize,
    pub hint: &'static str,
    pub error: Option<String>,
    /// The class that says how wide it is.
    pub width: &'static str,
    /// What a list offers.
    pub options: Vec<Entry>,
}

/// An entry of a list.
#[derive(Debug, Clone)]
pub struct Entry {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

/// What is wrong with a form, field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<(String, String)>);

impl Form {
    /// The pairs of an `application/x-www-form-urlencoded` body.
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The text of a field without spaces around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The text of a field as it was typed: for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The text of a field, if there is any.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Whether a box was ticked or a button pressed.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.filled(name)?.parse().ok()
    }

    /// The fields whose name begins so, without that beginning.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

impl Field {
    /// A required line of text.
    pub fn new(name: &'static str, label: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            label,
            kind,
            is_required: true,
            autocomplete: "off",
            most: 200,
            ..Self::default()
        }
    }

    /// How browsers fill it in, and which keyboard phones show.
    #[must_use]
    pub fn filled_by(mut self, autocomplete: &'static str, inputmode: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self.inputmode = inputmode;
        self
    }

    /// The most characters it takes.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// It may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// A sentence under the label.
    #[must_use]
    pub fn hinted(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The class that says how wide it is.
    #[must_use]
    pub fn wide(mut self, width: &'static str) -> Self {
        self.width = width;
        self
    }

    /// What it holds.
    #[must_use]
    pub fn with(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// What a list offers.
    #[must_use]
    pub fn among(mut self, options: Vec<Entry>) -> Self {
        self.options = options;
        self
    }

    /// With what is wrong with it.
    #[must_use]
    pub fn judged(mut self, mistakes: &Mistakes) -> Self {
        self.error = mistakes.of(self.name).map(str::to_owned);
        self
    }

    /// The ids of the sentences that describe it.
    pub fn described_by(&self) -> Option<String> {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        if self.error.is_some() {
            ids.push(format!("{}-error", self.name));
        }
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

impl Mistakes {
    /// Notes what is wrong with a field, unless something else is already.
    pub fn add(&mut self, field: impl Into<String>, sentence: impl Into<String>) {
        let field = field.into();
        if self.of(&field).is_none() {
            self.0.push((field, sentence.into()));
        }
    }

    /// Notes it unless it `is_so`.
    pub fn require(&mut self, is_so: bool, field: &str, sentence: &str) {
        if !is_so {
            self.add(field, sentence);
        }
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == field)
            .map(|(_, sentence)| sentence.as_str())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every field with what is wrong with it, in the order found.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(field, sentence)| (field.as_str(), sentence.as_str()))
    }
}

/// One line of text: no control characters, which would break labels and mails.
pub fn is_line(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Whether a mail can be sent there, as far as the text tells.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    !local.is_empty()
        && text.len() <= 254
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
        && !local.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_form_sends() {
        let form =
            Form::parse(b"name=+Ada+&name=Eve&password=+x+&quantity=3&line-a=2&line-b=0&empty=");
        assert_eq!((form.text("name"), form.raw("password")), ("Ada", " x "));
        assert_eq!(
            (form.number("quantity"), form.number("name")),
            (Some(3), None)
        );
        assert_eq!((form.filled("empty"), form.has("empty")), (None, true));
        assert_eq!(
            form.with_prefix("line-").collect::<Vec<_>>(),
            [("a", "2"), ("b", "0")]
        );
        assert_eq!(form.text("absent"), "");
    }

    #[test]
    fn a_field_says_its_first_mistake() {
        let mut mistakes = Mistakes::default();
        mistakes.require(true, "city", "never");
        mistakes.add("email", "first");
        mistakes.add("email", "second");
        let field = Field::new("email", "E-mail", "email").judged(&mistakes);
        assert_eq!(field.error.as_deref(), Some("first"));
        assert_eq!(field.described_by().as_deref(), Some("email-error"));
        assert_eq!(mistakes.iter().count(), 1);
    }

    #[test]
    fn knows_what_can_be_written_to() {
        for (text, can) in [
            ("ada@example.com", true),
            ("jean.dupont+shop@exemple.fr", true),
            ("ada", false),
            ("ada@example", false),
            ("@example.com", false),
            ("a da@example.com", false),
            ("ada@example.com,eve@example.com", false),
            ("a@b@example.com", false),
            ("ada@example.", false),
        ] {
            assert_eq!(is_email(text), can, "{text}");
        }
    }
}
