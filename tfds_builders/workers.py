"""Work spread over the machine's cores, with results in order, memory that does not grow, and an end in any case."""

import collections
import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time

PATIENCE = 300.0  # seconds without a result and without work of any worker, after which all are given up


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


def ordered_map(function, tasks, workers, *, fresh=False):
  """Yields function(*task) for every task in order, computed by `workers` processes a few tasks ahead.

  One worker, or a process that may not have children, means this process itself.

  Args:
    function: found by its name in a module, as pickle wants it.
    tasks: iterable of argument tuples.
    workers: number of processes.
    fresh: start them anew, with nothing of this process in them: for decoders and whatever else keeps threads, locks
      or half-read files. A script then needs `if __name__ == "__main__":`. The others are forked where that is safe,
      which needs no such guard and no import of TensorFlow; they run NumPy and zlib only.

  Raises:
    RuntimeError: a worker died, or all of them were silent for `PATIENCE` seconds.
  """
  if workers == 1 or multiprocessing.current_process().daemon:
    yield from (function(*task) for task in tasks)
    return
  method = "fork" if sys.platform == "linux" and not fresh else "spawn"
  context, started = _recording(multiprocessing.get_context(method))
  last_work = context.RawValue("d", time.monotonic())
  pool = concurrent.futures.ProcessPoolExecutor(workers, context, _watch_over, (os.getpid(), last_work))
  try:
    yield from _windowed(pool, last_work, function, tasks, 2 * workers)
  except concurrent.futures.BrokenExecutor:
    guard = '; a script must build under `if __name__ == "__main__":`' if fresh else ""
    raise RuntimeError(f"A worker process died before its work was done: killed, or out of memory{guard}.") from None
  except SilentWorkers:
    for process in started:
      process.kill()
    raise
  finally:
    pool.shutdown(cancel_futures=True)


def _recording(context):
  """A context like the given one, and the list of the processes that will be started from it."""
  started = []

  class Recording(type(context)):

    def Process(self, *args, **options):
      started.append(super().Process(*args, **options))
      return started[-1]

  return Recording(), started


def _windowed(pool, last_work, function, tasks, window):
  pending = collections.deque()
  for task in tasks:
    pending.append(pool.submit(function, *task))
    if len(pending) >= window:
      yield _result(pending.popleft(), last_work)
  while pending:
    yield _result(pending.popleft(), last_work)


class SilentWorkers(RuntimeError):
  """The workers do nothing and give no result."""


def _result(future, last_work):
  """The result of a future, as soon as it is there; SilentWorkers when nobody works on it any more."""
  start = time.monotonic()
  while True:
    try:
      return future.result(timeout=1.0)
    except TimeoutError:
      if future.done():
        return future.result()  # it came this moment, or the function raised a TimeoutError of its own
    if time.monotonic() - max(start, last_work.value) > PATIENCE:
      raise SilentWorkers(f"No worker process has done anything for {PATIENCE:g} seconds; they were ended. "
                          "HGN_BUILD_WORKERS=1 builds without them.")


def _watch_over(parent, last_work):
  """Lets a worker note when it uses the processor, and end when its parent was killed, instead of waiting for ever."""
  def watch():
    noted = 0.0
    while os.getppid() == parent:
      if time.process_time() > noted + 0.01:
        noted, last_work.value = time.process_time(), time.monotonic()
      time.sleep(1.0)
    os._exit(1)

  threading.Thread(target=watch, daemon=True).start()
