"""A stand-in for the shop's import endpoints: reads the stream, reports, and can be told to misbehave."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop:
    """Stores rows by key. `cut_after` drops each of the first connections after so many lines; `breaks_after` breaks the
    first one there, with rows unread."""

    def __init__(self, cut_after=(), breaks_after=None, refuse=None, reject=(), batch=5):
        self.rows = {"categories": {}, "products": {}}
        self.lines_seen = []
        self.cut_after = list(cut_after)
        self.breaks_after = breaks_after
        self.refuse = refuse
        self.reject = set(reject)
        self.batch = batch
        self.tokens = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                shop.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        self.tokens.append(request.headers.get("Authorization"))
        kind = request.path.split("?")[0].rsplit("/", 1)[1]
        if self.refuse:
            body = json.dumps({"title": "Not allowed.", "detail": "The token does not permit it."}).encode()
            request.send_response(self.refuse)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
            request.close_connection = True
            return
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        self.take(request, kind, int(request.path.split("from_line=")[1]))

    def take(self, request, kind, first):
        cut = self.cut_after.pop(0) if kind == "products" and self.cut_after else None
        accepted = rejected = number = 0
        for number, line in enumerate(lines(request.rfile), start=1):
            if number < first or cut is not None and number > cut:
                continue
            if kind == "products" and number == self.breaks_after:
                self.breaks_after = None
                request.connection.shutdown(socket.SHUT_RDWR)
                request.close_connection = True
                return
            row = json.loads(line)
            self.lines_seen.append((kind, number))
            if row["key"] in self.reject:
                rejected += 1
                report(request, type="rejected", line=number, key=row["key"], field="name.fr", detail="is missing")
            else:
                accepted += 1
                self.rows[kind][row["key"]] = row
            if number % self.batch == 0:
                report(request, type="progress", line=number, accepted=accepted, rejected=rejected)
        if cut is not None:
            # Only now: to close with rows unread would reset the connection, and lose reports that were on their way.
            request.close_connection = True
            return
        report(request, type="done", line=number, accepted=accepted, rejected=rejected)
        request.wfile.write(b"0\r\n\r\n")


def report(request, **fields):
    line = json.dumps(fields).encode() + b"\n"
    request.wfile.write(b"%X\r\n%b\r\n" % (len(line), line))
    request.wfile.flush()


def lines(stream):
    """The lines of a chunked body."""
    rest = b""
    while size := int(stream.readline(), 16):
        rest += stream.read(size)
        stream.readline()
        *whole, rest = rest.split(b"\n")
        yield from whole
    stream.readline()
