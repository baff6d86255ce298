"""A SavedModel behind the C++ session loader, the one inside TensorFlow Serving; imports no Keras and no model code."""

import threading

import numpy as np
import tensorflow as tf


class RequestError(ValueError):
  """A request that cannot be answered; the message is for the client.

  Args:
    message: what was expected and what came.
    code: name of the canonical status code, as in grpc.StatusCode.
  """

  def __init__(self, message, code="INVALID_ARGUMENT"):
    super().__init__(message)
    self.code = code


class SessionModel:
  """One version of a model, loaded by `tf.compat.v1.saved_model.loader`.

  Args:
    path: directory of the SavedModel.

  Attributes:
    signatures: name -> SignatureDef of the signatures for prediction.
  """

  def __init__(self, path):
    self._session = tf.compat.v1.Session(graph=tf.Graph())
    with self._session.graph.as_default():
      meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(path))
    self.signatures = {name: signature for name, signature in sorted(meta_graph.signature_def.items())
                       if signature.method_name == "tensorflow/serving/predict"}
    self._callables, self._lock = {}, threading.Lock()

  def signature(self, name="serving_default"):
    """The SignatureDef called `name`.

    Raises:
      RequestError: unknown; the message lists the known ones.
    """
    if name not in self.signatures:
      raise RequestError(f"Unknown signature_name {name!r}; known: {', '.join(self.signatures)}.")
    return self.signatures[name]

  def run(self, name, inputs):
    """Answers of signature `name`: dict of arrays to dict of arrays.

    Raises:
      RequestError: unknown signature, missing or unknown inputs, wrong dtype or shape, rows that differ in number.
    """
    signature = self.signature(name)
    arrays = check_inputs(signature, inputs)
    return dict(zip(signature.outputs, self._callable(name)(*arrays), strict=True))

  def close(self):
    """Frees the session."""
    self._session.close()

  def _callable(self, name):
    with self._lock:
      if name not in self._callables:
        signature, tensor = self.signatures[name], self._session.graph.get_tensor_by_name
        self._callables[name] = self._session.make_callable(
            [tensor(info.name) for info in signature.outputs.values()],
            [tensor(info.name) for info in signature.inputs.values()])
      return self._callables[name]


def check_inputs(signature, inputs):
  """The arrays of `inputs` in the order of the signature.

  Raises:
    RequestError: as `SessionModel.run`.
  """
  expected = ", ".join(f"{name} {describe(info)}" for name, info in sorted(signature.inputs.items()))
  if set(inputs) != set(signature.inputs):
    raise RequestError(f"inputs must be {expected}; got {', '.join(sorted(inputs)) or 'none'}.")
  arrays = [np.asarray(inputs[name]) for name in signature.inputs]
  for (name, info), array in zip(signature.inputs.items(), arrays, strict=True):
    shape = [dim.size for dim in info.tensor_shape.dim]
    fits = len(shape) == array.ndim and all(want in (-1, got) for want, got in zip(shape, array.shape, strict=True))
    if array.dtype != tf.as_dtype(info.dtype).as_numpy_dtype or not fits:
      raise RequestError(f"{name} must be {describe(info)}, got {array.dtype} of shape {list(array.shape)}.")
  rows = {name: len(array) for name, array in zip(signature.inputs, arrays, strict=True)}
  if len(set(rows.values())) > 1 or 0 in rows.values():
    raise RequestError(f"inputs must have one size of dimension 0, at least 1, got {rows}.")
  return arrays


def describe(info):
  """TensorInfo as clients read it: "float32 of shape [N, 31, 32, 32, 3]"."""
  dims = ["N" if dim.size == -1 else str(dim.size) for dim in info.tensor_shape.dim]
  return f"{tf.as_dtype(info.dtype).name} of shape [{', '.join(dims)}]"
