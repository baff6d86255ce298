"""Which runs of HNN's tasks are missing, and the making of those of one task and seed."""

import io
import pathlib

import numpy as np

from hgn_tf.commands.reproduce import hnn_runs, machine, pixel_hnn_runs
from hgn_tf.training import files
from hgn_tf.training.results import holds, plain

PHASE_SPACE = ("mass_spring", "pendulum", "real_pendulum", "two_body", "three_body")
FRICTION = ("mass_spring_friction", "pendulum_friction")
PIXEL = ("pixel_pendulum",)
BODIES = ("two_body", "three_body")  # on batches: the original's constant learning rate leaves noise
TASKS = PHASE_SPACE + FRICTION + PIXEL


def models_of(task):
  """The models of a task in the tables."""
  if task in FRICTION:
    return "hnn", "damped"
  if task in PIXEL:
    return "baseline", "hnn", "decayed", "midpoint"
  return ("baseline", "hnn", "decayed", "separable", "bodies") if task in BODIES else ("baseline", "hnn", "separable")


def missing(results, tasks, models, seeds, changes):
  """The runs that are not in the folder `results` yet: a list of (task, model, seed, config) for each task and seed.

  Raises:
    ValueError: unknown task or model, or a run in the folder that was made with other settings.
  """
  for task in tasks:
    if task not in TASKS:
      raise ValueError(f"Unknown task {task!r}; known: {', '.join(TASKS)}.")
    for seed in seeds:
      runs = [(task, model, seed, _runs(task).config_of(task, model, seed, **changes))
              for model in models or models_of(task)]
      if group := [run for run in runs if not _is_done(results, run)]:
        yield group


def result_path(results, task, model, seed):
  """The JSON file of a run; the arrays of its figures lie beside it as .npz, for the first seed."""
  return pathlib.Path(results) / f"{task}-{model}-{seed}.json"


def make(group, results, data_dir=None, threads=None):
  """Makes the runs of one task and seed, which share their data, each a JSON file in the folder `results`.

  Args:
    group: (task, model, seed, config) each; those that are there are not repeated.
    results: folder.
    data_dir: where TFDS keeps its datasets.
    threads: of TensorFlow; None: one a core.

  Returns:
    What was found, in words.
  """
  machine.use_threads(threads)
  task, _, seed, _ = group[0]
  try:
    data = _runs(task).load(task, seed, data_dir)
  except ValueError as error:  # a dataset that is not there
    return f"{task} is left out: {error}"
  return "; ".join(_make(run, data, results) for run in group if not _is_done(results, run))


def _make(run, data, results):
  task, model, seed, config = run
  measures, arrays = _runs(task).run(task, config, data)
  path = result_path(results, task, model, seed)
  if seed == 0:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    files.write_bytes(path.with_suffix(".npz"), packed.getvalue())
  files.write_json(path, {"task": task, "model": model, "seed": seed, **measures, "config": plain(config)})
  return (f"{path.stem}: test loss {measures['test_loss']:.3e}, energy MSE {measures['energy_mse']:.3e}, "
          f"{measures['seconds']:.0f} s")


def _is_done(results, run):
  *name, config = run
  return holds(result_path(results, *name), config)


def _runs(task):
  """The module that makes the runs of a task."""
  return pixel_hnn_runs if task in PIXEL else hnn_runs
