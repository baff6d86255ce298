"""Runs code with a terminal, or a pipe, for a stderr, and gives what was written there."""

import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
import threading


@contextlib.contextmanager
def terminal(columns=100):
  """sys.stderr is a terminal; yields a function that returns, afterwards, what it showed."""
  ours, theirs = pty.openpty()
  fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
  with _stderr(ours, theirs) as said:
    yield said


@contextlib.contextmanager
def pipe():
  """As `terminal`, with a pipe."""
  with _stderr(*os.pipe()) as said:
    yield said


@contextlib.contextmanager
def _stderr(ours, theirs):
  parts = []
  reader = threading.Thread(target=lambda: parts.extend(_read(ours)))
  reader.start()
  before = sys.stderr
  with os.fdopen(theirs, "w", encoding="utf-8") as other:
    sys.stderr = other
    try:
      yield lambda: b"".join(parts).decode()
    finally:
      sys.stderr = before
      other.write("\0")
  reader.join()
  os.close(ours)


def _read(descriptor):
  """What comes before a zero; processes that were started meanwhile may hold the other end open for longer."""
  while not (part := os.read(descriptor, 4096)).endswith(b"\0"):
    yield part
  yield part[:-1]
