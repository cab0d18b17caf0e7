//! A log line as JSON, written straight into the line: the general formatter of tracing goes through three serializers, which
//! is a fifth of what a gateway does.

use std::fmt::{self, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use crate::context;

/// `{"timestamp":…,"level":…,` the event's fields `,"target":…,"request.id":…,"trace.id":…}`. The last two say to which
/// request a line belongs.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut out)?;
        out.write_str("\",\"level\":\"")?;
        out.write_str(metadata.level().as_str())?;
        out.write_char('"')?;
        let mut fields = Fields {
            out,
            result: Ok(()),
            names_request: false,
        };
        event.record(&mut fields);
        fields.result?;
        fields.str("target", metadata.target())?;
        if !fields.names_request
            && let Some(result) = context::with_current(|context| {
                fields.str(
                    "request.id",
                    context.request_id.to_str().unwrap_or_default(),
                )?;
                fields.str("trace.id", &context.trace_id_hex())
            })
        {
            result?;
        }
        fields.out.write_str("}\n")
    }
}

struct Fields<'out> {
    out: Writer<'out>,
    result: fmt::Result,
    names_request: bool,
}

impl Fields<'_> {
    fn name(&mut self, name: &str) -> fmt::Result {
        // Names are ours: nothing in them needs escaping.
        self.out.write_str(",\"")?;
        self.out.write_str(name)?;
        self.out.write_str("\":")
    }

    fn str(&mut self, name: &str, value: &str) -> fmt::Result {
        self.name(name)?;
        self.out.write_char('"')?;
        Escaped(&mut self.out).write_str(value)?;
        self.out.write_char('"')
    }

    fn plain(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        self.name(name)?;
        write!(self.out, "{value}")
    }

    fn debug(&mut self, name: &str, value: &dyn fmt::Debug) -> fmt::Result {
        self.name(name)?;
        self.out.write_char('"')?;
        write!(Escaped(&mut self.out), "{value:?}")?;
        self.out.write_char('"')
    }

    fn keep(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = write(self);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.names_request |= field.name() == "request.id";
        self.keep(|fields| fields.str(field.name(), value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(|fields| fields.plain(field.name(), value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(|fields| fields.plain(field.name(), value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(|fields| fields.plain(field.name(), value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(|fields| {
            if value.is_finite() {
                fields.plain(field.name(), value)
            } else {
                fields.plain(field.name(), "null")
            }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(|fields| fields.debug(field.name(), value));
    }
}

/// Writes text as the inside of a JSON string.
struct Escaped<'out, W>(&'out mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest
            .bytes()
            .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
        {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut letters = special.chars();
            match letters.next() {
                Some('\n') => self.0.write_str("\\n")?,
                Some(letter @ ('"' | '\\')) => {
                    self.0.write_char('\\')?;
                    self.0.write_char(letter)?;
                }
                Some(letter) => write!(self.0, "\\u{:04x}", u32::from(letter))?,
                None => {}
            }
            rest = letters.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError},
    };

    use http::HeaderMap;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::context::RequestContext;

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shown.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> Value {
        let shown = Shown::default();
        let writer = shown.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(JsonLines);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let shown = shown.0.lock().expect("a lock");
        serde_json::from_slice(&shown).expect("one line of JSON")
    }

    #[test]
    fn writes_every_kind_of_field() {
        let line = logged(|| {
            tracing::warn!(
                target: "here",
                text = "a \"quoted\" \\ line\nbreak\u{1} é",
                number = -3,
                large = u64::MAX,
                ratio = 0.5,
                nothing = f64::NAN,
                yes = true,
                shown = %"plain",
                debugged = ?"quoted",
                "message {}",
                1
            );
        });
        assert_eq!(line["text"], "a \"quoted\" \\ line\nbreak\u{1} é");
        assert_eq!(line["number"], -3);
        assert_eq!(line["large"], u64::MAX);
        assert_eq!(line["ratio"], 0.5);
        assert!(line["nothing"].is_null());
        assert_eq!(line["yes"], true);
        assert_eq!(line["shown"], "plain");
        assert_eq!(line["debugged"], "\"quoted\"");
        assert_eq!(line["message"], "message 1");
        assert_eq!(
            (&line["level"], &line["target"]),
            (&Value::from("WARN"), &Value::from("here"))
        );
        assert!(
            line["timestamp"]
                .as_str()
                .is_some_and(|at| at.ends_with('Z'))
        );
    }

    #[test]
    fn says_to_which_request_a_line_belongs() {
        let context = RequestContext::from_headers(&HeaderMap::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let line = logged(|| {
            runtime.block_on(context::scope(context.clone(), async {
                tracing::info!("inside");
            }));
        });
        assert_eq!(
            line["request.id"],
            context.request_id.to_str().expect("ascii")
        );
        assert_eq!(line["trace.id"], context.trace_id_hex());
        assert!(
            logged(|| tracing::info!("outside"))
                .get("request.id")
                .is_none()
        );
    }
}
