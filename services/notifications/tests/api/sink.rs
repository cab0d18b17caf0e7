//! A mail server of the test's own: as much of SMTP (RFC 5321) as a client that hands mails in needs, over TCP. It keeps what it takes, and refuses what it is told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// As it came, headers and all.
    pub(crate) data: String,
}

impl Taken {
    /// The value of a header, as sent.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ");
        unfolded.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// The parts of the body with their encoding undone, plain text first.
    pub(crate) fn parts(&self) -> Vec<String> {
        let kind = self.header("content-type").expect("a content type");
        let boundary = kind.split("boundary=").nth(1).expect("a boundary");
        let boundary = boundary.trim_matches('"').trim_end_matches('"');
        let marker = format!("--{boundary}");
        self.data
            .split(&marker)
            .skip(1)
            .filter(|part| !part.starts_with("--"))
            .map(|part| decoded(part.trim_start_matches("\r\n")))
            .collect()
    }
}

fn decoded(part: &str) -> String {
    let (head, body) = part.split_once("\r\n\r\n").expect("a body");
    let head = head.to_lowercase();
    let bytes = if head.contains("base64") {
        let text: String = body.split_whitespace().collect();
        STANDARD.decode(text).expect("base64")
    } else if head.contains("quoted-printable") {
        unquoted(body)
    } else {
        body.as_bytes().to_vec()
    };
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.replace("\r\n", "\n")
}

/// RFC 2045, section 6.7.
fn unquoted(body: &str) -> Vec<u8> {
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'=' && tail.len() >= 2 {
            let hex = std::str::from_utf8(&tail[..2]).expect("ASCII");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}

/// The mail server of a test.
#[derive(Clone)]
pub(crate) struct Sink {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    taken: Vec<Taken>,
    /// What is answered to `RCPT TO` of an address, each once.
    answers: BTreeMap<String, Vec<&'static str>>,
    /// How many mails are taken and then not acknowledged.
    hang_ups: usize,
    server: Option<JoinHandle<()>>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let sink = Self {
            port: kit::testing::free_port(),
            shared: Arc::default(),
        };
        sink.open().await;
        sink
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Listens, on the same port as before.
    pub(crate) async fn open(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .await
            .expect("the port");
        let shared = self.shared.clone();
        let server = tokio::spawn(async move {
            // Conversations end with the server.
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                conversations.spawn(async move { converse(stream, &shared).await.ok() });
            }
        });
        self.shared.lock().expect("whole").server = Some(server);
    }

    /// Stops listening, and hangs up on whoever is connected.
    pub(crate) async fn close(&self) {
        let server = self.shared.lock().expect("whole").server.take();
        if let Some(server) = server {
            server.abort();
            let _ended = server.await;
        }
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.lock().expect("whole").taken.clone()
    }

    /// Answers the next `RCPT TO` of an address with this.
    pub(crate) fn answer(&self, address: &str, answer: &'static str) {
        let mut shared = self.shared.lock().expect("whole");
        let answers = shared.answers.entry(address.to_owned()).or_default();
        answers.push(answer);
    }

    /// Takes the next mail, and hangs up instead of saying so.
    pub(crate) fn hang_up_once(&self) {
        self.shared.lock().expect("whole").hang_ups += 1;
    }
}

async fn converse(stream: TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    write.write_all(b"220 sink\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().to_uppercase();
        let answer = if verb.starts_with("EHLO") {
            "250-sink\r\n250 8BITMIME".to_owned()
        } else if verb.starts_with("MAIL FROM") {
            from = address(&line);
            to.clear();
            "250 ok".to_owned()
        } else if verb.starts_with("RCPT TO") {
            let mut shared = shared.lock().expect("whole");
            let answers = shared.answers.entry(address(&line)).or_default();
            if answers.is_empty() {
                to.push(address(&line));
                "250 ok".to_owned()
            } else {
                answers.remove(0).to_owned()
            }
        } else if verb == "DATA" {
            write.write_all(b"354 go on\r\n").await?;
            let data = read_data(&mut lines).await?;
            let mut shared = shared.lock().expect("whole");
            shared.taken.push(Taken {
                from: from.clone(),
                to: to.clone(),
                data,
            });
            if shared.hang_ups > 0 {
                shared.hang_ups -= 1;
                return Ok(());
            }
            "250 taken".to_owned()
        } else if verb == "QUIT" {
            write.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            "250 ok".to_owned()
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn read_data(lines: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn address(line: &str) -> String {
    let inside = line.split('<').nth(1).unwrap_or_default();
    inside.split('>').next().unwrap_or_default().to_owned()
}
