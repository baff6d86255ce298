"""Which floating point the networks run in."""

import pathlib

import keras
import tensorflow as tf

_VECTORS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "avx")  # by the speed of a training step


def has_gpu():
  """Whether TensorFlow sees a GPU."""
  return bool(tf.config.list_physical_devices("GPU"))


def vector_instructions():
  """The best of this processor's vector instructions, such as "avx512_bf16"; "" where /proc/cpuinfo does not say."""
  cpuinfo = pathlib.Path("/proc/cpuinfo")
  flags = cpuinfo.read_text().split() if cpuinfo.exists() else ()
  return next((name for name in _VECTORS if name in flags), "")


def native_bfloat16():
  """Whether this processor multiplies bfloat16 natively (AMX or AVX512-BF16), or a GPU is there to do it."""
  return has_gpu() or vector_instructions().endswith("_bf16")


def policy(precision):
  """The Keras dtype policy of the convolutions for a config's `precision`."""
  if precision == "auto":
    precision = "mixed_bfloat16" if native_bfloat16() else "float32"
  return precision


def sequential(layers, dtype=None, name=None):
  """A keras.Sequential that leaves its input to its first layer to cast, where Keras' own would cast it to float32.

  Args:
    layers: of this dtype policy.
    dtype: Keras dtype policy, None for Keras' default.
    name: of the model.
  """
  net = keras.Sequential(layers, name=name)
  if dtype is not None:
    net.dtype_policy = dtype
  return net
