"""Starts hgn-serve as its users do, and talks to it over REST and gRPC; everything stays on 127.0.0.1."""

import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

ROOT = pathlib.Path(__file__).parents[3]
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def real_server():
  """Whether TensorFlow Serving itself is here to be tested."""
  return shutil.which("tensorflow_model_server") is not None


class Server:
  """A running hgn-serve.

  Args:
    models: directory that hgn-export wrote.
    *flags: more flags.

  Attributes:
    kind: which server answers.
    rest, rpc: addresses.
  """

  def __init__(self, models, *flags):
    port, rest_port = _free_ports(2)
    self.rest, self.rpc = f"127.0.0.1:{rest_port}", f"127.0.0.1:{port}"
    self._log = open(pathlib.Path(models).parent / f"server-{port}.log", "w+b")
    self._process = subprocess.Popen(
        [sys.executable, "-m", "export.server", f"--models={models}", f"--port={port}",
         f"--rest_api_port={rest_port}", *flags], stdout=self._log, stderr=subprocess.STDOUT, cwd=ROOT)
    self.kind = "tensorflow_model_server" if real_server() and "--local" not in flags else "the local server"
    self.channel = grpc.insecure_channel(self.rpc, UNLIMITED)

  def wait(self, model, seconds=180):
    """Waits until `model` answers.

    Raises:
      TimeoutError: it does not.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
      if self._process.poll() is not None:
        raise TimeoutError(f"hgn-serve ended with {self._process.returncode}: {self.log()}")
      try:
        code, answer = self.get(f"/v1/models/{model}")
        if code == 200 and any(v["state"] == "AVAILABLE" for v in answer["model_version_status"]):
          return self
      except OSError:
        pass
      time.sleep(0.1)
    raise TimeoutError(f"hgn-serve did not start: {self.log()}")

  def log(self):
    """What the server said."""
    self._log.seek(0)
    return self._log.read().decode()

  def terminate(self):
    """Sends SIGTERM."""
    self._process.send_signal(signal.SIGTERM)

  def exit_code(self, seconds=60):
    """Waits for the end of the process."""
    return self._process.wait(seconds)

  def close(self):
    """Ends the server if it runs."""
    self.channel.close()
    if self._process.poll() is None:
      self.terminate()
      try:
        self.exit_code(30)
      except subprocess.TimeoutExpired:
        self._process.kill()
        self._process.wait()
    self._log.close()

  # REST.

  def get(self, path):
    """(HTTP code, JSON) of a GET."""
    return self._exchange(urllib.request.Request(f"http://{self.rest}{path}"))

  def post(self, path, body, **headers):
    """(HTTP code, JSON) of a POST of an object, or of bytes as they are; headers with _ for -."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return self._exchange(urllib.request.Request(f"http://{self.rest}{path}", content, headers))

  def preflight(self, path):
    """(HTTP code, headers) of what a browser asks before a page of another site may POST."""
    host, port = self.rest.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("OPTIONS", path, headers={"Origin": "http://example.org",
                                                 "Access-Control-Request-Method": "POST",
                                                 "Access-Control-Request-Headers": "content-type"})
    with connection.getresponse() as response:
      return response.status, response.headers

  def predict_rest(self, model, signature, inputs, where=""):
    """Outputs of a Predict call in columns."""
    columns = {key: x.tolist() for key, x in inputs.items()}
    code, answer = self.post(f"/v1/models/{model}{where}:predict", {"signature_name": signature, "inputs": columns})
    if code != 200:
      raise ConnectionError(f"HTTP {code}: {answer}")
    return {key: np.asarray(x) for key, x in answer["outputs"].items()}

  def _exchange(self, request):
    try:
      with urllib.request.urlopen(request, timeout=120) as response:
        content = response.read()
        is_json = "json" in response.headers["Content-Type"]
        return response.status, json.loads(content) if is_json else content.decode()
    except urllib.error.HTTPError as error:
      with error:
        return error.code, json.loads(error.read())

  # gRPC.

  def predict_rpc(self, model, signature, inputs, **choice):
    """Outputs of a Predict call; choice: version or version_label."""
    response = prediction_service_pb2_grpc.PredictionServiceStub(self.channel).Predict(
        predict_request(model, signature, inputs, **choice), timeout=120)
    return {key: tf.make_ndarray(x) for key, x in response.outputs.items()}

  def metadata_rpc(self, model):
    """GetModelMetadataResponse."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = model
    return prediction_service_pb2_grpc.PredictionServiceStub(self.channel).GetModelMetadata(request, timeout=60)

  def status_rpc(self, model):
    """GetModelStatusResponse."""
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    return model_service_pb2_grpc.ModelServiceStub(self.channel).GetModelStatus(request, timeout=60)


def predict_request(model, signature, inputs, version=None, version_label=None, output_filter=()):
  """A PredictRequest."""
  request = predict_pb2.PredictRequest(output_filter=output_filter)
  request.model_spec.name, request.model_spec.signature_name = model, signature
  if version is not None:
    request.model_spec.version.value = version
  if version_label is not None:
    request.model_spec.version_label = version_label
  for key, x in inputs.items():
    request.inputs[key].CopyFrom(tf.make_tensor_proto(x))
  return request


def _free_ports(n):
  sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
  ports = [s.getsockname()[1] for s in sockets]
  for s in sockets:
    s.close()
  return ports
