"""To TFLite (LiteRT): built-in operators only, so that its small runtime alone is enough."""

import tempfile

import tensorflow as tf


def convert(part):
  """The bytes of a TFLite model with one signature, "run", of the names of `part`.

  Args:
    part: lean.Lean.
  """
  function = part.traced().get_concrete_function()
  module = tf.Module()
  module.weights = list(function.variables)  # the raw variables: see common._Weights
  with tempfile.TemporaryDirectory() as folder:
    tf.saved_model.save(module, folder, signatures={"run": function})  # a function alone gets no signature
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()
