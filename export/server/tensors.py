"""The tensors of a REST request and of its answer: JSON to arrays and back."""

import base64
import itertools
import json
import operator

import numpy as np
import orjson
import tensorflow as tf

from export.server.loader import RequestError, describe

MAX_NUMBERS = 2**24  # of an answer as JSON, about 200 MB of text
_list = operator.methodcaller("tolist")  # of what JSON does not know: NumPy's arrays and numbers


def parse(body):
  """The JSON object of a request, in which exactly one of instances and inputs is there.

  Raises:
    RequestError: no such object.
  """
  try:
    request = _loads(body)
  except (ValueError, RecursionError) as error:
    raise RequestError(f"JSON Parse error: {error}") from error
  if not isinstance(request, dict):
    raise RequestError(f"The request must be a JSON object, got {type(request).__name__}.")
  if ("instances" in request) == ("inputs" in request):
    raise RequestError('The request must have one of "instances" (rows) and "inputs" (columns).')
  if not isinstance(request.get("signature_name", ""), str):
    raise RequestError('"signature_name" must be a string.')
  return request


def _loads(body):
  """`json.loads`; 2.5 times as fast where the body holds no NaN and no infinity."""
  try:
    return orjson.loads(body)
  except orjson.JSONDecodeError:
    return json.loads(body)


def inputs(request, signature):
  """Arrays of a request's columns, or of its rows put together: name -> array of the type that the signature has.

  Raises:
    RequestError: rows or values that do not fit the signature.
  """
  columns = request["inputs"] if "inputs" in request else _columns(request["instances"], signature)
  if not isinstance(columns, dict) or _is_base64(columns):
    if len(signature.inputs) > 1:
      raise RequestError(f"inputs must be an object with {', '.join(sorted(signature.inputs))}.")
    columns = {next(iter(signature.inputs)): columns}
  return {name: _array(name, value, signature.inputs.get(name)) for name, value in columns.items()}


def _columns(instances, signature):
  if not isinstance(instances, list) or not instances:
    raise RequestError("instances must be a list of at least one row.")
  if not isinstance(instances[0], dict) or _is_base64(instances[0]):
    return instances
  names = set(signature.inputs)
  for i, row in enumerate(instances):
    if not isinstance(row, dict) or set(row) != names:
      raise RequestError(f"instances[{i}] must be an object with {', '.join(sorted(names))}.")
  return {name: [row[name] for row in instances] for name in signature.inputs}


def _array(name, value, info):
  if info is None:
    raise RequestError(f"Unknown input {name!r}.")
  dtype = tf.as_dtype(info.dtype)
  if dtype != tf.string and _is_base64(value):
    raise RequestError(f"Input {name!r} must be {describe(info)}, as nested lists of numbers (array.tolist()): base64 "
                       "is for strings. gRPC takes bytes as they are; Content-Encoding gzip makes the lists short.")
  try:
    return _strings(value) if dtype == tf.string else numbers(value, np.dtype(dtype.as_numpy_dtype))
  except (ValueError, OverflowError, TypeError) as error:
    raise RequestError(f"Input {name!r} is not a tensor of {dtype.name}: {error}") from error


def numbers(value, dtype):
  """Nested lists of numbers as an array; whole numbers stay what they are or are refused.

  Raises:
    ValueError: values that are no such numbers or out of range, lists that differ in length.
  """
  array = _pixels(value) if dtype == np.uint8 else None
  return _checked(value, dtype) if array is None else array


def _pixels(value):
  """Nested lists of integers in [0, 255], half as long as NumPy takes; None: what only NumPy can tell from others."""
  shape, level = [], [value]
  try:
    while level and isinstance(level[0], list):
      lengths = set(map(len, level))
      if len(lengths) > 1:
        return None
      shape += lengths
      level = list(itertools.chain.from_iterable(level))
    array = np.frombuffer(bytearray(level), np.uint8).reshape(shape)
  except (TypeError, ValueError):
    return None
  return array if array.size and array.max() > 1 else None  # bytes take true for 1


def _checked(value, dtype):
  array = np.asarray(value)
  if array.size and not (array.dtype.kind in "iu" or array.dtype.kind == "f" and dtype.kind == "f"):
    raise ValueError(f"values are no {dtype.name} numbers")
  if dtype.kind in "iu" and array.size:
    limits = np.iinfo(dtype)
    if array.min() < limits.min or array.max() > limits.max:
      raise ValueError(f"values must lie in [{limits.min}, {limits.max}]")
  with np.errstate(over="ignore"):
    return array.astype(dtype)


def _strings(value):
  array = np.array(_bytes(value), object)
  if any(isinstance(item, list) for item in array.flat):
    raise ValueError("lists differ in length")
  return array


def _bytes(value):
  """Nested lists of bytes of nested lists of text, or of {"b64": base64 of the bytes}."""
  if isinstance(value, list):
    return [_bytes(item) for item in value]
  if _is_base64(value):
    return base64.b64decode(value["b64"], validate=True)
  if not isinstance(value, str):
    raise ValueError(f'values must be text or {{"b64": base64}}, got {type(value).__name__}')
  return value.encode()


def _is_base64(value):
  """Whether a value, or the first one in nested lists, is what JSON carries bytes in: {"b64": text}."""
  while isinstance(value, list) and value:
    value = value[0]
  return isinstance(value, dict) and set(value) == {"b64"}


def predictions(outputs):
  """JSON of a row-wise answer: a list of objects, or of values where there is one output."""
  columns = _writable(outputs)
  rows = ([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
          if len(columns) > 1 else list(*columns.values()))
  return _dumps(outputs, {"predictions": rows})


def outputs(outputs):
  """JSON of a column-wise answer: an object of tensors, or a tensor where there is one output."""
  columns = _writable(outputs)
  return _dumps(outputs, {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})


def _writable(outputs):
  """The arrays of an answer, those of strings as nested lists; strings whose name ends in _bytes go as base64."""
  return {name: _text(array.tolist(), name.endswith("_bytes")) if array.dtype == object else array
          for name, array in outputs.items()}


def _text(value, as_base64):
  if isinstance(value, list):
    return [_text(item, as_base64) for item in value]
  return {"b64": base64.b64encode(value).decode()} if as_base64 else value.decode(errors="replace")


def _dumps(outputs, answer):
  """JSON of an answer that holds the arrays of `outputs`; 15 times as fast as json where all of them are finite."""
  tensors = [array for array in outputs.values() if array.dtype != object]
  count = sum(array.size for array in tensors)
  if count > MAX_NUMBERS:
    raise RequestError(f"The answer has {count} numbers, more than {MAX_NUMBERS}: ask for fewer rows or steps, "
                       "or use gRPC.", "RESOURCE_EXHAUSTED")
  if all(np.isfinite(array).all() for array in tensors):
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY, default=_list)
  return json.dumps(answer, separators=(",", ":"), default=_list).encode()
