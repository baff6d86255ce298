"""hgn-reproduce hnn: the HNN repository's tasks, one JSON a run in --results, then --doc with its tables and figures.

Examples:
  hgn-reproduce hnn
  hgn-reproduce hnn --tasks=mass_spring --models=hnn --seeds=0 --steps=100 --results=/tmp/try --doc=/tmp/try/hnn.md
"""

import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib

from absl import flags

from hgn_tf.training import files, progress
from hgn_tf.training.results import holds, plain

PHASE_SPACE = ("mass_spring", "pendulum", "real_pendulum", "two_body", "three_body")
FRICTION = ("mass_spring_friction", "pendulum_friction")
PIXEL = ("pixel_pendulum",)
BODIES = ("two_body", "three_body")  # on batches: the original's constant learning rate leaves noise

_TASKS = flags.DEFINE_list("tasks", [*PHASE_SPACE, *FRICTION, *PIXEL], "Tasks.")
_MODELS = flags.DEFINE_list("models", None, "Models (default: those of each task in the tables).")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Of data and weights.")
_STEPS = flags.DEFINE_integer("steps", None, "Optimiser steps (default: the preset's).", lower_bound=1)
_RESULTS = flags.DEFINE_string("results", "results/hnn", "Folder of the JSON files; runs found there are not repeated.")
_DOC = flags.DEFINE_string("doc", "docs/hnn.md", "Page to write; its pictures go into a folder of its name.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its datasets.")
_JOBS = flags.DEFINE_integer("jobs", None, "Processes (default: one per core).", lower_bound=1)
_REPORT_ONLY = flags.DEFINE_bool("report_only", False, "Only write the page.")


def models_of(task):
  """The models of a task in the tables."""
  if task in FRICTION:
    return "hnn", "damped"
  if task in PIXEL:
    return "baseline", "hnn", "decayed", "midpoint"
  return ("baseline", "hnn", "decayed", "separable", "bodies") if task in BODIES else ("baseline", "hnn", "separable")


def missing(results, tasks, models, seeds, changes):
  """Yields (task, model, seed, config) of the runs that are not in the folder `results` yet.

  Raises:
    ValueError: unknown task or model, or a run in the folder that was made with other settings.
  """
  for task in tasks:
    if task not in PHASE_SPACE + FRICTION + PIXEL:
      raise ValueError(f"Unknown task {task!r}; known: {', '.join(PHASE_SPACE + FRICTION + PIXEL)}.")
    for seed, model in itertools.product(seeds, models or models_of(task)):  # the data of a seed are made once
      config = _runs(task).config_of(task, model, seed, **changes)
      if not holds(result_path(results, task, model, seed), config):
        yield task, model, seed, config


def result_path(results, task, model, seed):
  """The JSON file of a run; the arrays of its figures lie beside it as .npz, for the first seed."""
  return pathlib.Path(results) / f"{task}-{model}-{seed}.json"


def reproduce(results, runs, *, data_dir=None, jobs=1):
  """Makes the runs that `missing` yielded, each a JSON file in the folder `results`.

  Args:
    results: folder.
    runs: (task, model, seed, config) each.
    data_dir: where TFDS keeps its datasets.
    jobs: processes; the runs of a task and seed stay in one.
  """
  groups = [list(group) for _, group in itertools.groupby(runs, key=lambda run: (run[0], run[2]))]
  for lines in progress.track(_reproduced(results, groups, data_dir, min(jobs, len(groups))), "Tasks and their seeds",
                              unit="done", total=len(groups)):
    for line in lines:
      progress.say(line)


def _reproduced(results, groups, data_dir, jobs):
  """What there is to say about each group of runs, as soon as it is done."""
  if jobs <= 1:
    yield from (_reproduce_group(results, group, data_dir) for group in groups)
    return
  threads = max(len(os.sched_getaffinity(0)) // jobs, 1)
  spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
  with concurrent.futures.ProcessPoolExecutor(jobs, spawn, _start_worker, (threads,)) as pool:
    running = [pool.submit(_reproduce_group, results, group, data_dir) for group in groups]
    yield from (done.result() for done in concurrent.futures.as_completed(running))


def _start_worker(threads):
  import tensorflow as tf
  tf.config.threading.set_intra_op_parallelism_threads(threads)
  tf.config.threading.set_inter_op_parallelism_threads(threads)


def _reproduce_group(results, group, data_dir):
  """Makes the runs of one task and seed, which share their data; returns a line about each."""
  import numpy as np
  task, _, seed, _ = group[0]
  made = _runs(task)
  try:
    data = made.load(task, seed, data_dir)
  except ValueError as error:  # a dataset that is not there
    return [f"{task} is left out: {error}"]
  lines = []
  for _, model, _, config in group:
    measures, arrays = made.run(task, config, data)
    path = result_path(results, task, model, seed)
    if seed == 0:
      path.parent.mkdir(parents=True, exist_ok=True)
      np.savez_compressed(path.with_suffix(".npz"), **arrays)
    files.write_json(path, {"task": task, "model": model, "seed": seed, **measures, "config": plain(config)})
    lines.append(f"{path}: test loss {measures['test_loss']:.3e}, energy MSE {measures['energy_mse']:.3e}, "
                 f"{measures['seconds']:.0f} s")
  return lines


def main(argv):
  del argv
  from hgn_tf.commands.reproduce import hnn_report  # slow: TensorFlow
  results, seeds = pathlib.Path(_RESULTS.value), [int(seed) for seed in _SEEDS.value]
  if not _REPORT_ONLY.value:
    changes = {} if _STEPS.value is None else {"steps": _STEPS.value}
    runs = list(missing(results, _TASKS.value, _MODELS.value, seeds, changes))
    reproduce(results, runs, data_dir=_DATA_DIR.value, jobs=_JOBS.value or len(os.sched_getaffinity(0)))
  hnn_report.write(results, pathlib.Path(_DOC.value))
  print(f"Wrote {_DOC.value}")


def _runs(task):
  """The module that makes the runs of a task."""
  from hgn_tf.commands.reproduce import hnn_runs, pixel_hnn_runs  # slow: TensorFlow
  return pixel_hnn_runs if task in PIXEL else hnn_runs
