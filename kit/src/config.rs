//! The part of the configuration that is the same in every service, and how all of it is read.

use std::{net::SocketAddr, time::Duration};

use clap::{
    Arg, ArgMatches, Command, Parser,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};
use url::Url;

/// Settings shared by every service, read once at start-up from flags or the environment.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address of the API.
    #[arg(long, env = "API_ADDR", default_value = "0.0.0.0:8080")]
    pub api_addr: SocketAddr,

    /// Address of /metrics, /health, /health/live and /health/ready; never exposed to shoppers.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9090")]
    pub admin_addr: SocketAddr,

    /// How log lines look: json for machines, pretty for people.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Which log lines appear, in the syntax of tracing's `EnvFilter`, such as `info,catalog=debug`.
    #[arg(long, env = "LOG_FILTER", default_value = "info")]
    pub log_filter: String,

    /// Where traces are sent over OTLP/HTTP, such as <http://collector:4318>; nothing is sent when absent.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<Url>,

    /// On SIGTERM, how many milliseconds the process keeps accepting while load balancers learn that it is leaving.
    #[arg(long, env = "SHUTDOWN_DRAIN_MS", default_value_t = 0)]
    pub shutdown_drain_ms: u64,

    /// After draining, how many milliseconds requests in flight may take before they are cut.
    #[arg(long, env = "SHUTDOWN_GRACE_MS", default_value_t = 20_000)]
    pub shutdown_grace_ms: u64,

    #[command(flatten)]
    _empty_is_unset: EmptyIsUnset,
}

impl Config {
    /// How long the process keeps accepting after it was asked to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.shutdown_drain_ms)
    }

    /// How long requests in flight may take once it no longer accepts.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Colored text.
    Pretty,
}

/// A setting that stops the start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It has no default.
    #[error("{0} must be set")]
    Missing(String),
    /// Its value can't be used.
    #[error("{variable} can't be {value:?}: {reason}")]
    Wrong {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
}

/// Reads a service's configuration, which holds [`Config`], from flags and the environment. Prints and ends the process when that is
/// asked for (`--help`), or when the flags make no sense.
pub fn read<C: Parser>() -> Result<C, SettingError> {
    C::try_parse().or_else(|error| match SettingError::of(&error, &C::command()) {
        Some(error) => Err(error),
        None => error.exit(),
    })
}

/// Reads the address of something that is called over HTTP.
pub fn http_url(text: &str) -> Result<Url, NotHttp> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or(NotHttp)
}

/// Text that is no address of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be an address such as http://127.0.0.1:8080 or https://shop.example")]
pub struct NotHttp;

impl SettingError {
    fn of(error: &clap::Error, command: &Command) -> Option<Self> {
        let strings = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        };
        let names: Vec<String> = strings(ContextKind::InvalidArg)
            .iter()
            .map(|usage| variable(command, usage))
            .collect();
        match error.kind() {
            ErrorKind::MissingRequiredArgument => Some(Self::Missing(names.join(" and "))),
            ErrorKind::ValueValidation | ErrorKind::InvalidValue => Some(Self::Wrong {
                variable: names.join(" and "),
                value: strings(ContextKind::InvalidValue).concat(),
                reason: match std::error::Error::source(error) {
                    Some(reason) => reason.to_string(),
                    None => format!(
                        "it is one of {}",
                        strings(ContextKind::ValidValue).join(", ")
                    ),
                },
            }),
            _ => None,
        }
    }
}

/// The variable of the setting that clap calls `--api-addr <API_ADDR>`.
fn variable(command: &Command, usage: &str) -> String {
    let flag = usage.trim_start_matches('-');
    let flag = flag.split_once(' ').map_or(flag, |(flag, _)| flag);
    command
        .get_arguments()
        .find(|setting| setting.get_long() == Some(flag))
        .and_then(Arg::get_env)
        .map_or_else(
            || usage.to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}

/// No setting, but a rule for all: a variable that is set but empty counts as unset. That is what an empty line in an
/// environment file means, and an empty value in a template. Flattened into [`Config`], it holds in every service.
#[derive(Debug, Clone, Copy)]
struct EmptyIsUnset;

impl clap::Args for EmptyIsUnset {
    /// Deferred, because a service adds settings of its own after these.
    fn augment_args(command: Command) -> Command {
        command.defer(|command| command.mut_args(unset_if_empty))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for EmptyIsUnset {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

fn unset_if_empty(setting: Arg) -> Arg {
    let value = setting.get_env().and_then(std::env::var_os);
    if value.is_some_and(|value| value.is_empty()) {
        setting.env(Resettable::Reset)
    } else {
        setting
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[derive(Debug, Parser)]
    struct Settings {
        #[command(flatten)]
        _kit: Config,

        #[arg(long, env = "PUBLIC_URL", value_parser = http_url)]
        _neighbor: Url,

        #[arg(long, env = "REDIS_URL")]
        _name: String,
    }

    #[track_caller]
    fn check(flags: &[&str], expected: &str) {
        let error = Settings::try_parse_from([&["program"], flags].concat()).expect_err("an error");
        let error = SettingError::of(&error, &Settings::command()).expect("a wrong setting");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_wrong_setting_is_told_in_a_sentence_that_names_its_variable() {
        let neighbor = ["--neighbor", "http://127.0.0.1:1"];
        check(&[], "PUBLIC_URL and REDIS_URL must be set");
        check(&neighbor, "REDIS_URL must be set");
        check(
            &["--neighbor", "a", "--name", "b"],
            "PUBLIC_URL can't be \"a\": it must be an address such as http://127.0.0.1:8080 or https://shop.example",
        );
        check(
            &["--log-format", "xml"],
            "LOG_FORMAT can't be \"xml\": it is one of json, pretty",
        );
        check(
            &["--otlp-endpoint", "a"],
            "OTEL_EXPORTER_OTLP_ENDPOINT can't be \"a\": relative URL without a base",
        );
    }
}
