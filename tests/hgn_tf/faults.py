"""Real faults for tests: a disk that takes no more, a byte that changed, a folder that may not be written."""

import contextlib
import ctypes
import pathlib
import resource

_DROP_BOUND, _OVERRIDE = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE of linux/prctl.h and linux/capability.h


@contextlib.contextmanager
def full_disk(size=2_000):
  """No file of this process grows beyond `size` bytes: writes fail with "File too large", as on a full disk."""
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def changed_byte(path, at=0.5):
  """One byte of a file is another inside of the block; `at` is the part of the file before it."""
  path = pathlib.Path(path)
  good = path.read_bytes()
  place = int(at * len(good))
  path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1:])
  try:
    yield path
  finally:
    path.write_bytes(good)


def obey_permissions():
  """Before a program starts: root in it may no longer write where the permissions say no."""
  ctypes.CDLL(None).prctl(_DROP_BOUND, _OVERRIDE, 0, 0, 0)
