"""To TFLite (LiteRT): built-in operators only, so that its small runtime alone is enough."""

import tensorflow as tf


def convert(part):
  """The bytes of a TFLite model, whose one signature has the names of `part`.

  Args:
    part: lean.Lean.
  """
  module = tf.Module()
  module.run = part.traced()
  converter = tf.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
  converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
  return converter.convert()
