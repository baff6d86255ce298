"""Malformed requests of KServe v2, each made from a good one."""

import copy
import json
import socket

import grpc
import malformed
import numpy as np
from triton_support import json_request, proto_request

METHOD = "/inference.GRPCInferenceService/ModelInfer"
MODEL = "tiny.rollout"


def bodies(rng, good):
  """Yields (kind, body) of malformed bodies of a good request.

  Left out, as it ends Triton 2.51 (std::bad_alloc): a shape of 2**40 rows in JSON. Over gRPC the server survives it.
  """
  request = json_request(good)
  text, place = json.dumps(request).encode(), int(rng.integers(len(good)))

  def changed(**fields):
    other = copy.deepcopy(request)
    other["inputs"][place].update(fields)
    return other

  shape, data = request["inputs"][place]["shape"], request["inputs"][place]["data"]
  rest = [x for i, x in enumerate(request["inputs"]) if i != place]
  yield "truncated JSON", text[:int(rng.integers(1, len(text)))]
  yield "random bytes", b"\xff" + rng.bytes(int(rng.integers(0, 200)))
  yield "flipped byte", malformed._flipped(rng, text)
  yield "deep nesting", b"[" * int(rng.integers(10, 50_000))
  yield "not an object", [[], "x", 3, None][int(rng.integers(4))]
  yield "no inputs", [{}, {"inputs": []}, {"inputs": None}, {"inputs": "x"}][int(rng.integers(4))]
  yield "missing input", {"inputs": rest}
  yield "unknown input", changed(name=str(rng.integers(1000)))
  yield "name of another kind", changed(name=[1, None, {}][int(rng.integers(3))])
  yield "other datatype", changed(datatype=["FP64", "BYTES", "INT8", "FP16"][int(rng.integers(4))])
  yield "unknown datatype", changed(datatype=["float", "", None, 3][int(rng.integers(4))])
  yield "less data", changed(data=data[:-1])
  yield "more data", changed(data=[*data, 1])
  yield "no data", {"inputs": [*rest, {k: v for k, v in request["inputs"][place].items() if k != "data"}]}
  yield "data of another kind", changed(data=["text"] * len(data))
  yield "null data", changed(data=[None] * len(data))
  yield "other rank", changed(shape=[1, *shape])
  yield "negative size", changed(shape=[*shape[:-1], -shape[-1]])
  yield "no rows", changed(shape=[0, *shape[1:]], data=[])
  yield "size of another kind", changed(shape=[str(shape[0]), *shape[1:]])
  yield "rows differ", changed(shape=[1, *shape[1:]], data=data[:len(data) // 2])
  yield "too many rows", json_request({key: np.concatenate([x] * 9) for key, x in good.items()})
  yield "unknown output", {**request, "outputs": [{"name": str(rng.integers(1000))}]}
  yield "binary data that is not there", changed(parameters={"binary_data_size": 10**6})
  yield "shared memory that is not there", changed(
      parameters={"shared_memory_region": "x", "shared_memory_byte_size": 8})


def bad_rows(rng, good):
  """Yields (kind, body) of requests that are well formed, all of whose rows are bad."""
  pick = lambda values, x: np.full_like(x, values[int(rng.integers(len(values)))])  # noqa: E731
  yield "bad num_steps", json_request({**good, "num_steps": pick([-1, -2**31, 10**6], good["num_steps"])})
  yield "bad frames", json_request({**good, "frames": pick([-0.5, 1.5, 3e38], good["frames"])})


def exchanges(rng, good):
  """Yields (kind, raw bytes of an HTTP request) that break the protocol."""
  text = json.dumps(json_request(good)).encode()
  path = ["/", "/v2", "/v2/models/nobody/infer", "/v2/models/tiny.rollout/versions/77/infer", "/../../etc/passwd",
          "/v2/models/tiny.rollout/versions/x/infer", "/v2/models/%00/infer", "/v2/models/tiny.rollout/train",
          "/v2/models/" + "a" * 5000 + "/infer", "/v2/repository/models/x/load"][int(rng.integers(10))]
  head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nHost: x\r\n"
  sized = f"Content-Length: {len(text)}\r\n\r\n".encode() + text
  length = ["-1", "x", "99999999999999999999", str(2**40)][int(rng.integers(4))]
  method = ["PUT", "DELETE", "BREW"][int(rng.integers(3))]
  header = ["-1", "x", str(10**9)][int(rng.integers(3))]
  yield "bad path", f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + sized
  yield "bad method", f"{method} /v2/models/{MODEL}/infer HTTP/1.1\r\nHost: x\r\n".encode() + sized
  yield "bad Content-Length", head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + text
  yield "bad length of inputs", head.encode() + f"Inference-Header-Content-Length: {header}\r\n".encode() + sized
  yield "not gzip", head.encode() + b"Content-Encoding: gzip\r\n" + sized
  yield "no HTTP", rng.bytes(int(rng.integers(1, 300))).replace(b"\n", b"") + b"\r\n\r\n"
  yield "body ends early", head.encode() + f"Content-Length: {len(text) + 50}\r\n\r\n".encode() + text


def protos(rng, good):
  """Yields (kind, serialized ModelInferRequest) of malformed requests."""
  place = int(rng.integers(len(good)))

  def changed(change):
    request = proto_request(MODEL, good)
    change(request)
    return request.SerializeToString()

  def resized(size):
    def change(request):
      shape = request.inputs[place].shape
      shape[int(rng.integers(1, len(shape)))] = size
    return changed(change)

  text = changed(lambda request: None)
  yield "proto: random bytes", b"\xff" + rng.bytes(int(rng.integers(0, 200)))
  yield "proto: truncated", text[:int(rng.integers(len(text) // 2, len(text)))]
  yield "proto: missing input", changed(
      lambda request: (request.inputs.pop(place), request.raw_input_contents.pop(place)))
  yield "proto: less raw data", changed(lambda request: request.raw_input_contents.pop())
  yield "proto: shorter raw data", changed(
      lambda request: request.raw_input_contents.__setitem__(place, request.raw_input_contents[place][:-1]))
  yield "proto: other datatype", changed(lambda request: setattr(request.inputs[place], "datatype", "FP64"))
  yield "proto: unknown input", changed(lambda request: setattr(request.inputs[place], "name", "x"))
  yield "proto: unknown model", changed(lambda request: setattr(request, "model_name", "nobody"))
  yield "proto: unknown version", changed(lambda request: setattr(request, "model_version", "77"))
  yield "proto: unknown output", changed(lambda request: request.outputs.add(name="x"))
  for kind, size in (("negative", -5), ("huge", 2**40), ("other", int(rng.integers(50, 1000)))):
    yield f"proto: {kind} size", resized(size)


def send(server, kind, content):
  """What came back of a malformed request; raises AssertionError where it was answered as if nothing was wrong."""
  if kind.startswith("proto"):
    try:
      answer = server.grpc._channel.unary_unary(METHOD)(content, timeout=60)
    except grpc.RpcError as error:
      return error.code().name
    raise AssertionError(f"{kind}: answered {len(answer)} bytes")
  if kind in ("bad num_steps", "bad frames"):
    code, answer = server.post(MODEL, content)
    (status,) = (x["data"] for x in answer["outputs"] if x["name"] == "status")
    if code != 200 or not all(status):
      raise AssertionError(f"{kind}: HTTP {code}, status {status}")
    return "status"
  if isinstance(content, bytes) and b" HTTP/1.1\r\n" in content or kind == "no HTTP":
    return _send_bytes(server, content)
  code, answer = server.post(MODEL, content)
  if code < 400 or not isinstance(answer.get("error"), str):
    raise AssertionError(f"{kind}: HTTP {code}, {str(answer)[:200]}")
  return f"HTTP {code}"


def _send_bytes(server, content):
  """The HTTP code that raw bytes are answered with, "closed" where the connection ends or stays without a word."""
  with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
    try:
      connection.sendall(content)
      connection.shutdown(socket.SHUT_WR)
      first = connection.recv(4096).split(b"\r\n")[0].decode(errors="replace")
    except OSError:
      return "closed"
  code = first.split(" ")[1] if first.startswith("HTTP/") else ""
  if code.startswith("2"):
    raise AssertionError(f"{first} to {content[:80]!r}")
  return f"HTTP {code}" if code else "closed"
