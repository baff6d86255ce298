"""What the density models share: standardised points, checked data, and `fit` on a bound of the log-likelihood."""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.models import optimizers
from hgn_tf.models.checks import check_points
from hgn_tf.networks import precision

CHUNK = 2 ** 14  # rows of the flow evaluated at once outside a tf.function: their activations stay in the cache


class DensityModel(keras.Model):
  """A density over points [batch, d] that trains by maximising `bound`.

  Subclasses give `bound(points, seed)`, nats [batch], a lower bound of the log density (or the log density itself).
  Points are standardised by `shift` and `scale`, which `fit` measures on an array at its first call, `adapt` on demand.

  Args:
    config: with event_size, steps, batch_size, learning_rate, clip_norm and seed.
  """

  def __init__(self, config, **kwargs):
    super().__init__(**{"name": config.name, **kwargs})
    self.config = config
    size = (config.event_size,)
    self.shift = self.add_weight(shape=size, initializer="zeros", trainable=False, name="shift")
    self.scale = self.add_weight(shape=size, initializer="ones", trainable=False, name="scale")
    self.adapted = self.add_weight(shape=(), initializer="zeros", trainable=False, name="adapted")
    self.tracker = keras.metrics.Mean(name="loss")

  def adapt(self, points):
    """Sets `shift` and `scale` to the mean and standard deviation of points [n, d]; the weights are left alone.

    Raises:
      ValueError: points of another shape, not finite, or fewer than two.
    """
    points = check_points(points, self.config.event_size, minimum=2)
    deviation = points.std(axis=0)
    self.shift.assign(points.mean(axis=0))
    self.scale.assign(np.where(deviation > 0, deviation, 1.0))
    self.adapted.assign(1.0)

  def standardise(self, points):
    """(points - shift) / scale."""
    return (tf.convert_to_tensor(points, tf.float32) - self.shift) / self.scale

  def restore(self, points):
    """points * scale + shift, the inverse of `standardise`."""
    return tf.convert_to_tensor(points, tf.float32) * self.scale + self.shift

  @property
  def log_volume(self):
    """log |d points / d standardised points|, to subtract from log densities."""
    return tf.reduce_sum(tf.math.log(tf.convert_to_tensor(self.scale)))

  def bound(self, points, seed):
    """Nats [batch] that training maximises."""
    raise NotImplementedError

  def compile(self, optimizer=None, jit_compile=None, **kwargs):
    """`keras.Model.compile`; by default Adam of the config with a cosine decay, jit-compiled where there is a GPU."""
    jit_compile = precision.has_gpu() if jit_compile is None else jit_compile
    if optimizer is None:
      optimizer = optimizers.adam(self.config, global_clipnorm=self.config.clip_norm)
    super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

  def fit(self, x=None, *, batch_size=None, epochs=None, **kwargs):
    """`keras.Model.fit` on points: an array [n, d], or a tf.data.Dataset of batches (then call `adapt` before).

    Args:
      x: the points.
      batch_size: of an array; default that of the config.
      epochs: default as many as make `config.steps` steps of an array, 1 for a dataset.
      **kwargs: of `keras.Model.fit`.

    Raises:
      ValueError: points of another shape, not finite, or fewer than two.
    """
    if not self.compiled:
      self.compile()
    if isinstance(x, tf.data.Dataset):
      return super().fit(x, epochs=1 if epochs is None else epochs, shuffle=False, **kwargs)
    x = check_points(x, self.config.event_size, minimum=2)
    if not float(self.adapted):
      self.adapt(x)
    batch_size = min(self.config.batch_size if batch_size is None else batch_size, len(x))
    per_epoch = len(x) // batch_size
    if epochs is None:
      epochs = math.ceil(self.config.steps / per_epoch)
      per_epoch = math.ceil(self.config.steps / epochs)
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=self.config.seed).repeat().batch(batch_size)
    return super().fit(data, epochs=epochs, steps_per_epoch=per_epoch, shuffle=False, **kwargs)

  def train_step(self, data):
    points = keras.utils.unpack_x_y_sample_weight(data)[0]
    variables = self.trainable_variables
    with tf.GradientTape() as tape:
      loss = -tf.reduce_mean(self.bound(points, self._seed(self.optimizer.iterations)))
    # The constant of an energy has no gradient; zeros need the raw variables, whose dtype TensorFlow knows.
    gradients = tape.gradient(loss, [v.value for v in variables],
                              unconnected_gradients=tf.UnconnectedGradients.ZERO)
    self.optimizer.apply(gradients, variables)
    return self._track(loss)

  def test_step(self, data):
    points = keras.utils.unpack_x_y_sample_weight(data)[0]
    return self._track(-tf.reduce_mean(self.bound(points, self._seed(-1))))

  @property
  def metrics(self):
    return [self.tracker]

  def get_config(self):
    return {"config": self.config.to_dict(), "name": self.name}

  def _track(self, loss):
    self.tracker.update_state(loss)
    return {"loss": self.tracker.result()}

  def _seed(self, step):
    return tf.stack([self.config.seed, tf.cast(step, tf.int32)])


def in_chunks(function, points, rows_per_point=1):
  """`function` of points [n, ...] in chunks that bound its memory; at once inside a tf.function.

  Args:
    function: maps points [m, ...] and the index of the chunk to a tensor [m, ...].
    points: [n, ...].
    rows_per_point: rows that the function makes of a point.
  """
  size = max(1, CHUNK // rows_per_point)
  if not tf.executing_eagerly() or len(points) <= size:
    return function(points, 0)
  return tf.concat([function(points[i:i + size], i // size) for i in range(0, len(points), size)], axis=0)


def new_seed(seed):
  """A stateless seed int32 [2]: (0, seed) of an int, another one at each call of None."""
  return tfp.random.sanitize_seed(None) if seed is None else tf.stack([0, tf.cast(seed, tf.int32)])
