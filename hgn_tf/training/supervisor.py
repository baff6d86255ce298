"""Starts a command again when it dies."""

import signal
import subprocess
import sys
import time

_PAUSE = 2.0  # seconds, in which the other workers of a cluster notice


def supervise(command, restarts):
  """Runs a command until it ends well, and starts it again at most so many times; returns its last exit code.

  SIGTERM ends the command and the supervision.

  Args:
    command: list of strings.
    restarts: how many times.
  """
  for left in range(restarts, -1, -1):
    code = _run(command)
    if code in (0, -signal.SIGTERM) or not left:
      return code
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    print(f"The run {how}; it is started again, {left - 1} restarts are left.", file=sys.stderr, flush=True)
    time.sleep(_PAUSE)


def _run(command):
  with subprocess.Popen(command) as process:
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
      return process.wait()
    finally:
      signal.signal(signal.SIGTERM, before)
