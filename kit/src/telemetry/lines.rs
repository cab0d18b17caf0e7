//! Lines on their way to standard output.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// How long lines are gathered before they are written together. Waking a thread for each would cost a busy service more than
/// making the line does.
const GATHER: Duration = Duration::from_millis(20);
/// More than this waits for the reader: a line is never lost, and memory is bounded.
const MAX_WAITING: usize = 1024 * 1024;

/// Where lines are put. Clones share it.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    closed: bool,
}

/// Writes what is left when dropped.
pub(super) struct Guard {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Self, Guard)> {
        let lines = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }));
        let thread = {
            let lines = lines.clone();
            std::thread::Builder::new()
                .name("log".to_owned())
                .spawn(move || lines.write_to(out))?
        };
        let guard = Guard {
            lines: lines.clone(),
            thread: Some(thread),
        };
        Ok((lines, guard))
    }

    fn write_to(self, mut out: impl Write) {
        let mut bytes = Vec::new();
        loop {
            let mut waiting = self.lock();
            while waiting.bytes.is_empty() && !waiting.closed {
                waiting = self
                    .0
                    .filled
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if !waiting.closed {
                drop(waiting);
                std::thread::sleep(GATHER);
                waiting = self.lock();
            }
            mem::swap(&mut bytes, &mut waiting.bytes);
            let last = waiting.closed;
            drop(waiting);
            self.0.emptied.notify_all();
            // There is nowhere to say that standard output is gone.
            let _gone = out.write_all(&bytes).and_then(|()| out.flush());
            bytes.clear();
            if last {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lines.lock().closed = true;
        self.lines.0.filled.notify_all();
        if let Some(thread) = self.thread.take() {
            let _it_panicked = thread.join();
        }
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lock();
        while waiting.bytes.len() > MAX_WAITING && !waiting.closed {
            waiting = self
                .0
                .emptied
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if first {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'lines> MakeWriter<'lines> for Lines {
    type Writer = &'lines Lines;

    fn make_writer(&'lines self) -> &'lines Lines {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shown.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn writes_every_line_in_order_and_the_last_ones_at_the_end() {
        let shown = Shown::default();
        let (lines, guard) = Lines::start(shown.clone()).expect("a thread");
        let long = "x".repeat(100_000);
        let mut expected = String::new();
        for number in 0..30 {
            let line = format!("{number} {long}\n");
            (&lines).write_all(line.as_bytes()).expect("taken");
            expected += &line;
        }
        drop(guard);
        assert!(shown.0.lock().expect("a lock").as_slice() == expected.as_bytes());
    }
}
