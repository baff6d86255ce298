"""Which floating point the convolutions run in."""

import pathlib

import tensorflow as tf


def has_gpu():
  """Whether TensorFlow sees a GPU."""
  return bool(tf.config.list_physical_devices("GPU"))


def native_bfloat16():
  """Whether this processor multiplies bfloat16 natively (AMX or AVX512-BF16), or a GPU is there to do it."""
  cpuinfo = pathlib.Path("/proc/cpuinfo")
  flags = cpuinfo.read_text() if cpuinfo.exists() else ""
  return has_gpu() or "amx_bf16" in flags or "avx512_bf16" in flags


def policy(precision):
  """The Keras dtype policy of the convolutions for a config's `precision`."""
  if precision == "auto":
    precision = "mixed_bfloat16" if native_bfloat16() else "float32"
  return precision
