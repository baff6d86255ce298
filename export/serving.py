"""A version of a model as TensorFlow Serving's operators expect it."""

from export import common


def publish(servable, base, *, version=None):
  """Writes `servable` to `<base>/<version>/`, whole or not at all; returns that directory.

  Args:
    servable: common.Servable.
    base: directory of one model, whose name is the model's name.
    version: positive int; default the next free one.
  """
  with common.new_version(base, version) as (partial, path):
    common.save(servable, partial)
  return path
