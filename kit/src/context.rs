//! Who asked, carried through a request: its id and its W3C trace context (<https://www.w3.org/TR/trace-context/>).

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::random_bytes;

/// Names the request in logs, answers and calls to other services.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The trace context in and out.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Vendor data that travels with it, passed on as it came.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// One request's place in the traffic of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The id that a trusted caller sent, or a new one: 32 hexadecimal digits.
    pub request_id: HeaderValue,
    /// The trace that this request is part of.
    pub trace_id: [u8; 16],
    /// The span of this service in the trace; the parent of the calls it makes.
    pub span_id: [u8; 8],
    /// Whether the caller records the trace.
    pub sampled: bool,
    /// `tracestate` as it came.
    pub tracestate: Option<HeaderValue>,
}

impl RequestContext {
    /// Continues the caller's context, or begins a new one where headers are missing or malformed.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let parent = headers
            .get(TRACEPARENT)
            .and_then(|value| parse_traceparent(value.as_bytes()));
        let request_id = headers
            .get(REQUEST_ID)
            .filter(|id| is_request_id(id.as_bytes()))
            .cloned();
        // All that may be needed at once: asking for randomness costs more than using it.
        let random: [u8; 40] = random_bytes();
        let (new_request, rest) = random.split_at(16);
        let (new_trace, new_span) = rest.split_at(16);
        let (trace_id, sampled) = parent.map_or_else(
            || (array(new_trace), true),
            |(trace_id, _, sampled)| (trace_id, sampled),
        );
        Self {
            request_id: request_id.unwrap_or_else(|| header_value(hex(new_request))),
            trace_id,
            span_id: array(new_span),
            sampled,
            tracestate: parent.and_then(|_| headers.get(TRACESTATE).cloned()),
        }
    }

    /// Writes the context to a call this service makes.
    pub fn inject(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request_id.clone());
        headers.insert(TRACEPARENT, self.traceparent());
        if let Some(tracestate) = &self.tracestate {
            headers.insert(TRACESTATE, tracestate.clone());
        }
    }

    /// The `traceparent` header for calls this service makes.
    pub fn traceparent(&self) -> HeaderValue {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        push_hex(&mut text, &self.trace_id);
        text.push('-');
        push_hex(&mut text, &self.span_id);
        text.push_str(if self.sampled { "-01" } else { "-00" });
        header_value(text)
    }

    /// The trace id as logs show it: 32 hexadecimal digits.
    pub fn trace_id_hex(&self) -> String {
        hex(&self.trace_id)
    }
}

/// Writes the current request's context to `headers`; does nothing outside a request.
pub fn inject(headers: &mut HeaderMap) {
    let _outside_a_request = CURRENT.try_with(|context| context.inject(headers));
}

/// The context of the current request, if there is one.
pub fn current() -> Option<RequestContext> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Looks at the context of the current request, if there is one.
pub(crate) fn with_current<T>(look: impl FnOnce(&RequestContext) -> T) -> Option<T> {
    CURRENT.try_with(look).ok()
}

/// Runs `future` as part of the request that `context` describes.
pub async fn scope<F: Future>(context: RequestContext, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// `version-trace_id-parent_id-flags`; later versions may append fields, which are ignored.
pub(crate) fn parse_traceparent(value: &[u8]) -> Option<([u8; 16], [u8; 8], bool)> {
    let value = std::str::from_utf8(value).ok()?;
    let mut parts = value.trim().split('-');
    let (version, trace_id, span_id, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let [version] = unhex::<1>(version)?;
    let trailing = parts.next().is_some();
    if version == 0xff || (version == 0 && trailing) {
        return None;
    }
    let (trace_id, span_id, [flags]) = (
        unhex::<16>(trace_id)?,
        unhex::<8>(span_id)?,
        unhex::<1>(flags)?,
    );
    (trace_id != [0; 16] && span_id != [0; 8]).then_some((trace_id, span_id, flags & 1 == 1))
}

/// Only short, plain ids are taken from outside: they end up in logs.
fn is_request_id(id: &[u8]) -> bool {
    (8..=64).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != N * 2 || !text.bytes().all(lower_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn continues_the_trace_of_the_caller_with_a_span_of_its_own() {
        let headers = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(GOOD))]);
        let context = RequestContext::from_headers(&headers);
        assert_eq!(context.trace_id_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let mut out = HeaderMap::new();
        context.inject(&mut out);
        let out = out[TRACEPARENT].to_str().expect("ascii");
        assert!(
            out.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
                && out.ends_with("-01")
                && out != GOOD
        );
    }

    #[test]
    fn begins_a_new_trace_when_the_header_is_malformed() {
        for (value, valid) in [
            (GOOD, true),
            (
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                true,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                false,
            ),
            (
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                false,
            ),
            (
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                false,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                false,
            ),
            (
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                false,
            ),
            ("00-é", false),
            ("", false),
        ] {
            assert_eq!(
                parse_traceparent(value.as_bytes()).is_some(),
                valid,
                "{value}"
            );
        }
    }

    #[test]
    fn takes_only_plain_request_ids() {
        for (id, taken) in [
            ("0123-abcd_X.y", true),
            ("short", false),
            ("with space", false),
            ("line\tbreak", false),
        ] {
            let headers =
                HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).expect("a header"))]);
            assert_eq!(
                RequestContext::from_headers(&headers).request_id == id,
                taken,
                "{id}"
            );
        }
    }
}
