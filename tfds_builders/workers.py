"""Work spread over the machine's cores, with results in order and memory that does not grow."""

import collections
import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time


def worker_count():
  """Processes to use: HGN_BUILD_WORKERS if set, else the cores this process may run on.

  Raises:
    ValueError: HGN_BUILD_WORKERS is not a positive integer.
  """
  requested = os.environ.get("HGN_BUILD_WORKERS")
  if requested is None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
  if not requested.isdigit() or int(requested) < 1:
    raise ValueError(f"HGN_BUILD_WORKERS must be a positive integer, got {requested!r}.")
  return int(requested)


def ordered_map(function, tasks, workers):
  """Yields function(*task) for every task in order, computed by `workers` processes a few tasks ahead.

  One worker, or a process that may not have children, means this process itself.
  """
  if workers == 1 or multiprocessing.current_process().daemon:
    yield from (function(*task) for task in tasks)
    return
  # Forked workers need no import of TensorFlow and no guard in the caller's script; they run NumPy and zlib only.
  context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
  pool = concurrent.futures.ProcessPoolExecutor(workers, context, _end_with_parent, (os.getpid(),))
  try:
    yield from _windowed(pool, function, tasks, 2 * workers)
  finally:
    pool.shutdown(cancel_futures=True)


def _windowed(pool, function, tasks, window):
  pending = collections.deque()
  for task in tasks:
    pending.append(pool.submit(function, *task))
    if len(pending) >= window:
      yield pending.popleft().result()
  while pending:
    yield pending.popleft().result()


def _end_with_parent(parent):
  """A worker whose parent was killed ends too, instead of waiting for tasks for ever."""
  def watch():
    while os.getppid() == parent:
      time.sleep(1.0)
    os._exit(1)

  threading.Thread(target=watch, daemon=True).start()
