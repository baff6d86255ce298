"""The REST API of TensorFlow Serving: the paths, HTTP codes and JSON of its Predict, status and metadata calls."""

import gzip
import io
import json
import zlib

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from export.configs import METRICS_PATH
from export.server import rpc, tensors
from export.server.loader import RequestError

_MODELS = ("/v1/models/{model}", "/v1/models/{model}/versions/{version:int}", "/v1/models/{model}/labels/{label}")
_HTTP = {"CANCELLED": 499, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404, "ALREADY_EXISTS": 409,
         "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400, "ABORTED": 409,
         "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500, "UNAVAILABLE": 503}
_METHODS = "GET, POST, OPTIONS"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": "Content-Type, Content-Encoding"}  # in every answer, they let any web site ask


def application(service, max_bytes):
  """The ASGI application.

  Args:
    service: service.Service.
    max_bytes: largest body of a request, as it comes and after gzip is undone.
  """

  async def predict(request):
    spec, method = _spec(request.path_params), request.path_params["method"]
    return _json(await run_in_threadpool(_predict, service, spec, method, await _body(request, max_bytes)))

  async def status(request):
    asked = get_model_status_pb2.GetModelStatusRequest(model_spec=_spec(request.path_params))
    return _json(_answer(service, asked, rpc.status))

  async def metadata(request):
    asked = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=_spec(request.path_params))
    asked.metadata_field.append("signature_def")
    answer = _answer(service, asked, rpc.metadata)
    del answer["metadata"]["signature_def"]["@type"]  # which TensorFlow Serving leaves out
    return _json(answer)

  async def metrics(_):
    return PlainTextResponse(service.metrics())

  routes = [Route(METRICS_PATH, metrics), *(Route(model + "/metadata", metadata) for model in _MODELS),
            *(Route(model + ":{method}", predict, methods=["POST"]) for model in _MODELS),
            *(Route(model, status) for model in _MODELS)]
  return Starlette(routes=routes, exception_handlers={RequestError: _refused, HTTPException: _not_here})


def _json(content, code=200, headers=None):
  content = content if isinstance(content, bytes) else json.dumps(content, indent=1 if code == 200 else None)
  return Response(content, code, headers, "application/json")


async def _refused(_, error):
  return _json({"error": str(error)}, _HTTP.get(error.code, 500))


async def _not_here(request, error):
  """Answers what no route takes: other paths, other methods, and OPTIONS, which is what browsers ask first."""
  if request.method == "OPTIONS":
    return Response(status_code=204, headers={"Allow": _METHODS})
  message = f"Malformed request: {request.method} {request.url.path}: {error.detail}"
  return _json({"error": message}, error.status_code, error.headers)


def _spec(path):
  """The ModelSpec of what a path names: the model, and its version or label."""
  spec = model_pb2.ModelSpec(name=path["model"])
  if path.get("version", 0) >= 2**63:
    raise RequestError(f"Failed to convert version: {path['version']} to numeric.")
  if "version" in path:
    spec.version.value = path["version"]
  elif "label" in path:
    spec.version_label = path["label"]
  return spec


async def _body(request, max_bytes):
  """The body of a request without its Content-Encoding; no more than `max_bytes` of it are ever read or made.

  Raises:
    RequestError: too large a body, one that ends early, another encoding than gzip, or a body that is not of it.
  """
  too_large = RequestError(f"A request holds at most {max_bytes} bytes, got more.", "RESOURCE_EXHAUSTED")
  if int(request.headers.get("Content-Length", 0)) > max_bytes:
    raise too_large
  body = bytearray()
  try:
    async for chunk in request.stream():
      body += chunk
      if len(body) > max_bytes:
        raise too_large
  except ClientDisconnect:
    raise RequestError("The body ends early.") from None
  return _decoded(body, request.headers.get("Content-Encoding", "identity"), max_bytes)


def _decoded(body, encoding, max_bytes):
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


def _predict(service, spec, method, body):
  """The answer to a POST, bytes of JSON."""
  with service.request(spec.name):
    if method != "predict":
      raise RequestError(f"These models answer :predict, not :{method}.", "UNIMPLEMENTED")
    request = tensors.parse(body)
    spec.signature_name = request.get("signature_name", "")
    write = tensors.predictions if "instances" in request else tensors.outputs
    return service.predict(spec, lambda signature, _: tensors.inputs(request, signature),
                           lambda number, name, outputs: write(outputs))


def _answer(service, request, function):
  """The answer of a gRPC call, as a dict."""
  with service.request(request.model_spec.name):
    return json_format.MessageToDict(function(service, request), preserving_proto_field_name=True,
                                     always_print_fields_with_no_presence=True)
