"""Locks that the kernel lets go of when their process ends, however it ends."""

import contextlib
import errno
import fcntl
import os
import pathlib

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)  # of some network file systems


def taken(descriptor):
  """Takes the lock of an open file or folder, unless another process has it; returns whether it did.

  Where the file system knows no locks, everybody gets it.
  """
  try:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    return False
  except OSError as error:
    if error.errno not in _NO_LOCKS:
      raise
  return True


@contextlib.contextmanager
def only_one(path, what):
  """Holds the lock file at `path`, which names the process that does.

  Args:
    path: file; made where missing, and left there.
    what: that is locked, for the error.

  Raises:
    ValueError: another process holds it; the message has its number.
  """
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  with open(path, "a+") as file:
    if not taken(file):
      file.seek(0)
      raise ValueError(f"{what} is in use by process {file.read().strip() or '(starting)'}; let it end, or choose "
                       "another.")
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    yield
