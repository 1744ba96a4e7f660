"""Reads a trail as docs/formats/trail.md describes it, with Python's own libraries: what the suites compare is not told by
the code under test. Checks each frame's CRC and each payload's tag; the rest is sallyport-verify's work."""
import base64
import collections
import ctypes
import hashlib
import pathlib
import struct

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OPEN, ENTRY, PAYLOAD, COMMIT, FOOTER = 1, 2, 3, 4, 5
RAW, MASKED, META = 0, 1, 2

Event = collections.namedtuple("Event", "index entry octets payloads")  # entry: decoded; payloads: slot -> plaintext

TABLE = []
for octet in range(256):
    for _ in range(8):
        octet = (octet >> 1) ^ (0x82F63B78 if octet & 1 else 0)
    TABLE.append(octet)


def crc32c(*pieces):
    value = 0xFFFFFFFF
    for piece in pieces:
        for octet in piece:
            value = TABLE[(value ^ octet) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def unpack_zstd(octets):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    library.ZSTD_decompress.restype = ctypes.c_size_t
    size = library.ZSTD_getFrameContentSize(octets, ctypes.c_size_t(len(octets)))
    out = ctypes.create_string_buffer(size)
    found = library.ZSTD_decompress(out, ctypes.c_size_t(size), octets, ctypes.c_size_t(len(octets)))
    assert found == size, "zstd"
    return out.raw[:size]


class Trail:
    """`data`: the gateway's data folder, not being written."""

    def __init__(self, data, check_crc=False):
        self.data = pathlib.Path(data)
        self.folder = self.data / "trail"
        self.vkey = (self.folder / "log.vkey").read_text().rstrip("\n")
        self.log_id = hashlib.sha256(b"sallyport-log/v1\0" + self.vkey.encode()).digest()
        self.key_encryption_key = bytes.fromhex((self.data / "keys/content.key").read_text().strip())
        self.check_crc = check_crc
        self.keys = {}
        self.events = []
        self.read()

    def public_key(self):
        """The 32 octets of the Ed25519 key in log.vkey."""
        return base64.b64decode(self.vkey.split("+", 2)[2])[1:]

    def session_key(self, number):
        """The five keys of record `number`; None when it was destroyed."""
        if number not in self.keys:
            with open(self.folder / f"keys/{number // 4096:08}.keys", "rb") as file:
                file.seek(number % 4096 * 256)
                record = file.read(256)
            if record[:4] == b"SPK1":
                plain = AESGCM(self.key_encryption_key).decrypt(record[12:24], record[40:216], self.log_id + record[:12] + record[24:40])
                self.keys[number] = [plain[at:at + 32] for at in range(0, 160, 32)]
            else:
                self.keys[number] = None
        return self.keys[number]

    def frames(self, path):
        """(kind, id, body) up to the first that is none."""
        number, octets, offset = int(path.stem), path.read_bytes(), 0
        while offset + 20 <= len(octets):
            length, kind, _, _, identity = struct.unpack_from("!IBBHQ", octets, offset)
            end = offset + 16 + length
            if kind not in (OPEN, ENTRY, PAYLOAD, COMMIT, FOOTER) or end + 4 > len(octets):
                return
            if self.check_crc:
                told, = struct.unpack_from("!I", octets, end)
                assert told == crc32c(self.log_id, struct.pack("!I", number), octets[offset:end]), f"{path}: CRC at {offset}"
            yield kind, identity, octets[offset + 16:end]
            offset = (end + 4 + 7) // 8 * 8

    def read(self):
        """Only what a COMMIT covers counts."""
        waiting = []
        for path in sorted((self.folder / "segments").glob("*.seg")):
            for kind, identity, body in self.frames(path):
                if kind == ENTRY:
                    waiting.append(Event(identity, cbor2.loads(body), body, {}))
                elif kind == PAYLOAD:
                    waiting[-1].payloads[body[0]] = self.open_payload(waiting[-1].entry, body)
                elif kind == COMMIT:
                    self.events += waiting
                    waiting = []

    def open_payload(self, entry, body):
        keys = self.session_key(entry[16])
        if keys is None:
            return None
        plain = AESGCM(keys[0]).decrypt(body[28:40], body[40:], body[:28])
        return unpack_zstd(plain) if body[1] == 1 else plain

    # ---- questions ----

    def meta(self, event):
        return cbor2.loads(event.payloads[META]) if event.payloads.get(META) else {}

    def of_type(self, kind):
        return [event for event in self.events if event.entry[2] == kind]

    def sessions(self):
        """session -> its events, in order."""
        out = collections.defaultdict(list)
        for event in self.events:
            out[event.entry[3]].append(event)
        return out

    def statements(self):
        """Every statement text that was recorded as a request, with its verdict: [(text, verdict)]."""
        out = []
        for event in self.of_type("request"):
            meta = self.meta(event)
            texts = [text[0] if isinstance(text, list) else text for text in meta.get("statements", [])]
            for command in meta.get("commands", []):
                if "statement" in command or texts:
                    out.append((texts[command.get("statement", 0)], command.get("verdict")))
        return out
