"""Keras callbacks of a training run."""

import time

import keras
import numpy as np
import tensorflow as tf

from hgn_tf.models.watch import NotFinite, StopOnNotFinite

__all__ = ["Checkpoints", "FitPrior", "NotFinite", "RolloutImages", "StopOnNotFinite"]


class Checkpoints(keras.callbacks.Callback):
  """Saves model and optimizer, named by step, and a line of history after every epoch.

  A checkpoint that cannot be written leaves the previous one in place; weights that are not finite are not saved.
  The seconds of the history, by the clock and of the processor, are those of the training steps alone.

  Args:
    workdir: the run's Workdir.
  """

  def __init__(self, workdir):
    super().__init__()
    self._workdir = workdir

  def on_train_begin(self, logs=None):
    del logs
    self._manager = self._workdir.manager(self.model)
    step = int(self.model.optimizer.iterations.numpy())
    self._rows = [row for row in self._workdir.history() if row["step"] <= step]

  def on_epoch_begin(self, epoch, logs=None):
    del epoch, logs
    self._began = _clocks()

  def on_train_batch_end(self, batch, logs=None):
    del batch, logs
    self._ended = _clocks()

  def on_epoch_end(self, epoch, logs=None):
    del epoch
    step = int(self.model.optimizer.iterations.numpy())
    if not all(np.isfinite(weight.numpy()).all() for weight in self.model.weights):
      raise NotFinite(f"The weights are no longer finite at step {step}; the newest checkpoint still is.")
    before = self._rows[-1] if self._rows else {}
    times = {key: round(before.get(key, 0.0) + self._ended[key] - self._began[key], 3) for key in self._began}
    self._rows.append({"step": step, **times, **{key: float(value) for key, value in logs.items()}})
    self._workdir.write_history(self._rows)  # first: a line without its checkpoint is dropped on resuming
    self._manager.save(step)


def _clocks():
  return {"seconds": time.monotonic(), "cpu_seconds": time.process_time()}


class FitPrior(keras.callbacks.Callback):
  """Fits the prior of an HGN to encoded films when the last step is done.

  Args:
    batches: iterable of frames.
    last_step: of the optimizer.
  """

  def __init__(self, batches, last_step):
    super().__init__()
    self._batches, self._last_step = batches, last_step

  def on_epoch_end(self, epoch, logs=None):
    del epoch, logs
    if int(self.model.optimizer.iterations.numpy()) >= self._last_step:
      self.model.fit_prior(self._batches)


class RolloutImages(keras.callbacks.Callback):
  """Writes reconstructed sequences and samples from the prior to TensorBoard after every epoch.

  Args:
    logdir: of the TensorBoard.
    frames: sequences to reconstruct, float32 [n, T + 1, H, W, C].
  """

  def __init__(self, logdir, frames):
    super().__init__()
    self._logdir, self._frames = logdir, frames

  def on_train_begin(self, logs=None):
    del logs
    self._writer = tf.summary.create_file_writer(str(self._logdir))

  def on_epoch_end(self, epoch, logs=None):
    step = int(self.model.optimizer.iterations.numpy())
    with self._writer.as_default():
      for key, value in (logs or {}).items():
        tf.summary.scalar(key, float(value), step)
      tf.summary.image("input, reconstruction", _strips(self._frames, self.model.reconstruct(self._frames)), step)
      tf.summary.image("samples", _strips(self.model.sample(len(self._frames), seed=0)), step)
    del epoch


def _strips(*sequences):
  """Sequences [n, T, H, W, C] as images [n, rows * H, T * W, C], one row each."""
  rows = [np.concatenate(np.moveaxis(np.asarray(s), 1, 0), axis=2) for s in sequences]
  return np.concatenate(rows, axis=1)
