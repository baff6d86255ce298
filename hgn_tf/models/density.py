"""What the density models share: standardised points, checked data, and `fit` on a bound of the log-likelihood."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.flows import standardisation
from hgn_tf.models import optimizers
from hgn_tf.models.batches import is_array, split_off
from hgn_tf.models.checks import as_tensor, check_points
from hgn_tf.models.objective_model import ObjectiveModel, weighted_mean

CHUNK = 2 ** 14  # rows of the flow evaluated at once outside a tf.function: their activations stay in the cache


class DensityModel(ObjectiveModel):
  """A density over points [batch, d] that trains by maximising `bound`.

  Subclasses give `bound(x, seed)`, nats [batch], a lower bound of the log density (or the log density itself). Points
  are standardised as `config.standardisation` says, by what `fit` measures on an array at its first call, `adapt` on
  demand. The contexts of a conditional density, whose x is (points, context), have mean 0 and deviation 1.

  Args:
    config: with event_size, steps, batch_size, learning_rate, clip_norm and seed.
  """

  def __init__(self, config, **kwargs):
    super().__init__(config, **kwargs)
    self._standard = self._measured_weights(self.config.standardisation, self.point_size)
    self.shift, self.scale = self._standard.shift, self._standard.scale
    self.adapted = self.add_weight(shape=(), initializer="zeros", trainable=False, name="adapted")
    if self.context_size:
      self._standard_context = self._measured_weights("affine", self.context_size, "context_")
      self.context_shift, self.context_scale = self._standard_context.shift, self._standard_context.scale

  def _measured_weights(self, kind, size, prefix=""):
    start, weights = standardisation.neutral(size), {}
    for name in standardisation.names(kind):
      weights[name] = self.add_weight(shape=standardisation.shape(name, size), initializer="zeros", trainable=False,
                                      name=prefix + name)
      weights[name].assign(getattr(start, name))
    return standardisation.Measured(**weights)

  @property
  def point_size(self):
    """Numbers of a point."""
    return self.config.event_size

  @property
  def context_size(self):
    """Numbers that the density is conditioned on; 0 for none."""
    return getattr(self.config, "context_size", 0)

  def build(self, input_shape):
    """All weights are there from the start."""

  def adapt(self, points, context=None):
    """Measures what standardises points, `shift`, `scale` and so on; the weights that train are left alone.

    Args:
      points: [n, d].
      context: [n, c] of a conditional density, whose mean and deviation are measured likewise.

    Raises:
      ValueError: points of another shape, not finite, or fewer than two; a context that is missing or none of these.
    """
    points, *context = _flat(self.given(points, context))
    _assign(self._standard, check_points(points, self.point_size, minimum=2), self.config.standardisation)
    for values in context:
      _assign(self._standard_context, values, "affine")
    self.adapted.assign(1.0)

  @property
  def coordinates(self):
    """The tfb.Bijector from standardised points [..., d] to points."""
    return standardisation.coordinates(self._standard)

  def standardise(self, points):
    """The standardised points of points; [batch, d] both."""
    return self.coordinates.inverse(as_tensor(points, self.variable_dtype))

  def restore(self, points):
    """The inverse of `standardise`."""
    return self.coordinates.forward(as_tensor(points, self.variable_dtype))

  def standardise_context(self, context):
    """(context - context_shift) / context_scale."""
    return (as_tensor(context, self.variable_dtype) - self.context_shift) / self.context_scale

  def log_volume(self, points):
    """log |d points / d standardised points|, nats [batch] or one number for all, to subtract from log densities."""
    return -self.coordinates.inverse_log_det_jacobian(as_tensor(points, self.variable_dtype), event_ndims=1)

  def bound(self, x, seed):
    """Nats [batch] that training maximises; x: points, or (points, context)."""
    raise NotImplementedError

  def default_optimizer(self):
    return optimizers.adam(self.config, global_clipnorm=self.config.clip_norm)

  def fit(self, x=None, y=None, batch_size=None, epochs=None, verbose="auto", callbacks=None, *, sample_weight=None,
          validation_split=0.0, validation_data=None, shuffle=True, steps_per_epoch=None, **kwargs):
    """`keras.Model.fit` on points: an array [n, d], or batches as Keras takes them (then call `adapt` before).

    Args:
      x: the points; of a conditional density (points, context [n, c]), and batches of ((points, context),).
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
    if not all(map(is_array, _flat(x))):
      return super().fit(x, y, None, 1 if epochs is None else epochs, verbose, callbacks, shuffle=False,
                         sample_weight=sample_weight, validation_data=validation_data,
                         steps_per_epoch=steps_per_epoch, **kwargs)
    self.check_batch((x, y, sample_weight))
    check_points(_flat(x)[0], self.point_size, minimum=2)
    x = tf.nest.map_structure(lambda values: np.asarray(values, self.variable_dtype), self.inputs(x))
    if validation_split and validation_data is None:
      (x, sample_weight), (held, weights) = split_off(x, sample_weight, validation_split)
      validation_data = (held, None, weights)
    if not float(self.adapted):
      self.adapt(*_flat(x))
    count = len(_flat(x)[0])
    batch_size = min(self.config.batch_size if batch_size is None else batch_size, count)
    if epochs is None:
      epochs = math.ceil(self.config.steps / (steps_per_epoch or count // batch_size))
      steps_per_epoch = math.ceil(self.config.steps / epochs)
    data = tf.data.Dataset.from_tensor_slices((x,) if sample_weight is None else (x, np.asarray(sample_weight)))
    if shuffle:
      data = data.shuffle(count, seed=self.config.seed)
    data = data.repeat().batch(batch_size)
    if sample_weight is not None:
      data = data.map(lambda x, weights: (x, None, weights))
    return self._fit(data, None, None, epochs, verbose, callbacks, shuffle=False, validation_data=validation_data,
                     steps_per_epoch=steps_per_epoch or count // batch_size, **kwargs)

  def inputs(self, x):
    if self.context_size and not (isinstance(x, (tuple, list)) and len(x) == 2):
      raise ValueError(f"x must be (points, context): context_size is {self.context_size}, got {type(x).__name__}.")
    return self.given(*_flat(x))

  def step_losses(self, x, weights, step):
    loss = -weighted_mean(self.bound(x, self._seed(step)), weights)
    return loss, {"loss": loss}

  def test_losses(self, x, weights):
    return {"loss": -weighted_mean(self.bound(x, self._seed(-1)), weights)}

  def given(self, points, context=None):
    """x as tensors of the model's dtype, checked: points, or (points, context) of a conditional density.

    Args:
      points: [batch, d].
      context: [batch, c], or [c] of all of them.

    Raises:
      ValueError: another shape, NaN or infinity, a context that is missing or that nothing is conditioned on.
    """
    points = as_tensor(check_points(points, self.point_size), self.variable_dtype)
    context = self._context(context)
    if context is None:
      return points
    rows, given = points.shape[0], context.shape[0]
    if None not in (rows, given) and given not in (1, rows):
      raise ValueError(f"context must have a row for each of {rows} points, or one for all, got {given}.")
    return points, tf.broadcast_to(context, tf.stack([tf.shape(points)[0], self.context_size]))

  def _context(self, context):
    """Contexts as a tensor [m, c], checked; None where nothing is conditioned on one."""
    if not self.context_size:
      if context is not None:
        raise ValueError(f"context must be None, as context_size is 0, got {context!r}.")
      return None
    if context is None:
      raise ValueError(f"context must be given, [n, {self.context_size}], as context_size is {self.context_size}.")
    context = context if tf.is_tensor(context) else np.asarray(context)
    context = context[None] if len(context.shape) == 1 else context
    return as_tensor(check_points(context, self.context_size, name="context"), self.variable_dtype)

  def _seed(self, step):
    return tf.stack([self.config.seed, tf.cast(step, tf.int32)])


def in_chunks(function, points, rows_per_point=1):
  """`function` of points [n, ...] in chunks that bound its memory; at once inside a tf.function.

  Args:
    function: maps points [m, ...] and the index of the chunk to a tensor [m, ...], or to a structure of them.
    points: [n, ...], or a structure of such tensors.
    rows_per_point: rows that the function makes of a point.
  """
  size = max(1, CHUNK // rows_per_point)
  if not tf.executing_eagerly() or (count := len(_flat(points)[0])) <= size:
    return function(points, 0)
  parts = [function(tf.nest.map_structure(lambda x: x[i:i + size], points), i // size)  # noqa: B023, called at once
           for i in range(0, count, size)]
  return tf.nest.map_structure(lambda *part: tf.concat(part, axis=0), *parts)


def _flat(x):
  """[points] or [points, context]."""
  return list(x) if isinstance(x, tuple) else [x]


def _assign(weights, values, kind):
  measured = standardisation.measure(values, kind)
  for name in standardisation.names(kind):
    getattr(weights, name).assign(getattr(measured, name))


def new_seed(seed):
  """A stateless seed int32 [2]: (0, seed) of an int, another one at each call of None."""
  return tfp.random.sanitize_seed(None) if seed is None else tf.stack([0, tf.cast(seed, tf.int32)])
