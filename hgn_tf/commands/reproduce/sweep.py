"""What the sweeps of hgn-reproduce share: flags, and who makes the runs: this process, several, or a Dask cluster."""

import concurrent.futures
import multiprocessing
import os
import pathlib
import pickle
import threading

from absl import flags

from hgn_tf.training import progress

_RETRIES = 2  # of a run on a cluster whose process died, or that raised

SEEDS = flags.DEFINE_list("seeds", ["0"], "Of data, weights, order and noise.")
STEPS = flags.DEFINE_integer("steps", None, "Optimiser steps (default: the preset's).", lower_bound=1)
RESULTS = flags.DEFINE_string("results", None, "Folder of the JSON files; runs found there are not repeated.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets; an absolute path for --scheduler.")
JOBS = flags.DEFINE_integer("jobs", 1, "Processes that make runs at the same time.", lower_bound=1)
SCHEDULER = flags.DEFINE_string("scheduler", None, """HOST:PORT of a Dask scheduler, whose workers make the runs; they
see this command's folders at the same places. Where a worker dies, another goes on with its run.""")
THREADS = flags.DEFINE_integer("threads", None, "Threads of TensorFlow in a process (default: its share of the cores).",
                               lower_bound=1)
REPORT_ONLY = flags.DEFINE_bool("report_only", False, "Make no runs, only write what is written about them.")


def where():
  """Who makes the runs by the flags: arguments of `make`."""
  return {"jobs": JOBS.value, "scheduler": SCHEDULER.value}


def threads():
  """Threads of TensorFlow in a process by the flags, None: one a core."""
  if THREADS.value or SCHEDULER.value or JOBS.value == 1:
    return THREADS.value
  return max(len(os.sched_getaffinity(0)) // JOBS.value, 1)


def folder(path):
  """A folder as every process finds it, wherever it was started."""
  return pathlib.Path(path).absolute()


def make(function, tasks, *, jobs=1, scheduler=None):
  """Calls function(*task) for every task, in any order, and prints what it returns: one line.

  Args:
    function: found by its name in a module that defines no flags, as pickle wants it; may be called again for a task
      whose process died.
    tasks: list of argument tuples.
    jobs: processes of this machine.
    scheduler: HOST:PORT of a Dask scheduler, None: this machine.

  Raises:
    ImportError: a scheduler is given and Dask is missing.
    RuntimeError: a process died; of a cluster, as many as Dask allows for one task.
  """
  bar = {"what": "Reproducing", "unit": "runs"}
  if scheduler:
    lines = progress.track(_on_cluster(function, tasks, scheduler), **bar, total=len(tasks))
  elif min(jobs, len(tasks)) > 1:
    lines = progress.track(_in_processes(function, tasks, min(jobs, len(tasks))), **bar, total=len(tasks))
  else:  # such runs show bars of their own
    lines = (function(*task) for task in progress.headings(tasks, **bar))
  for done, line in enumerate(lines, start=1):
    progress.say(f"[{done}/{len(tasks)}] {line}")


def _in_processes(function, tasks, jobs):
  with _pool(jobs) as pool:
    for done in concurrent.futures.as_completed([pool.submit(function, *task) for task in tasks]):
      yield done.result()


def _on_cluster(function, tasks, scheduler):
  import distributed  # slow, and an extra
  with distributed.Client(scheduler) as client:
    print(f"{len(tasks)} runs on {scheduler}, which has {len(client.nthreads())} workers", flush=True)
    futures = [client.submit(_alone, pickle.dumps((function, task)), pure=False, retries=_RETRIES) for task in tasks]
    try:
      for _, line in distributed.as_completed(futures, with_results=True):
        yield line
    except distributed.KilledWorker as error:
      raise RuntimeError(str(error)) from None


def _alone(pickled):
  """A call in a process of its own: the threads of a Dask worker draw from the random numbers that weights start from.

  Raises:
    RuntimeError: the worker may not start processes.
  """
  if multiprocessing.current_process().daemon:
    raise RuntimeError("Dask workers that make runs start processes: start them with --no-nanny, or with "
                       "DASK_DISTRIBUTED__WORKER__DAEMON=False in their environment.")
  with _pool(1) as pool:
    return pool.submit(_call, pickled).result()


def _call(pickled):
  function, task = pickle.loads(pickled)
  return function(*task)


def _pool(jobs):
  spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
  return concurrent.futures.ProcessPoolExecutor(jobs, spawn, _end_with_parent)


def _end_with_parent():
  """Lets this process end when its parent is killed, instead of going on with work that is another's by then."""
  def watch():
    multiprocessing.parent_process().join()
    os._exit(1)

  threading.Thread(target=watch, daemon=True).start()
