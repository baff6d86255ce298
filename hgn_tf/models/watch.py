"""What `fit` of every model watches."""

import math
import warnings

import keras


class NotFinite(RuntimeError):
  """The training loss or a weight became NaN or infinite."""


class StopOnNotFinite(keras.callbacks.Callback):
  """Raises NotFinite, naming the step, as soon as a batch's loss is not finite."""

  def on_train_batch_end(self, batch, logs=None):
    del batch
    loss = float(logs["loss"])
    if not math.isfinite(loss):
      step = int(self.model.optimizer.iterations.numpy())
      raise NotFinite(f"The loss became {loss} at step {step}; the last finite weights are in the newest checkpoint. "
                      "Try a smaller learning rate.")


class WarnOfNoRate(keras.callbacks.Callback):
  """Warns, once, when an epoch begins whose learning rate is 0: nothing is learned from there on."""

  def __init__(self):
    super().__init__()
    self._warned = False

  def on_epoch_begin(self, epoch, logs=None):
    del epoch, logs
    step = int(self.model.optimizer.iterations.numpy())
    if step and not self._warned and float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)) == 0.0:
      self._warned = True
      warnings.warn(f"fit: the learning rate has come to 0 at step {step}, so nothing is learned from here on. The "
                    "schedule of the default optimizer ends with config.steps: set that to the steps that you train, "
                    "or call compile() again to train on with a new schedule.", UserWarning, stacklevel=2)
