"""Which runs of a benchmark are still to do."""

import time


def unfinished(paths, minutes=None):
  """The (key, path) of `paths` whose file is not there, one after the other.

  Args:
    paths: dict of the runs' keys to the files that hold their results, pathlib.Path.
    minutes: start no run after so many minutes; None: start all.
  """
  start = time.monotonic()
  for key, path in paths.items():
    if path.exists():
      continue
    if minutes is not None and time.monotonic() - start > 60 * minutes:
      return
    yield key, path
