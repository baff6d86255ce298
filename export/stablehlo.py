"""To StableHLO as `jax.export` writes it: any JAX of the next years runs it, without TensorFlow."""


def convert(part):
  """The bytes that `jax.export.deserialize` takes; the function has positional arguments and gives a dict.

  Args:
    part: lean.Lean.
  """
  import jax  # slow
  from jax.experimental import jax2tf
  function = jax2tf.call_tf(part.traced(jit_compile=True), has_side_effects=False)
  arguments = [jax.ShapeDtypeStruct(spec.shape.as_list(), spec.dtype.as_numpy_dtype) for spec in part.specs()]
  return bytes(jax.export.export(jax.jit(function))(*arguments).serialize())
