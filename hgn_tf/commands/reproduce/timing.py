"""Equal time for unlike rows: how many steps fit into so many minutes of one core."""

import math
import time

import keras

from hgn_tf import data, models
from hgn_tf.training import files

_WARM, _TIMED = 3, 12  # steps before the time of a step is measured, and steps that it is the mean of


def planned(run, folder, data_dir=None):
  """(CPU seconds of a step, steps of a run); the seconds are measured once and kept in the run's folder.

  Args:
    run: what has `minutes`, `steps` (None: as many as fit into the minutes), `dataset` and `config_of(steps)`.
    folder: of the run.
    data_dir: where TFDS keeps its datasets.
  """
  path = folder / "plan.json"
  if not path.exists():
    seconds = step_seconds(run.config_of(run.steps or 1000), run.dataset, data_dir)
    files.write_json(path, {"step_seconds": seconds,
                            "steps": run.steps or max(1, math.floor(60.0 * run.minutes / seconds))})
  plan = files.read_json(path)
  return plan["step_seconds"], plan["steps"]


def step_seconds(config, dataset, data_dir=None):
  """CPU seconds of a training step, the mean of some after the first ones, reading the films included."""
  model, clock = models.make(config), _Clock()
  model.compile()
  frames = data.train_batches(dataset, batch_size=config.batch_size, size=config.size, num_frames=config.num_frames,
                              data_dir=data_dir)
  model.fit(frames, steps_per_epoch=_WARM + _TIMED, verbose=0, callbacks=[clock])
  return (clock.after[-1] - clock.after[_WARM - 1]) / _TIMED


class _Clock(keras.callbacks.Callback):
  """CPU seconds of this process after each step."""

  def __init__(self):
    super().__init__()
    self.after = []

  def on_train_batch_end(self, batch, logs=None):
    self.after.append(time.process_time())
