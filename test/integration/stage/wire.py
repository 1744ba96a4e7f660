"""A raw client of PostgreSQL's protocol 3.0: sends what it is told, returns every message that came.

No library between the test and the octets: that is its purpose. One thread; each read has a time limit.
"""
import socket
import struct

LIMIT = 20  # seconds without an octet: the other side is taken for hung


class Closed(Exception):
    """The other side ended the session; `messages` is what came before."""

    def __init__(self, messages):
        super().__init__(f"session ended after {[kind for kind, _ in messages]} {errors(messages)}")
        self.messages = messages


class Refused(Exception):
    """The login ended in an ErrorResponse."""

    def __init__(self, fields):
        super().__init__(str(fields))
        self.fields = fields


# ---- messages ----

def text(value):
    return (value if isinstance(value, bytes) else value.encode()) + b"\0"


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def query(sql):
    return message("Q", text(sql))


def parse(sql, name="", types=()):
    return message("P", text(name) + text(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(values=(), *, portal="", statement="", formats=(), results=()):
    """A value is None, str or bytes."""
    body = text(portal) + text(statement) + struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    body += struct.pack("!H", len(values))
    for value in values:
        octets = value.encode() if isinstance(value, str) else value
        body += struct.pack("!i", -1) if octets is None else struct.pack("!i", len(octets)) + octets
    return message("B", body + struct.pack(f"!H{len(results)}H", len(results), *results))


def describe(kind="P", name=""):
    return message("D", kind.encode() + text(name))


def execute(portal="", rows=0):
    return message("E", text(portal) + struct.pack("!I", rows))


def close(kind, name):
    return message("C", kind.encode() + text(name))


def copy_data(octets):
    return message("d", octets)


def copy_fail(why="the client gave up"):
    return message("f", text(why))


def function_call(oid, arguments=(), argument_format=0, result_format=0):
    body = struct.pack("!IHHH", oid, 1, argument_format, len(arguments))
    for value in arguments:
        octets = value.encode() if isinstance(value, str) else value
        body += struct.pack("!i", -1) if octets is None else struct.pack("!i", len(octets)) + octets
    return message("F", body + struct.pack("!H", result_format))


SYNC, FLUSH, TERMINATE, COPY_DONE = message("S"), message("H"), message("X"), message("c")
SSL_REQUEST, GSS_REQUEST = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)


def startup(settings, version=196608):
    body = struct.pack("!I", version)
    for name, value in settings.items():
        body += text(name) + text(value)
    return struct.pack("!I", len(body) + 5) + body + b"\0"


def cancel_request(process, key):
    return struct.pack("!IIII", 16, 80877102, process, key)


def fields_of(body):
    """An ErrorResponse's or NoticeResponse's fields."""
    return {chr(part[0]): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def errors(messages):
    return [fields_of(body) for kind, body in messages if kind == "E"]


def values_of(body):
    """A DataRow's values."""
    count, = struct.unpack_from("!H", body)
    offset, out = 2, []
    for _ in range(count):
        length, = struct.unpack_from("!i", body, offset)
        offset += 4
        out.append(None if length < 0 else body[offset:offset + length])
        offset += max(length, 0)
    return out


def rows_of(messages):
    return [[None if value is None else value.decode(errors="replace") for value in values_of(body)]
            for kind, body in messages if kind == "D"]


# ---- the session ----

class Wire:
    """`address` is (host, port) or the path of a Unix socket. After the login, `greeting` holds what the server said
    behind AuthenticationOk."""

    def __init__(self, address, *, user, database, password=None, tls=None, limit=LIMIT, login=True, **settings):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(limit)
        self.socket.connect(address)
        if not isinstance(address, str):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = bytearray()
        self.greeting = []
        try:
            if tls:
                self.secure(tls)
            if login:
                self.log_in({"user": user, "database": database, **settings}, password)
        except BaseException:
            self.socket.close()
            raise

    def secure(self, tls):
        self.socket.sendall(SSL_REQUEST)
        answer = self.socket.recv(1)
        assert answer == b"S", f"SSLRequest was answered by {answer!r}"
        self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")

    def log_in(self, settings, password):
        self.send(startup(settings))
        while True:
            kind, body = self.read()
            if kind == "E":
                raise Refused(fields_of(body))
            if kind == "R" and body == struct.pack("!I", 3):
                self.send(message("p", text(password or "")))
            elif kind == "R" and body == struct.pack("!I", 0):
                self.greeting = self.read_until("Z")
                return
            elif kind not in "NvS":
                raise AssertionError(f"login: unexpected {kind} {body!r}")

    def send(self, octets):
        self.socket.sendall(octets)

    def read(self):
        """One message: (kind, body)."""
        while len(self.held) < 5 or len(self.held) < 1 + struct.unpack_from("!I", self.held, 1)[0]:
            octets = self.socket.recv(65536)
            if not octets:
                raise Closed([])
            self.held += octets
        length = struct.unpack_from("!I", self.held, 1)[0]
        kind, body = chr(self.held[0]), bytes(self.held[5:1 + length])
        del self.held[:1 + length]
        return kind, body

    def read_until(self, ends):
        """Messages up to those whose kinds are in `ends`, in that order: "ZZ" is two ReadyForQuery."""
        out = []
        for end in ends:
            while True:
                try:
                    out.append(self.read())
                except Closed:
                    raise Closed(out) from None
                except TimeoutError:
                    raise TimeoutError(f"no '{end}' within {self.socket.gettimeout()} s; "
                                       f"came: {[kind for kind, _ in out]} {errors(out)}") from None
                if out[-1][0] == end:
                    break
        return out

    def ask(self, octets, ends="Z"):
        self.send(octets)
        return self.read_until(ends)

    def query(self, sql):
        """The rows of one simple query; its error is raised."""
        messages = self.ask(query(sql))
        for fields in errors(messages):
            raise Refused(fields)
        return rows_of(messages)

    def key(self):
        """(process, key) for a cancel request."""
        return struct.unpack("!II", next(body for kind, body in self.greeting if kind == "K"))

    def rest(self):
        """What comes until the other side ends the session."""
        out = []
        try:
            while True:
                out.append(self.read())
        except (Closed, ConnectionError):
            return out

    def close(self):
        try:
            self.send(TERMINATE)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def refusal_of(connect):
    """The fields of the error that ends the login."""
    try:
        connect().close()
    except Refused as refused:
        return refused.fields
    raise AssertionError("the login was not refused")
