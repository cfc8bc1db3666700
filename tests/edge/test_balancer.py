"""The documented balancer before two stand-ins for replicas: what it keeps, passes on, bounds."""

import http.client
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.replicas import configuration, haproxy
from tests.edge.serving import free_port

HOST = "lab.example.org"
CHUNK = b"6\r\ndata: \r\n"


class StandIn(ThreadingHTTPServer):
    """Answers every request with its own name, the host that was asked for, and the cookie."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.may_go_on = threading.Event()
        """Set when a stream may send its second part."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """Say nothing: the balancer ends its health checks by a reset."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_GET(self) -> None:
        if self.path.endswith("/events"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(CHUNK)
            self.server.may_go_on.wait(20)
            self.wfile.write(CHUNK + b"0\r\n\r\n")
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        words = f"{self.server.name} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Answer:
    status: int
    body: str
    headers: http.client.HTTPMessage


@dataclass
class Balancer:
    secure: int
    plain: int
    replicas: dict[str, StandIn]

    def connection(self) -> http.client.HTTPSConnection:
        trusting = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.secure, timeout=20, context=trusting)

    def ask(
        self, path: str, cookie: str = "", method: str = "GET", body: bytes | None = None
    ) -> Answer:
        connection = self.connection()
        headers = {"Host": HOST} | ({"Cookie": f"BN_LAB_REPLICA={cookie}"} if cookie else {})
        connection.request(method, path, body, headers)
        return _read(connection)


def _read(connection: http.client.HTTPConnection) -> Answer:
    answer = connection.getresponse()
    found = Answer(answer.status, answer.read().decode(), answer.headers)
    connection.close()
    return found


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    program, folder = haproxy(), tmp_path_factory.mktemp("balancer")
    replicas = {name: StandIn(name) for name in ("b", "c")}
    found = Balancer(free_port(), free_port(), replicas)
    ports = {name: replica.server_port for name, replica in replicas.items()}
    written = configuration(folder, ports, found.secure, found.plain)
    process = subprocess.Popen(
        [program, "-f", str(written)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            found.ask("/")
            break
        time.sleep(0.02)
    yield found
    process.terminate()
    process.wait(20)
    for replica in replicas.values():
        replica.shutdown()
        replica.server_close()


def cookie_of(answer: Answer) -> str:
    return (answer.headers["Set-Cookie"] or "").partition(";")[0].removeprefix("BN_LAB_REPLICA=")


def test_a_visit_stays_on_the_replica_of_its_cookie_and_newcomers_are_spread(
    balancer: Balancer,
) -> None:
    first = [balancer.ask("/") for _ in range(4)]
    assert {answer.body for answer in first} == {f"b {HOST}", f"c {HOST}"}
    assert [cookie_of(answer) for answer in first] == [answer.body[0] for answer in first]
    assert all("HttpOnly; Secure" in answer.headers["Set-Cookie"] for answer in first)
    for name in ("b", "c"):
        again = [balancer.ask(path, name) for path in ("/", "/lab-files/feed/x", "/media/x.csv")]
        assert {answer.body[0] for answer in again} == {name}
        assert [answer.headers["Set-Cookie"] for answer in again] == [None] * 3


@pytest.mark.parametrize("cookie", ["", "b", "c"])
def test_a_class_is_found_by_its_code_whatever_the_cookie_says(
    balancer: Balancer, cookie: str
) -> None:
    for code in ("BDFGHJ", "cdfghj", "C23456"):
        posted = balancer.ask(f"/lab-files/class/{code}/answers", cookie, "POST", b"{}")
        assert (posted.body[0], posted.headers["Set-Cookie"]) == (code[0].lower(), None)
        teacher = balancer.ask(f"/classroom?class={code}&key=x", cookie)
        assert (teacher.body[0], cookie_of(teacher)) == (code[0].lower(), code[0].lower())
    assert balancer.ask("/lab-files/class/XXXXXX/answers", cookie, "POST", b"{}").status == 200
    assert balancer.ask("/classroom?class=", cookie or "b").body[0] == (cookie or "b")


def test_events_are_passed_on_as_they_come(balancer: Balancer) -> None:
    connection = balancer.connection()
    connection.request("GET", "/lab-files/class/BDFGHJ/events", headers={"Host": HOST})
    stream = connection.getresponse()
    assert stream.read(6) == b"data: "
    balancer.replicas["b"].may_go_on.set()
    assert stream.read() == b"data: "
    connection.close()


def test_what_is_not_for_visitors_or_too_large_is_refused(balancer: Balancer) -> None:
    assert balancer.ask("/_stcore/metrics").status == 404
    too_large = balancer.connection()
    too_large.putrequest("POST", "/lab-files/files/0123456789abcdef")
    too_large.putheader("Content-Length", str(6 * 2**20))
    too_large.endheaders()
    assert _read(too_large).status == 413
    largest = bytes(5 * 2**20)
    assert balancer.ask("/lab-files/files/0123456789abcdef", "b", "POST", largest).status == 200


def test_plain_http_is_led_to_https(balancer: Balancer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", balancer.plain, timeout=20)
    connection.request("GET", "/join?c=BDFGHJ", headers={"Host": HOST})
    answer = _read(connection)
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/join?c=BDFGHJ")
    assert balancer.ask("/").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_replica_that_is_gone_is_left_by_visits_while_its_classes_wait(
    balancer: Balancer,
) -> None:
    balancer.replicas["b"].shutdown()  # the last test here, as the others ask both
    balancer.replicas["b"].server_close()
    moved = balancer.ask("/", "b")
    assert (moved.body[0], cookie_of(moved)) == ("c", "c")
    assert balancer.ask("/lab-files/class/BDFGHJ/students", "c", "POST", b"{}").status == 503
    waiting = balancer.ask("/classroom?class=BDFGHJ", "c")
    assert waiting.status == 503 and "tries again every five seconds" in waiting.body
    assert balancer.ask("/classroom?class=CDFGHJ", "c").status == 200
