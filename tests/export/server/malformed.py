"""Malformed requests, each made from a good one: what a careless or hostile client might send over REST and gRPC."""

import http.client
import json
import socket

import grpc
import numpy as np
import tensorflow as tf
from server_support import predict_request

METHOD = "/tensorflow.serving.PredictionService/Predict"


def body_mutations(rng, good):
  """Yields (kind, body) of malformed bodies of a good request in columns, a dict of nested lists."""
  text = json.dumps({"inputs": good}).encode()
  name = str(rng.choice(sorted(good)))
  other = {key: x for key, x in good.items() if key != name}
  cut = int(rng.integers(1, len(text)))
  replaced = [None, "text", True, {}, [], [[]], "1", {"b64": "AAAA"}, 10**40, [None], ["1"], [1e400], -1.5, [[1.0]]]
  yield "truncated JSON", text[:cut]
  yield "random bytes", rng.bytes(int(rng.integers(0, 200)))
  yield "flipped byte", _flipped(rng, text)
  yield "missing input", {"inputs": other}
  yield "unknown input", {"inputs": {**good, str(rng.integers(1000)): [1.0]}}
  yield "value of another kind", {"inputs": {**good, name: replaced[int(rng.integers(len(replaced)))]}}
  yield "too deep", {"inputs": {**good, name: [good[name]]}}
  yield "too shallow", {"inputs": {**good, name: good[name][0]}}
  yield "ragged", {"inputs": {**good, name: [*good[name], [1.0, [2.0]]]}}
  yield "rows differ", {"inputs": {**good, name: [*good[name], good[name][0]]}}
  yield "deep nesting", b"[" * int(rng.integers(10, 50_000))
  yield "no rows of instances", {"instances": []}
  yield "instances and inputs", {"instances": [1.0], "inputs": good}
  yield "neither", {str(rng.integers(1000)): good}
  yield "row without an input", {"instances": [{key: x[0] for key, x in other.items()}]}
  yield "unknown signature", {"signature_name": str(rng.integers(1000)), "inputs": good}
  yield "signature of another kind", {"signature_name": [1, None, {}][int(rng.integers(3))], "inputs": good}
  yield "not an object", [good, "x", 3, None][int(rng.integers(4))]
  yield "too many rows", {"inputs": {key: x[:1] * 17 for key, x in good.items()}}


def bad_rows(rng, good):
  """Yields (kind, body) of requests that are well formed, all of whose rows are bad."""
  rows = len(good["dt"])
  pick = lambda *values: [values[int(rng.integers(len(values)))]] * rows  # noqa: E731
  yield "bad num_steps", {"inputs": {**good, "num_steps": pick(-1, -2**31, 2**31 - 1, 10**6)}}
  yield "bad dt", json.dumps({"inputs": {**good, "dt": pick(np.nan, np.inf, -np.inf)}}).encode()
  pixels = np.asarray(good["frames"], np.float32)
  pixels[..., 0] = pick(np.nan, np.inf, -0.5, 1.5, 3e38)[0]
  yield "bad frames", json.dumps({"inputs": {**good, "frames": pixels.tolist()}}).encode()


def exchange_mutations(rng, text):
  """Yields (kind, raw bytes of an HTTP request) that break the protocol, for a good body `text`."""
  head = "POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\n"
  length = ["-1", "x", "1e3", "99999999999999999999", str(2**40), "", "0x10"][int(rng.integers(7))]
  path = ["/", "/v1", "/v1/models/", "/v1/models/a:b", "/v1/models/tiny:train", "/v1/models/tiny/versions/x:predict",
          "/v1/models/tiny/versions/99999999999999999999:predict", "/v1/models/nobody:predict", "/../../etc/passwd",
          "/v1/models/tiny/versions/77:predict", "/v1/models/tiny/labels/nobody:predict", "/v1/models/%00:predict",
          "/v1/models/tiny:classify", "/v1/models/" + "a" * 5000 + ":predict"][int(rng.integers(14))]
  method = ["PUT", "DELETE", "HEAD", "BREW", "GET"][int(rng.integers(5))]
  sized = f"Content-Length: {len(text)}\r\n\r\n".encode() + text
  yield "bad Content-Length", head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + text
  yield "no Content-Length", head.encode() + b"\r\n" + text
  yield "bad path", f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + sized
  yield "bad method", f"{method} /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\n".encode() + sized
  yield "no HTTP", rng.bytes(int(rng.integers(1, 300))).replace(b"\n", b"") + b"\r\n\r\n"
  yield "long header", head.encode() + b"X: " + b"x" * 70_000 + b"\r\n\r\n"
  yield "body ends early", head.encode() + f"Content-Length: {len(text) + 50}\r\n\r\n".encode() + text


def proto_mutations(rng, good):
  """Yields (kind, serialized PredictRequest) of malformed requests made from a good one, a dict of arrays."""
  name = str(rng.choice(sorted(good)))
  text = predict_request("tiny", "rollout", good).SerializeToString()
  others = {key: x for key, x in good.items() if key != name}
  yield "proto: random bytes", b"\xff" + rng.bytes(int(rng.integers(0, 200)))
  yield "proto: truncated", text[:int(rng.integers(len(text) // 2, len(text)))]
  yield "proto: missing input", predict_request("tiny", "rollout", others).SerializeToString()
  yield "proto: other dtype", predict_request(
      "tiny", "rollout", {**good, name: good[name].astype(np.float64)}).SerializeToString()
  yield "proto: text", predict_request("tiny", "rollout", {**good, name: np.array(["x"])}).SerializeToString()
  yield "proto: other shape", predict_request("tiny", "rollout", {**good, name: good[name][None]}).SerializeToString()
  yield "proto: scalar", predict_request("tiny", "rollout", {**good, name: good[name].ravel()[0]}).SerializeToString()
  for kind, size in (("negative", -5), ("huge", 2**40), ("other", int(rng.integers(3, 1000)))):
    request = predict_request("tiny", "rollout", good)
    request.inputs[name].tensor_shape.dim[int(rng.integers(good[name].ndim))].size = size
    yield f"proto: {kind} size", request.SerializeToString()
  request = predict_request("tiny", "rollout", good)
  request.inputs[name].dtype = int(rng.choice([0, 7, 14, 19, 101, 999]))
  yield "proto: other declared dtype", request.SerializeToString()
  request = predict_request("tiny", "rollout", good)
  request.inputs[name].tensor_shape.unknown_rank = True
  yield "proto: unknown rank", request.SerializeToString()
  yield "proto: unknown model", predict_request(str(rng.integers(1000)), "rollout", good).SerializeToString()
  yield "proto: unknown version", predict_request("tiny", "rollout", good, version=77).SerializeToString()
  yield "proto: unknown filter", predict_request("tiny", "rollout", good, output_filter=["x"]).SerializeToString()


def send_body(server, body):
  """A description of what came back; raises AssertionError where it is neither an error nor a status."""
  return judge(*server.post("/v1/models/tiny:predict", body))


def judge(code, answer):
  """"HTTP <code>" of an error, "status" of an answer whose rows are all refused."""
  if code != 200:
    if not isinstance(answer.get("error"), str):
      raise AssertionError(f"HTTP {code} without a message: {answer}")
    return f"HTTP {code}"
  if not np.all(np.asarray(answer["outputs"]["status"])):
    raise AssertionError(f"answered as if nothing was wrong: status {answer['outputs']['status']}")
  return "status"


def send_bytes(server, content):
  """The HTTP code that raw bytes are answered with, "closed" if the connection ends without a word."""
  host, port = server.rest.split(":")
  with socket.create_connection((host, int(port)), timeout=60) as connection:
    try:
      connection.sendall(content)
      connection.shutdown(socket.SHUT_WR)
    except OSError:
      pass  # the server had enough and closed
    response = http.client.HTTPResponse(connection)
    try:
      response.begin()
    except (OSError, http.client.HTTPException):
      return "closed"
  if response.status < 400:
    raise AssertionError(f"answered {response.status} to {content[:80]!r}")
  return f"HTTP {response.status}"


def send_proto(server, content):
  """The gRPC code that serialized bytes are answered with."""
  try:
    answer = server.channel.unary_unary(METHOD)(content, timeout=60)
  except grpc.RpcError as error:
    return error.code().name
  raise AssertionError(f"answered {len(answer)} bytes")


def _flipped(rng, text):
  """The text with its first brace, bracket or quote replaced, so that it is not JSON any more."""
  place = int(rng.choice([i for i, c in enumerate(text[:200]) if chr(c) in '{["']))
  return text[:place] + b"\x01" + text[place + 1:]


def good_request(rng, shape):
  """Inputs of a good rollout: (nested lists for REST, arrays for gRPC)."""
  arrays = {"frames": rng.random((2, *shape), np.float32), "dt": np.float32([0.125, -0.125]),
            "num_steps": np.int32([2, 3])}
  return {key: x.tolist() for key, x in arrays.items()}, arrays


def as_arrays(proto_outputs):
  """Arrays of the outputs of a PredictResponse."""
  return {key: tf.make_ndarray(x) for key, x in proto_outputs.items()}
