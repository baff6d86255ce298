"""One run of `hgn-reproduce follow_up`: train a row for some minutes of one core, measure it, one JSON file."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from hgn_tf.commands.reproduce import timing
from hgn_tf.commands.reproduce.one_run import OneRun, make_once, result_path
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, follow_up
from hgn_tf.models import presets
from hgn_tf.models.watch import NotFinite
from hgn_tf.training import files, progress
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir

FRAMES = 65  # of a film; an HGN takes 31 of them, as the paper has it
PAIRS = {"mass_spring": 1, "pendulum": 1, "double_pendulum": 2, "two_body": 2}  # of the motion
MORE_PAIRS = 3  # where colours and constants are drawn: what a film shows of them does not move
ROWS = {
    "hgn": dict(kappa=2e-4),
    "hgn_plus_plus": dict(num_frames=FRAMES),
    "hgn_compact": dict(num_frames=FRAMES),
    "latent_ode": dict(num_frames=FRAMES),
    "latent_rnn": dict(num_frames=FRAMES),
}
OF_PAIRS = ("hgn_compact", "latent_ode")  # rows with as few pairs as the motion has
FILMS = 64  # test films whose rollouts are held to the truth
PICTURED, PICTURED_FRAMES = "double_pendulum", 160  # the system whose films are kept, and frames of one
SLOWER = 1 / 3  # of the learning rate, where a row's own ends in NaN
_EPOCHS = 12  # checkpoints of a run, or more: at most 100 steps apart


class Run(OneRun):
  """A row of the benchmark for one dataset and seed."""

  ROWS, SYSTEMS = ROWS, tuple(PAIRS)

  def config_of(self, steps):
    """That of the model, for so many steps."""
    changes = dict(ROWS[self.row])
    if self.row in OF_PAIRS:
      changes["pairs"] = PAIRS[self.system] + (MORE_PAIRS if self.dataset.endswith("colors") else 0)
    return presets.get(self.row, **changes, steps=steps, seed=self.seed)


def make(run, results, workdirs, data_dir=None, limit=None, threads=None):
  """Performs a run unless it is done, with so many threads of TensorFlow; returns what was found, in words."""
  return make_once(perform, _said, run, results, workdirs, threads=threads, data_dir=data_dir, limit=limit)


def _said(found):
  forward, backward = (found["horizons"][name]["vpt"] for name in ("forward", "backward"))
  return f"VPT {forward:.0f} forward, {backward:.0f} backward, SyMetric {found['states']['symetric']}"


def perform(run, results, workdirs, *, data_dir=None, limit=None, made_on=""):
  """As `hgn_runs.perform`, measured as the follow-up does; limit: test films of the relative excess.

  A row whose loss becomes NaN is trained again at `SLOWER` of its learning rate; the page says so.
  """
  workdir = Workdir(pathlib.Path(workdirs) / run.name)
  step_seconds, steps = timing.planned(run, workdir.path, data_dir)
  how = dict(data_dir=data_dir, save_every=min(100, max(10, steps // _EPOCHS)))
  config, fault = run.config_of(steps), None
  try:
    model = train(config, run.dataset, workdir, **how)
  except NotFinite as error:
    fault, workdir = str(error), Workdir(pathlib.Path(workdirs) / f"{run.name}-slower")
    config = dataclasses.replace(config, learning_rate=SLOWER * config.learning_rate)
    model = train(config, run.dataset, workdir, **how)
  with progress.stages("Measuring", ["mean frame", "test", "horizons", "states"]) as begin:
    found = _measure(model, run, results, data_dir, limit, begin)
  history = workdir.history()
  files.write_json(result_path(results, run), {
      "row": run.row, "dataset": run.dataset, "seed": run.seed, "minutes": run.minutes if run.is_timed else None,
      "machine": made_on, "step_seconds": step_seconds, "config": config.to_dict(), "fault": fault,
      **{key: history[-1][key] for key in ("seconds", "cpu_seconds")}, **found})
  return found


def _measure(model, run, results, data_dir, limit, begin):
  begin("mean frame")
  measured = evaluator.Evaluator(run.dataset, size=model.config.size, num_frames=model.config.num_frames,
                                 data_dir=data_dir, limit=limit)
  begin("test")
  found = {"test": {key: value for key, value in measured.split(model, "test").items()
                    if not isinstance(value, list)}}
  begin("horizons")
  found["horizons"] = follow_up.horizons(model, measured, FILMS, follow_up.BEYOND)
  begin("states")
  found["states"] = follow_up.states(model, measured)
  if run.system == PICTURED:
    _keep_films(model, measured, pathlib.Path(results) / f"{run.name}.npz")
  return found


def _keep_films(model, measured, path, num=2):
  """Writes rollouts from test films and the truth, uint8 [num, frames, H, W, C] each."""
  films = measured.first("test", num)
  world = truth.load(measured.dataset, take=num, data_dir=measured.data_dir)
  shown = {"predicted": evaluator.unroll(model, films, PICTURED_FRAMES - 1),
           "true": world.frames(measured.size, num_steps=PICTURED_FRAMES - 1)}
  path.parent.mkdir(parents=True, exist_ok=True)
  with files.partial_folder(path.parent) as beside:
    np.savez_compressed(beside / path.name, **{
        key: tf.image.convert_image_dtype(frames, tf.uint8, saturate=True).numpy() for key, frames in shown.items()})
    (beside / path.name).replace(path)
