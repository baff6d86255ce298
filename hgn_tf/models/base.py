"""What every model of this package is to Keras: a config, a dtype, a default optimizer, and `fit` that looks first."""

import contextlib

import keras
import tensorflow as tf

from hgn_tf.models import optimizers
from hgn_tf.models.batches import is_array, looked_at
from hgn_tf.models.config import Config
from hgn_tf.models.watch import StopOnNotFinite, WarnOfNoRate
from hgn_tf.networks import precision

POLICIES = ("float32", "float64", "mixed_float16", "mixed_bfloat16")


class Model(keras.Model):
  """A Keras model that is made of a config.

  The state that moves, and what is computed of it, has the dtype of the weights, and so has the model to Keras; under a
  mixed policy the networks' layers alone compute in half precision, and `policy` is its name.

  Args:
    config: of `config_class`, or its dict.
    **kwargs: of `keras.Model`: name, dtype, trainable.

  Raises:
    ValueError: a dtype that is not one of `POLICIES`.
  """

  config_class = Config
  jit_on_gpu = True  # whether `compile` asks for XLA where there is a GPU

  def __init__(self, config, dtype=None, **kwargs):
    config = config if isinstance(config, self.config_class) else self.config_class.from_dict(config)
    policy = keras.dtype_policies.get(keras.config.dtype_policy() if dtype is None else dtype)
    if policy.name not in POLICIES:
      raise ValueError(f"dtype must be one of {', '.join(POLICIES)}, got {policy.name!r}.")
    super().__init__(**{"name": config.name, "autocast": False, "dtype": policy.variable_dtype, **kwargs})
    self.config, self.policy = config, policy.name

  def default_optimizer(self):
    """The optimizer that `compile` takes where it is given none."""
    return optimizers.adam(self.config)

  def compile(self, optimizer=None, loss=None, *, jit_compile=None, auto_scale_loss=True, **kwargs):
    """`keras.Model.compile`; by default with the optimizer of the config, jit-compiled where there is a GPU."""
    optimizer = self.default_optimizer() if optimizer is None else optimizer
    if self.policy == "mixed_float16" and auto_scale_loss:  # as Keras does where the model itself is of that policy
      optimizer = keras.optimizers.get(optimizer)
      if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    own = self.jit_on_gpu and precision.has_gpu() and not kwargs.get("run_eagerly")
    with self._floatx():
      super().compile(optimizer=optimizer, loss=loss, jit_compile=own if jit_compile in (None, "auto") else jit_compile,
                      auto_scale_loss=auto_scale_loss, **kwargs)
    self._asked = {"jit_compile": jit_compile, "auto_scale_loss": auto_scale_loss}

  def get_compile_config(self):
    return {**super().get_compile_config(), **self._asked} if self.compiled else {}

  def compile_from_config(self, config):
    self.compile(**keras.saving.deserialize_keras_object(config))
    if self.built:
      self.optimizer.build(self.trainable_variables)

  def check_batch(self, batch):
    """Raises a ValueError where a batch of `fit` is not what the model trains on."""
    raise NotImplementedError

  def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **kwargs):
    """`keras.Model.fit`; looks at the first batch, or at arrays as a whole, and stops where the loss is not finite.

    The first batch of a tf.data.Dataset is read once more for that, which counts as a pass of its `shuffle`. A model
    that was not compiled is compiled with its defaults. With `keras.callbacks.TerminateOnNaN` the training ends as that
    has it.

    Raises:
      ValueError: data that the model does not train on.
      NotFinite: the loss became NaN or infinite.
    """
    x = self._looked_at(x, y, kwargs.get("sample_weight"))
    return self._fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

  def _fit(self, x, y, batch_size, epochs, verbose, callbacks, **kwargs):
    """`fit` of what was looked at."""
    if not self.compiled:
      self.compile()
    if isinstance(x, tf.data.Dataset):
      kwargs.setdefault("shuffle", False)  # Keras warns that it does not shuffle them
    if kwargs.get("validation_data") is not None:
      self._looked_at(*keras.utils.unpack_x_y_sample_weight(kwargs["validation_data"]), arrays_only=True)
    with self._floatx():
      return super().fit(x, y, batch_size, epochs, verbose, _watched(callbacks), **kwargs)

  def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs):
    """`keras.Model.evaluate`."""
    with self._floatx():
      return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)

  def predict(self, x, *args, **kwargs):
    with self._floatx():
      return super().predict(x, *args, **kwargs)

  def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs):
    """`keras.Model.export` of `call`, batches of any size; `hgn-export` makes what a server asks for."""
    built = self.get_build_config()
    if input_signature is None and built:
      input_signature = [keras.InputSpec(shape=(None, *built["input_shape"][1:]), dtype=self.variable_dtype)]
    return super().export(filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)

  def get_config(self):
    return {"config": self.config.to_dict(), "name": self.name, "dtype": self.policy,
            "trainable": self.trainable}

  def _looked_at(self, x, y, sample_weight, arrays_only=False):
    if is_array(x):
      self.check_batch((x, y, sample_weight))
    elif not arrays_only:
      return looked_at(x, self.check_batch)
    return x

  @contextlib.contextmanager
  def _floatx(self):
    """Keras casts arrays, and computes losses, in its floatx: here that of the model."""
    before = keras.config.floatx()
    keras.config.set_floatx(self.variable_dtype)
    try:
      yield
    finally:
      keras.config.set_floatx(before)


def _watched(callbacks):
  """The callbacks of a fit with those that watch every fit; a CallbackList is left alone."""
  if isinstance(callbacks, keras.callbacks.CallbackList):
    return callbacks
  callbacks = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
  stops = any(isinstance(hook, (keras.callbacks.TerminateOnNaN, StopOnNotFinite)) for hook in callbacks)
  return [*callbacks, WarnOfNoRate(), *([] if stops else [StopOnNotFinite()])]
