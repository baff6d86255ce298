"""To ONNX, by tf2onnx."""

_OPSET = 17


def convert(part):
  """The bytes of an ONNX model with the names of `part`.

  Args:
    part: lean.Lean.
  """
  import tf2onnx  # slow
  model, _ = tf2onnx.convert.from_function(part.traced(), input_signature=part.specs(), opset=_OPSET)
  return model.SerializeToString()
