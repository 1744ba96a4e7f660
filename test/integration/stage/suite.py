"""Cases and the closing line `NAME: N passed, M failed`."""
import contextlib
import faulthandler
import os
import signal
import sys
import time
import traceback


class Skip(Exception):
    """The machine cannot show this (said aloud, never counted as passed)."""


class Suite:
    """Every `case` is run at once; the program ends with `sys.exit(suite.close())`."""

    def __init__(self, name, wanted=()):
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended and folders removed
        self.name = name
        self.wanted = set(wanted)
        self.passed = self.failed = self.skipped = 0

    @contextlib.contextmanager
    def case(self, title):
        started = time.monotonic()
        try:
            yield
        except Skip as why:
            self.skipped += 1
            print(f"{self.name}: skipped: {title}: {why}", flush=True)
        except Exception as fault:  # a failed check, a timeout, a driver's own error
            self.failed += 1
            print(f"{self.name}: FAILED: {title}: {type(fault).__name__}: {fault}", flush=True)
            if not isinstance(fault, AssertionError) or os.environ.get("SALLYPORT_TRACE"):
                traceback.print_exc()
        else:
            self.passed += 1
            if os.environ.get("SALLYPORT_VERBOSE"):
                print(f"{self.name}: passed: {title} ({time.monotonic() - started:.1f} s)", flush=True)

    def run(self, function, *arguments, title=None):
        """One function, one case; left out when the command line named others."""
        name = title or function.__name__
        if self.wanted and name not in self.wanted:
            return
        with self.case(name):
            function(*arguments)

    def count(self, ok, title, told=""):
        with self.case(title):
            assert ok, told
        return ok

    def close(self):
        if self.skipped:
            print(f"{self.name}: {self.skipped} skipped")
        print(f"{self.name}: {self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def equal(found, expected, what=""):
    assert found == expected, f"{what}: found {shorten(found)}, expected {shorten(expected)}"


def contains(text, part, what=""):
    assert part in text, f"{what}: {part!r} is not in {shorten(text)}"


def shorten(value, limit=600):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + f"... ({len(text)} characters)"


def wait_for(condition, seconds, what):
    """The first true value of `condition()`."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)
