"""The REST API of TensorFlow Serving: the paths, JSON and HTTP codes of its Predict, status and metadata calls."""

import gzip
import http.server
import io
import json
import re
import zlib

import numpy as np
import orjson
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from export.configs import METRICS_PATH
from export.server import rpc
from export.server.loader import RequestError, describe

_MODEL = r"(?i)/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT, _METADATA = re.compile(_MODEL + ":(predict|classify|regress)"), re.compile(_MODEL + "(/metadata)?")
_HTTP = {"CANCELLED": 499, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404, "ALREADY_EXISTS": 409,
         "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400, "ABORTED": 409,
         "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500, "UNAVAILABLE": 503}
MAX_NUMBERS = 2**24  # of an answer as JSON, about 200 MB of text
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
         "Access-Control-Allow-Headers": "Content-Type, Content-Encoding"}


def handler(service, max_bytes, idle_seconds=60, cors=False):
  """A request handler class for http.server.

  Args:
    service: service.Service.
    max_bytes: largest body of a request, as it comes and after gzip is undone.
    idle_seconds: a connection that says nothing for so long is closed.
    cors: let the pages of any web site ask.
  """
  return type("Handler", (_Handler,), {"service": service, "max_bytes": max_bytes, "timeout": idle_seconds,
                                       "cors": _CORS if cors else {}})


class _Handler(http.server.BaseHTTPRequestHandler):
  """One connection; a subclass has service, max_bytes, timeout and cors, headers of every answer."""

  protocol_version = "HTTP/1.1"
  default_request_version = "HTTP/1.0"  # what is no HTTP at all gets an answer with a status line too
  server_version, sys_version = "hgn-serve", ""
  disable_nagle_algorithm = True

  error_content_type, error_message_format = "application/json", '{"error": "HTTP status %(code)d"}'

  def do_GET(self):  # noqa: N802
    with self.service.busy():
      if self.path == METRICS_PATH:
        self._send(200, metrics(self.service).encode(), "text/plain")
      else:
        self._respond(lambda: get(self.service, self.path))

  def do_POST(self):  # noqa: N802
    with self.service.busy():
      self._respond(lambda: post(self.service, self.path, self._body()))

  def do_OPTIONS(self):  # noqa: N802
    self.send_response(204)
    self._end_headers({"Allow": "GET, POST, OPTIONS"})

  def _body(self):
    length = self.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
      self.close_connection = True
      raise RequestError("Requests need a Content-Length.")
    if int(length) > self.max_bytes:
      self.close_connection = True
      raise RequestError(f"A request holds at most {self.max_bytes} bytes, got {length}.", "RESOURCE_EXHAUSTED")
    body = self.rfile.read(int(length))
    if len(body) < int(length):
      self.close_connection = True
      raise RequestError(f"The body ends after {len(body)} of {length} bytes.")
    return _decoded(body, self.headers.get("Content-Encoding", "identity"), self.max_bytes)

  def _respond(self, function):
    try:
      self._send(200, function())
    except RequestError as error:
      if error.code == "UNAVAILABLE":
        self.close_connection = True
      self._send(_HTTP.get(error.code, 500), json.dumps({"error": str(error)}).encode())

  def _send(self, code, content, content_type="application/json"):
    self.send_response(code)
    self._end_headers({"Content-Type": content_type, "Content-Length": str(len(content))})
    self.wfile.write(content)

  def _end_headers(self, headers):
    closing = {"Connection": "close"} if self.close_connection else {}
    for name, value in {**headers, **self.cors, **closing}.items():
      self.send_header(name, value)
    self.end_headers()

  def log_message(self, *args):
    """Says nothing: requests are counted, not logged."""


def _decoded(body, encoding, max_bytes):
  """The body without its Content-Encoding; no more than `max_bytes` of it are ever made.

  Raises:
    RequestError: another encoding than gzip, a body that is not of it, or one that is too large.
  """
  if encoding.lower() == "identity":
    return body
  if encoding.lower() != "gzip":
    raise RequestError(f"Content-Encoding must be gzip or identity, got {encoding!r}.")
  try:
    content = gzip.GzipFile(fileobj=io.BytesIO(body)).read(max_bytes + 1)
  except (OSError, EOFError, zlib.error) as error:
    raise RequestError(f"The body is not of Content-Encoding gzip: {error}") from error
  if len(content) > max_bytes:
    raise RequestError(f"A request holds at most {max_bytes} bytes, got more in its gzip.", "RESOURCE_EXHAUSTED")
  return content


def get(service, path):
  """The answer, bytes of JSON, to a GET of a model's status or metadata.

  Raises:
    RequestError: another path, no such model.
  """
  match = _METADATA.fullmatch(path)
  if match is None:
    raise RequestError(f"Malformed request: GET {path}")
  with service.request(match[1]):
    if match[4]:
      request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
      request.model_spec.CopyFrom(_spec(match))
      return _metadata_json(rpc.metadata(service, request))
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=_spec(match))
    return json.dumps(_message(rpc.status(service, request)), indent=1).encode()


def post(service, path, body):
  """The answer, bytes of JSON, to a POST of a prediction.

  Raises:
    RequestError: a request that cannot be answered.
  """
  match = _PREDICT.fullmatch(path)
  if match is None:
    raise RequestError(f"Malformed request: POST {path}")
  with service.request(match[1]):
    if match[4].lower() != "predict":
      raise RequestError(f"These models answer :predict, not :{match[4]}.", "UNIMPLEMENTED")
    request = _parse(body)
    spec = _spec(match)
    spec.signature_name = request.get("signature_name", "")
    row_wise = "instances" in request
    finish = lambda number, name, outputs: _predictions(outputs) if row_wise else _outputs(outputs)  # noqa: E731
    return service.predict(spec, lambda signature, _: _inputs(request, signature), finish)


def _spec(match):
  spec = model_pb2.ModelSpec(name=match[1])
  if match[2]:
    if len(match[2]) > 18:
      raise RequestError(f"Failed to convert version: {match[2][:40]} to numeric.")
    spec.version.value = int(match[2])
  elif match[3]:
    spec.version_label = match[3]
  return spec


def _parse(body):
  """The JSON object of a request; exactly one of instances and inputs is there."""
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


def _inputs(request, signature):
  """Arrays of the request's columns, or of its rows put together."""
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
  if _is_base64(value):
    raise RequestError(f"Input {name!r} must be {describe(info)}, as nested lists of numbers (array.tolist()): base64 "
                       "is for strings. gRPC takes bytes as they are; Content-Encoding gzip makes the lists short.")
  dtype = tf.as_dtype(info.dtype).as_numpy_dtype
  try:
    array = np.asarray(value)
    if array.size and not (array.dtype.kind in "iu" or array.dtype.kind == "f" and np.dtype(dtype).kind == "f"):
      raise ValueError(f"values are no {np.dtype(dtype).name} numbers")
    if np.dtype(dtype).kind in "iu" and array.size:
      limits = np.iinfo(dtype)
      if array.min() < limits.min or array.max() > limits.max:
        raise ValueError(f"values must lie in [{limits.min}, {limits.max}]")
    with np.errstate(over="ignore"):
      return array.astype(dtype)
  except (ValueError, OverflowError, TypeError) as error:
    raise RequestError(f"Input {name!r} is not a tensor of {np.dtype(dtype).name}: {error}") from error


def _is_base64(value):
  """Whether a value, or the first one in nested lists, is what JSON carries bytes in: {"b64": text}."""
  while isinstance(value, list) and value:
    value = value[0]
  return isinstance(value, dict) and set(value) == {"b64"}


def _predictions(outputs):
  """Row-wise answer: a list of objects, or of values where there is one output."""
  rows = zip(*outputs.values(), strict=True)
  return _dumps(outputs, {"predictions": [row[0] if len(outputs) == 1 else dict(zip(outputs, row, strict=True))
                                          for row in rows]})


def _outputs(outputs):
  """Column-wise answer: an object of tensors, or a tensor where there is one output."""
  return _dumps(outputs, {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))})


def _loads(body):
  """`json.loads`; 2.5 times as fast where the body holds no NaN and no infinity."""
  try:
    return orjson.loads(body)
  except orjson.JSONDecodeError:
    return json.loads(body)


def _dumps(outputs, answer):
  """JSON of an answer that holds the arrays of `outputs`; 15 times as fast as json where all of them are finite."""
  numbers = sum(x.size for x in outputs.values())
  if numbers > MAX_NUMBERS:
    raise RequestError(f"The answer has {numbers} numbers, more than {MAX_NUMBERS}: ask for fewer rows or steps, "
                       "or use gRPC.", "RESOURCE_EXHAUSTED")
  if all(np.isfinite(x).all() for x in outputs.values()):
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY, default=_list)
  return json.dumps(answer, separators=(",", ":"), default=_list).encode()


def _list(array):
  """A NumPy array or number that JSON does not know, as Python's."""
  return array.tolist()


def _message(message):
  return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _metadata_json(response):
  signatures = get_model_metadata_pb2.SignatureDefMap()
  response.metadata["signature_def"].Unpack(signatures)
  return json.dumps({"model_spec": _message(response.model_spec), "metadata": {"signature_def": _message(signatures)}},
                    indent=1).encode()


def metrics(service):
  """Counts of requests in Prometheus' text format."""
  lines = ["# TYPE :tensorflow:serving:request_count counter"]
  lines += [f':tensorflow:serving:request_count{{model_name="{model}",status="{code}"}} {count}'
            for (model, code), count in sorted(service.counts.copy().items())]
  return "\n".join(lines) + "\n"
