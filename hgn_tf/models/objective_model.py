"""Models that train on an objective of their own: one training step, one count of its steps."""

import keras
import tensorflow as tf

from hgn_tf.models import replicas
from hgn_tf.models.base import Model
from hgn_tf.models.batches import is_array


class ObjectiveModel(Model):
  """A model whose loss is not a function of its output.

  `train_steps` counts training steps from the first one on. It is a weight, saved with the others: whatever follows a
  schedule goes on from there, with whichever optimizer. Files that are older than it count as those of a model whose
  schedules are over, unless an optimizer came with them, whose count it then takes.

  Subclasses give `step_losses`, call `add_step_counter` after their other weights, and list their figures in `figures`.
  """

  figures = ("loss",)
  clip_norm = None  # of the whole gradient, where the optimizer does not clip itself

  def add_step_counter(self):
    """Adds the weight that counts training steps, the last of a model's own, and what averages its figures."""
    self.train_steps = self.add_weight(name="train_steps", shape=(), dtype="int64", initializer="zeros",
                                       trainable=False, autocast=False, aggregation="only_first_replica")
    self._steps_are_known = True
    self.trackers = {key: keras.metrics.Mean(name=key, dtype=self.variable_dtype) for key in self.figures}

  def step_losses(self, x, weights, step):
    """(what a training step minimises, its figures by name).

    Args:
      x: a batch, as `inputs` gives it.
      weights: of its examples, [batch] with a mean of 1, or None.
      step: int32 scalar, of the step.
    """
    raise NotImplementedError

  def test_losses(self, x, weights):
    """The figures of a batch that is not trained on."""
    raise NotImplementedError

  def before_step(self, x, step):
    """Called in a training step before its losses."""

  def after_step(self, figures):
    """Called in a training step after its update."""

  def compile(self, optimizer=None, loss=None, *, loss_weights=None, metrics=None, weighted_metrics=None, **kwargs):
    """`keras.Model.compile`; by default with the optimizer of the config, jit-compiled where there is a GPU.

    Raises:
      ValueError: a loss or metrics, for the model trains on its own objective and reports its own figures.
    """
    given = dict(loss=loss, loss_weights=loss_weights, metrics=metrics, weighted_metrics=weighted_metrics)
    for key, value in given.items():
      if value is not None:
        raise ValueError(f"{key} must be None: {type(self).__name__} trains on its own objective and reports "
                         f"{', '.join(self.figures)}; got {value!r}.")
    super().compile(optimizer, **kwargs)

  def _fit(self, x, y, *args, validation_data=None, **kwargs):
    if isinstance(validation_data, tuple):
      val_x, val_y, weights = keras.utils.unpack_x_y_sample_weight(validation_data)
      validation_data = (val_x, _filled(val_x, val_y, weights), weights)
    return super()._fit(x, _filled(x, y, kwargs.get("sample_weight")), *args, validation_data=validation_data, **kwargs)

  def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs):
    """`keras.Model.evaluate`; looks at arrays first."""
    if is_array(x) and not kwargs.get("_use_cached_eval_dataset"):
      self.check_batch((x, y, sample_weight))
      y = _filled(x, y, sample_weight)
    return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)

  def make_train_function(self, force=False):
    self._settle_steps()
    return super().make_train_function(force)

  def check_batch(self, batch):
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    if y is not None:
      raise ValueError(f"y must be None: {type(self).__name__} trains on x alone. Give (x, None, sample_weight) where "
                       "examples have weights.")
    self.inputs(x)

  def inputs(self, x):
    """x as a tensor of the model's dtype; raises a ValueError where it is not what the model trains on."""
    raise NotImplementedError

  def train_step(self, data):
    x, weights, count = self._unpack(data)
    step = tf.cast(tf.convert_to_tensor(self.train_steps), tf.int32)
    self.before_step(x, step)
    variables = self.trainable_variables
    with tf.GradientTape() as tape:
      loss, figures = self.step_losses(x, weights, step)
      scaled = self.optimizer.scale_loss(loss)
    # The constant of an energy has no gradient; zeros need the raw variables, whose dtype TensorFlow knows.
    gradients = tape.gradient(scaled, [v.value for v in variables],
                              unconnected_gradients=tf.UnconnectedGradients.ZERO)
    clip_norm = None if self.clip_norm is None else self.clip_norm * self.optimizer.scale_loss(tf.ones([], loss.dtype))
    replicas.apply_gradients(self.optimizer, gradients, variables, clip_norm)
    self.after_step(figures)
    self.train_steps.assign_add(1)
    return self._track(figures, count)

  def test_step(self, data):
    x, weights, count = self._unpack(data)
    return self._track(self.test_losses(x, weights), count)

  @property
  def metrics(self):
    return list(self.trackers.values())

  def save_own_variables(self, store):
    self._settle_steps()
    super().save_own_variables(store)

  def load_own_variables(self, store):
    """Also from files that are older than `train_steps`."""
    own = {}
    super().save_own_variables(own)
    *_, last = own  # Keras numbers variables; `train_steps` is the last
    self._steps_are_known = last in store.keys()
    super().load_own_variables(
        store if self._steps_are_known else {**{key: store[key] for key in store.keys()}, last: self.config.steps})

  def _settle_steps(self):
    """Takes the steps of an optimizer that came with a file older than `train_steps`."""
    if not self._steps_are_known and self.compiled and int(self.optimizer.iterations):
      self.train_steps.assign(self.optimizer.iterations)
    self._steps_are_known = True

  def _unpack(self, data):
    """(x, weights with a mean of 1 over all replicas or None, their sum in this replica)."""
    x, _, weights = keras.utils.unpack_x_y_sample_weight(data)
    x = self.inputs(x)
    count = tf.cast(tf.shape(tf.nest.flatten(x)[0])[0], self.variable_dtype)
    if weights is None:
      return x, None, count
    weights = tf.cast(tf.ensure_shape(weights, [None]), self.variable_dtype)
    mean = replicas.mean(tf.reduce_mean(weights))
    return x, tf.math.divide_no_nan(weights, mean), count * mean

  def _track(self, figures, count):
    for key, value in figures.items():
      self.trackers[key].update_state(value, sample_weight=count)
    return {key: tracker.result() for key, tracker in self.trackers.items()}


def _filled(x, y, sample_weight):
  """Something in the place of y, without which Keras forgets the weights."""
  return tf.nest.flatten(x)[0] if y is None and sample_weight is not None else y


def weighted_mean(values, weights):
  """The mean of values [batch, ...] over all axes, each example times its weight of a mean of 1, or None."""
  if weights is None:
    return tf.reduce_mean(values)
  return tf.reduce_mean(values * tf.reshape(weights, [-1, *[1] * (values.shape.rank - 1)]))
