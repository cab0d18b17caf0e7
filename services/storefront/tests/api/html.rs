//! Just enough reading of markup to hold pages against what they must be.

/// What stands between `before` and `after`, wherever it does.
pub(crate) fn all_between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once(before) {
        let Some((inner, tail)) = tail.split_once(after) else {
            break;
        };
        found.push(inner);
        rest = tail;
    }
    found
}

/// What stands between `before` and `after` the first time.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    all_between(text, before, after).first().copied()
}

/// The opening tags of an element, without their brackets.
pub(crate) fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mut tags = all_between(html, &format!("<{name} "), ">");
    tags.extend(all_between(html, &format!("<{name}>"), ""));
    tags
}

/// An attribute of an opening tag.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let tag = tag
        .split_once(&format!("{name}=\""))
        .filter(|(before, _)| before.is_empty() || before.ends_with(' '))?;
    tag.1.split('"').next()
}

/// Text as it was before it was escaped.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
