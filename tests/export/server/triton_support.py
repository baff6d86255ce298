"""Starts examples/serve_triton.py in Triton's own environment, and talks KServe v2 to it over HTTP and gRPC."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time

import numpy as np
import tritonclient.grpc
import tritonclient.http
from server_support import ROOT, _free_ports
from tritonclient.grpc import service_pb2
from tritonclient.utils import np_to_triton_dtype

PYTHON = "HGN_TRITON_PYTHON"  # environment variable: Python of the environment that has nvidia-pytriton


def missing():
  """Why Triton cannot be tested here, or None."""
  if not os.environ.get(PYTHON):
    return f"{PYTHON} does not say which Python has nvidia-pytriton; docs/artefacts.md has the commands"
  return None


class Triton:
  """A running Triton.

  Args:
    models: directory that hgn-export wrote.
    *flags: more flags.
  """

  def __init__(self, models, *flags):
    self.port, self.grpc_port, self.metrics_port = _free_ports(3)
    self._log = open(pathlib.Path(models).parent / f"triton-{self.port}.log", "w+b")
    self._process = subprocess.Popen(
        [os.environ[PYTHON], "examples/serve_triton.py", f"--models={models}", f"--http_port={self.port}",
         f"--grpc_port={self.grpc_port}", f"--metrics_port={self.metrics_port}", *flags],
        stdout=self._log, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    self.grpc = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{self.grpc_port}")
    self.http = tritonclient.http.InferenceServerClient(f"127.0.0.1:{self.port}", network_timeout=120)

  def wait(self, seconds=300):
    """Waits until all models are loaded."""
    end = time.monotonic() + seconds
    while "Triton: HTTP on" not in self.log():
      if self._process.poll() is not None or time.monotonic() > end:
        raise TimeoutError(f"Triton did not start: {self.log()}")
      time.sleep(0.2)
    return self

  def log(self):
    """What the server said."""
    self._log.seek(0)
    return self._log.read().decode(errors="replace")

  def terminate(self):
    """Sends SIGTERM."""
    self._process.send_signal(signal.SIGTERM)

  def exit_code(self, seconds=120):
    """Waits for the end of the process."""
    return self._process.wait(seconds)

  def close(self):
    """Ends the server if it runs."""
    self.grpc.close()
    self.http.close()
    if self._process.poll() is None:
      self.terminate()
      self.exit_code()
    self._log.close()

  def get(self, path, port=None):
    """(HTTP code, text) of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()

  def post(self, model, body):
    """(HTTP code, JSON) of a request for inference."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
    connection.request("POST", f"/v2/models/{model}/infer", content)
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else {}

  def ask(self, client, model, inputs):
    """Outputs over `self.grpc` or `self.http`."""
    kind = tritonclient.grpc if client is self.grpc else tritonclient.http
    sent = []
    for name, x in columns(inputs).items():
      sent.append(kind.InferInput(name, x.shape, np_to_triton_dtype(x.dtype)))
      sent[-1].set_data_from_numpy(x)
    answer = client.infer(model, sent)
    names = ([x.name for x in answer.get_response().outputs] if client is self.grpc else
             [x["name"] for x in answer.get_response()["outputs"]])
    return {name: answer.as_numpy(name) for name in names}


def columns(inputs):
  """Inputs as Triton takes them: one number a row is [N, 1]."""
  return {name: x[:, None] if x.ndim == 1 else x for name, x in inputs.items()}


def json_request(inputs):
  """The body of a request of KServe v2, as JSON."""
  return {"inputs": [{"name": name, "shape": list(x.shape), "datatype": np_to_triton_dtype(x.dtype),
                      "data": x.ravel().tolist()} for name, x in columns(inputs).items()]}


def proto_request(model, inputs):
  """The same as a ModelInferRequest."""
  request = service_pb2.ModelInferRequest(model_name=model)
  for name, x in columns(inputs).items():
    request.inputs.add(name=name, datatype=np_to_triton_dtype(x.dtype), shape=x.shape)
    request.raw_input_contents.append(np.ascontiguousarray(x).tobytes())
  return request
