"""What the density models share: standardised points, checked data, and `fit` on a bound of the log-likelihood."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.models import optimizers
from hgn_tf.models.batches import is_array, split_off
from hgn_tf.models.checks import as_tensor, check_points
from hgn_tf.models.objective_model import ObjectiveModel, weighted_mean

CHUNK = 2 ** 14  # rows of the flow evaluated at once outside a tf.function: their activations stay in the cache


class DensityModel(ObjectiveModel):
  """A density over points [batch, d] that trains by maximising `bound`.

  Subclasses give `bound(points, seed)`, nats [batch], a lower bound of the log density (or the log density itself).
  Points are standardised by `shift` and `scale`, which `fit` measures on an array at its first call, `adapt` on demand.

  Args:
    config: with event_size, steps, batch_size, learning_rate, clip_norm and seed.
  """

  def __init__(self, config, **kwargs):
    super().__init__(config, **kwargs)
    size = (self.config.event_size,)
    self.shift = self.add_weight(shape=size, initializer="zeros", trainable=False, name="shift")
    self.scale = self.add_weight(shape=size, initializer="ones", trainable=False, name="scale")
    self.adapted = self.add_weight(shape=(), initializer="zeros", trainable=False, name="adapted")

  def build(self, input_shape):
    """All weights are there from the start."""

  def adapt(self, points):
    """Sets `shift` and `scale` to the mean and standard deviation of points [n, d]; the weights are left alone.

    Raises:
      ValueError: points of another shape, not finite, or fewer than two.
    """
    points = np.asarray(check_points(points, self.config.event_size, minimum=2), self.variable_dtype)
    deviation = points.std(axis=0)
    self.shift.assign(points.mean(axis=0))
    self.scale.assign(np.where(deviation > 0, deviation, 1.0))
    self.adapted.assign(1.0)

  def standardise(self, points):
    """(points - shift) / scale."""
    return (as_tensor(points, self.variable_dtype) - self.shift) / self.scale

  def restore(self, points):
    """points * scale + shift, the inverse of `standardise`."""
    return as_tensor(points, self.variable_dtype) * self.scale + self.shift

  @property
  def log_volume(self):
    """log |d points / d standardised points|, to subtract from log densities."""
    return tf.reduce_sum(tf.math.log(tf.convert_to_tensor(self.scale)))

  def bound(self, points, seed):
    """Nats [batch] that training maximises."""
    raise NotImplementedError

  def default_optimizer(self):
    return optimizers.adam(self.config, global_clipnorm=self.config.clip_norm)

  def fit(self, x=None, y=None, batch_size=None, epochs=None, verbose="auto", callbacks=None, *, sample_weight=None,
          validation_split=0.0, validation_data=None, shuffle=True, steps_per_epoch=None, **kwargs):
    """`keras.Model.fit` on points: an array [n, d], or batches as Keras takes them (then call `adapt` before).

    Args:
      x: the points.
      y: None.
      batch_size: of an array; default that of the config.
      epochs: default as many as make `config.steps` steps of an array, 1 for batches.
      verbose: as in Keras.
      callbacks: as in Keras.
      sample_weight: [n], of an array.
      validation_split: last part of an array that is tested on and not trained on.
      validation_data: as in Keras.
      shuffle: whether the points of an array are drawn in another order in every pass.
      steps_per_epoch: default a pass over an array, without what would not fill a batch.
      **kwargs: of `keras.Model.fit`.

    Raises:
      ValueError: points of another shape, not finite, or fewer than two.
    """
    if not is_array(x):
      return super().fit(x, y, None, 1 if epochs is None else epochs, verbose, callbacks, shuffle=False,
                         sample_weight=sample_weight, validation_data=validation_data,
                         steps_per_epoch=steps_per_epoch, **kwargs)
    self.check_batch((x, y, sample_weight))
    x = np.asarray(check_points(x, self.config.event_size, minimum=2), self.variable_dtype)
    if validation_split and validation_data is None:
      (x, sample_weight), (held, weights) = split_off(x, sample_weight, validation_split)
      validation_data = (held, None, weights)
    if not float(self.adapted):
      self.adapt(x)
    batch_size = min(self.config.batch_size if batch_size is None else batch_size, len(x))
    if epochs is None:
      epochs = math.ceil(self.config.steps / (steps_per_epoch or len(x) // batch_size))
      steps_per_epoch = math.ceil(self.config.steps / epochs)
    data = tf.data.Dataset.from_tensor_slices(x if sample_weight is None else (x, np.asarray(sample_weight)))
    if shuffle:
      data = data.shuffle(len(x), seed=self.config.seed)
    data = data.repeat().batch(batch_size)
    if sample_weight is not None:
      data = data.map(lambda points, weights: (points, None, weights))
    return self._fit(data, None, None, epochs, verbose, callbacks, shuffle=False, validation_data=validation_data,
                     steps_per_epoch=steps_per_epoch or len(x) // batch_size, **kwargs)

  def inputs(self, x):
    return self._points(x)

  def step_losses(self, points, weights, step):
    loss = -weighted_mean(self.bound(points, self._seed(step)), weights)
    return loss, {"loss": loss}

  def test_losses(self, points, weights):
    return {"loss": -weighted_mean(self.bound(points, self._seed(-1)), weights)}

  def _points(self, points):
    """Points as a tensor of the model's dtype, checked."""
    return as_tensor(check_points(points, self.config.event_size), self.variable_dtype)

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
