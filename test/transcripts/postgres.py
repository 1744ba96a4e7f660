#!/usr/bin/python3
"""Conversations with PostgreSQL in raw messages of protocol 3.0.

  postgres.py record PORT DATABASE FOLDER     runs each on a real server and writes FOLDER/NAME.txt
  postgres.py compare PORT DATABASE PORT DATABASE   runs each on two servers (one may be a gateway) and compares
  postgres.py substitutes PORT DATABASE       shows that what stands for a refused message leaves a real server in the state
                                              that an error of its own at that place would leave

The user is `postgres`, the password is taken from PGPASSWORD. A transcript has a line for each send ("> ") and each
read ("< "), octets outside printable ASCII as \\xHH. The tests of src/proto/postgres replay them.
"""
import base64
import hashlib
import hmac
import os
import socket
import struct
import sys


def frame(kind, body=b""):
    return kind.encode() + struct.pack(">I", len(body) + 4) + body


def query(text):
    return frame("Q", text.encode() + b"\0")


def parse(name, text, types=()):
    head = name.encode() + b"\0" + text.encode() + b"\0"
    return frame("P", head + struct.pack(">H", len(types)) + b"".join(struct.pack(">I", t) for t in types))


def bind(portal, statement, values=(), results=()):
    body = portal.encode() + b"\0" + statement.encode() + b"\0" + struct.pack(">HH", 0, len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">I", len(value)) + value
    return frame("B", body + struct.pack(">H", len(results)) + b"".join(struct.pack(">H", r) for r in results))


def describe(kind, name):
    return frame("D", kind.encode() + name.encode() + b"\0")


def close(kind, name):
    return frame("C", kind.encode() + name.encode() + b"\0")


def execute(portal, rows=0):
    return frame("E", portal.encode() + b"\0" + struct.pack(">I", rows))


def call(oid, values=()):
    body = struct.pack(">IHH", oid, 0, len(values))
    return frame("F", body + b"".join(struct.pack(">I", len(v)) + v for v in values) + struct.pack(">H", 0))


SYNC, FLUSH, TERMINATE, DONE = frame("S"), frame("H"), frame("X"), frame("c")


def data(octets):
    return frame("d", octets)


def give_up(reason):
    return frame("f", reason.encode() + b"\0")


def rounds(text, values=()):
    return parse("", text) + bind("", "", values) + describe("P", "") + execute("")


TABLE = query("CREATE TEMP TABLE t (a int PRIMARY KEY, b text)")

# name: a list of (octets of one send, how many ReadyForQuery to await)
SCRIPTS = {
    "query": [(query("SELECT 1 AS one, NULL AS none, 'x'::text"), 1)],
    "query_several": [(query("SELECT 1; SELECT 2 WHERE false; SET work_mem TO '5MB'; SELECT 3"), 1)],
    "query_empty": [(query(""), 1), (query(" ; ; "), 1)],
    "query_error": [(query("SELECT 1; SELECT 1/0; SELECT 2"), 1), (query("selec"), 1)],
    "query_notice": [(query("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$; SELECT 1"), 1)],
    "query_pipelined": [(query("SELECT 1") + query("SELECT 1/0") + query("SELECT 3"), 3)],
    "query_rows": [(query("SELECT g, repeat('r', 40) FROM generate_series(1, 300) g"), 1)],
    "transaction": [(query("BEGIN"), 1), (query("SELECT 1"), 1), (query("SELECT 1/0"), 1), (query("SELECT 2"), 1),
                    (query("ROLLBACK"), 1), (query("SELECT 3"), 1)],
    "parameters": [(query("SET application_name TO 'other'; SET datestyle TO 'German'"), 1),
                   (rounds("SET timezone TO 'UTC'") + SYNC, 1)],
    "listen": [(query("LISTEN c"), 1), (query("NOTIFY c, 'payload'"), 1),
               (query("BEGIN; NOTIFY c, 'two'; COMMIT; SELECT 1"), 1)],
    "extended": [(rounds("SELECT $1::int + 1", [b"41"]) + SYNC, 1)],
    "extended_steps": [(parse("s", "SELECT $1::int, $2::text"), 0), (describe("S", "s") + FLUSH, 0),
                       (bind("p", "s", [b"1", None]) + FLUSH, 0), (describe("P", "p") + execute("p") + SYNC, 1),
                       (close("S", "s") + SYNC, 1), (bind("", "s", [b"1", b"2"]) + SYNC, 1)],
    "extended_no_data": [(TABLE, 1), (parse("", "INSERT INTO t VALUES ($1)") + describe("S", "") + SYNC, 1),
                         (bind("", "", [b"5"]) + describe("P", "") + execute("") + SYNC, 1)],
    "extended_limit": [(query("BEGIN") + parse("", "SELECT generate_series(1, 5)") + bind("p", "") + execute("p", 2) +
                        execute("p", 2) + execute("p", 2) + execute("p", 2) + SYNC, 2), (query("COMMIT"), 1)],
    "extended_empty": [(rounds("") + SYNC, 1)],
    "extended_sync_only": [(SYNC + SYNC, 2), (FLUSH + SYNC, 1)],
    "extended_binary": [(parse("", "SELECT 1::int8, 'x'::text") + bind("", "", (), [1]) + describe("P", "") +
                         execute("") + SYNC, 1)],
    "extended_pipeline": [(b"".join(rounds("SELECT %d" % n) for n in range(5)) + SYNC, 1)],
    "extended_pipeline_syncs": [(b"".join(rounds("SELECT %d" % n) + SYNC for n in range(5)), 5)],
    "error_parse": [(rounds("SELECT 1") + rounds("selec") + rounds("SELECT 3") + SYNC + rounds("SELECT 4") + SYNC, 2)],
    "error_bind": [(rounds("SELECT $1::int", [b"x"]) + rounds("SELECT 2") + SYNC, 1)],
    "error_describe": [(describe("S", "nobody") + rounds("SELECT 2") + SYNC, 1)],
    "error_execute": [(rounds("SELECT 1/0") + rounds("SELECT 2") + SYNC, 1), (execute("nobody") + SYNC, 1)],
    "error_swallows_query": [(parse("", "selec") + query("SELECT 1") + SYNC, 1), (query("SELECT 2"), 1)],
    "error_then_late": [(parse("", "selec") + FLUSH, 0), (bind("", "") + execute(""), 0), (SYNC, 1)],
    "error_in_transaction": [(query("BEGIN"), 1), (rounds("SELECT 1/0") + SYNC + rounds("SELECT 1") + SYNC, 2),
                             (rounds("ROLLBACK") + SYNC, 1)],
    "error_at_sync": [(query("CREATE TEMP TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"), 1),
                      (rounds("INSERT INTO d VALUES (1), (1)") + SYNC, 1), (rounds("SELECT count(*) FROM d") + SYNC, 1)],
    "names": [(parse("s", "SELECT 1") + SYNC, 1), (parse("s", "SELECT 2") + SYNC, 1),
              (bind("", "s") + execute("") + SYNC, 1), (query("DEALLOCATE s"), 1), (parse("s", "SELECT 3") + SYNC, 1),
              (bind("", "s") + execute("") + SYNC, 1), (query("DISCARD ALL"), 1), (bind("", "s") + SYNC, 1)],
    "names_sql": [(query("PREPARE q AS SELECT 5"), 1), (bind("", "q") + execute("") + SYNC, 1), (query("EXECUTE q"), 1),
                  (query("BEGIN; DECLARE k CURSOR FOR SELECT generate_series(1, 4)"), 1),
                  (execute("k", 2) + SYNC, 1), (query("FETCH 1 FROM k; CLOSE k; COMMIT"), 1)],
    "names_long": [(parse("n" * 63 + "a", "SELECT 1") + SYNC, 1), (bind("", "n" * 63 + "b") + execute("") + SYNC, 1)],
    "copy_out": [(query("COPY (SELECT g, 'v' FROM generate_series(1, 20) g) TO STDOUT"), 1),
                 (rounds("COPY (SELECT 1) TO STDOUT (FORMAT binary)") + SYNC, 1)],
    "copy_in": [(TABLE, 1), (query("COPY t FROM STDIN"), 0), (data(b"1\tx\n") + data(b"2\ty\n"), 0), (DONE, 1),
                (query("SELECT count(*) FROM t"), 1)],
    "copy_in_pipelined": [(TABLE, 1), (query("COPY t FROM STDIN") + data(b"1\tx\n") + DONE + query("SELECT count(*) FROM t"), 2)],
    "copy_in_fail": [(TABLE, 1), (query("COPY t FROM STDIN") + data(b"1\tx\n") + give_up("no more"), 1),
                     (query("SELECT count(*) FROM t"), 1)],
    "copy_in_bad": [(TABLE, 1), (query("COPY t FROM STDIN"), 0), (data(b"x\ty\n"), 0),
                    (data(b"2\ty\n") + DONE, 1), (query("SELECT count(*) FROM t"), 1)],
    "copy_in_refused": [(query("COPY nobody FROM STDIN") + data(b"1\n") + DONE, 1), (query("SELECT 1"), 1)],
    "copy_in_extended": [(TABLE, 1), (rounds("COPY t FROM STDIN") + SYNC, 0), (data(b"1\tx\n") + DONE + SYNC, 1),
                         (rounds("SELECT count(*) FROM t") + SYNC, 1)],
    "copy_in_extended_syncs": [(TABLE, 1), (rounds("COPY t FROM STDIN") + SYNC + FLUSH + SYNC, 0),
                               (data(b"1\tx\n") + SYNC + data(b"2\ty\n") + DONE + SYNC, 1),
                               (rounds("SELECT count(*) FROM t") + SYNC, 1)],
    "copy_in_extended_bad": [(TABLE, 1), (rounds("COPY t FROM STDIN") + SYNC, 0), (data(b"x\n"), 0),
                             (data(b"2\ty\n") + DONE + SYNC, 1), (rounds("SELECT count(*) FROM t") + SYNC, 1)],
    "copy_in_extended_fail": [(TABLE, 1), (rounds("COPY t FROM STDIN") + SYNC, 0), (give_up("no") + SYNC, 1),
                              (rounds("SELECT 1") + SYNC, 1)],
    "copy_in_extended_refused": [(rounds("COPY nobody FROM STDIN") + SYNC, 1), (data(b"x\n") + DONE + SYNC, 1),
                                 (query("SELECT 1"), 1)],
    "copy_in_twice": [(TABLE, 1), (query("COPY t FROM STDIN; COPY t FROM STDIN; SELECT 7"), 0),
                      (data(b"1\tx\n") + DONE, 0), (data(b"2\ty\n") + DONE, 1)],
    "copy_stray": [(data(b"x") + DONE + query("SELECT 1") + give_up("x") + query("SELECT 2"), 2)],
    "function_call": [(call(1397, [b"-7"]), 1), (call(0), 1), (call(1397, [b"-7"]) + query("SELECT 1"), 2)],
    "function_call_failed": [(query("BEGIN"), 1), (call(154, [b"1", b"0"]), 1), (call(1397, [b"-7"]), 1), (query("ROLLBACK"), 1)],
    "large_row": [(query("SELECT repeat('0123456789', 40000), 1"), 1)],
    "large_bind": [(rounds("SELECT length($1), $2::text", [b"v" * 400000, b"w"]) + SYNC, 1)],
    "fatal": [(query("SELECT pg_terminate_backend(pg_backend_pid())"), 1)],
}


# What src/proto/postgres/substitute.cc sends in the place of a refused message, and an error of the server's own there.
NO_STATEMENT, NO_NAME = "sallyport refused this statement", b"sallyport refused this\0"
SUBSTITUTES = {
    "query": (query(NO_STATEMENT), query("SELECT 1/0")),
    "parse": (parse("", NO_STATEMENT), parse("", "SELECT nobody")),
    "parse_named": (parse("s", NO_STATEMENT), parse("s", "SELECT nobody")),
    "bind": (frame("B", b"\0" + NO_NAME + struct.pack(">HHHHH", 2, 0, 0, 0, 0)), bind("", "", [b"x", b"y"])),
    "describe": (frame("D", b"?" + NO_NAME), describe("P", "nobody")),
    "close": (frame("C", b"?" + NO_NAME), describe("P", "nobody")),
    "execute": (frame("E", NO_NAME), execute("nobody")),
    "call": (frame("F", struct.pack(">IHHH", 0, 0, 0, 0)), call(154, [b"1", b"0"])),
}
# What comes before and behind it, each in one pipeline.
BEFORE = {
    "alone": b"",
    "transaction": query("BEGIN"),
    "aborted": query("BEGIN") + query("SELECT 1/0"),
    "row": rounds("SELECT 1"),
    "parsed": parse("", "SELECT 1"),
    "bound": parse("", "SELECT 1") + bind("", ""),
    "implicit": rounds("CREATE TEMP TABLE r (a int)"),
    "failed": parse("", "selec"),
}
BEHIND = {
    "nothing": b"",
    "round": rounds("SELECT 2"),
    "sync_round": SYNC + rounds("SELECT 2"),
    "same": bind("", "") + execute(""),
    "sync_bind": SYNC + bind("", "") + execute(""),
    "query": SYNC + query("SELECT 3"),
    "table": SYNC + query("SELECT count(*) FROM r"),
    "named": SYNC + bind("", "s") + execute(""),
}


class Session:
    def __init__(self, port, database):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        body = struct.pack(">I", 3 << 16) + b"user\0postgres\0database\0" + database.encode() + b"\0\0"
        self.socket.sendall(struct.pack(">I", len(body) + 4) + body)
        while True:
            kind, body = self.message()
            if kind == "R":
                self.authenticate(struct.unpack(">I", body[:4])[0], body[4:])
            elif kind == "E":
                raise SystemExit("login failed: %r" % body)
            elif kind == "Z":
                return

    def authenticate(self, method, rest):
        password = os.environ.get("PGPASSWORD", "").encode()
        if method == 3:
            self.socket.sendall(frame("p", password + b"\0"))
        elif method == 10:
            self.bare = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
            first = ("n,," + self.bare).encode()
            self.socket.sendall(frame("p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
        elif method == 11:
            server = dict(part.split("=", 1) for part in rest.decode().split(","))
            salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(server["s"]), int(server["i"]))
            key = hmac.digest(salted, b"Client Key", "sha256")
            final = "c=biws,r=" + server["r"]
            message = (self.bare + "," + rest.decode() + "," + final).encode()
            signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
            proof = base64.b64encode(bytes(x ^ y for x, y in zip(key, signature))).decode()
            self.socket.sendall(frame("p", (final + ",p=" + proof).encode()))

    def receive(self, count):
        while len(self.buffer) < count:
            part = self.socket.recv(65536)
            if not part:
                raise EOFError
            self.buffer += part
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    def message(self):
        head = self.receive(5)
        return chr(head[0]), self.receive(struct.unpack(">I", head[1:])[0] - 4)

    def collect(self, ready):
        """Messages until `ready` ReadyForQuery came and then nothing more for a moment."""
        messages = []
        self.socket.settimeout(3.0 if ready else 0.15)
        try:
            while True:
                messages.append(self.message())
                ready -= messages[-1][0] == "Z"
                if ready <= 0:
                    self.socket.settimeout(0.05)
        except TimeoutError:
            pass
        except (EOFError, ConnectionResetError):
            messages.append(("EOF", b""))
        self.socket.settimeout(5)
        return messages


def run(port, database, script):
    session = Session(port, database)
    turns = []
    for octets, ready in script:
        try:
            session.socket.sendall(octets)
        except OSError:
            break
        turns.append((octets, session.collect(ready)))
    session.socket.close()
    return turns


def escape(octets):
    return "".join(chr(o) if 32 <= o < 127 and o != 92 else "\\x%02x" % o for o in octets)


def record(port, database, folder):
    for name, script in SCRIPTS.items():
        if name.startswith("large"):  # the tests make their own
            continue
        with open(os.path.join(folder, name + ".txt"), "w") as out:
            for octets, messages in run(port, database, script):
                out.write("> %s\n" % escape(octets))
                answer = b"".join(frame(kind, body) for kind, body in messages if kind != "EOF")
                if answer:
                    out.write("< %s\n" % escape(answer))


def without_process(messages):
    """NotificationResponse names the server's process, which differs between two sessions."""
    return [(kind, body[4:] if kind == "A" else body) for kind, body in messages]


def compare(first, second):
    failures = 0
    for name, script in SCRIPTS.items():
        one, other = run(*first, script), run(*second, script)
        for (octets, expected), (_, got) in zip(one, other):
            if without_process(expected) != without_process(got):
                failures += 1
                print("DIFFERS %s after %s\n  %s\n  %s" % (name, escape(octets[:200]), expected[:20], got[:20]))
                break
        else:
            print("same    %s" % name)
    return failures


def outline(messages):
    """Kinds of messages, the state that ReadyForQuery tells, and the rows."""
    return [(kind, body if kind in "ZD" else b"") for kind, body in messages]


def substitutes(port, database):
    failures = tried = 0
    for name, (substitute, error) in SUBSTITUTES.items():
        for before, first in BEFORE.items():
            for behind, last in BEHIND.items():
                got, expected = ([outline(messages) for _, messages in
                                  run(port, database, [(first + middle + last + SYNC, 0), (query("SELECT 9"), 1)])]
                                 for middle in (substitute, error))
                tried += 1
                if got != expected:
                    failures += 1
                    print("DIFFERS %s after %s before %s\n  %s\n  %s" % (name, before, behind, got, expected))
    print("%d places, %d differ" % (tried, failures))
    return failures


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "record":
        record(int(sys.argv[2]), sys.argv[3], sys.argv[4])
    elif len(sys.argv) == 6 and sys.argv[1] == "compare":
        sys.exit(1 if compare((int(sys.argv[2]), sys.argv[3]), (int(sys.argv[4]), sys.argv[5])) else 0)
    elif len(sys.argv) == 4 and sys.argv[1] == "substitutes":
        sys.exit(1 if substitutes(int(sys.argv[2]), sys.argv[3]) else 0)
    else:
        sys.exit(__doc__)
