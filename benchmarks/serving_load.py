"""Many clients of one row each: hgn-serve beside Triton, over gRPC, in turns on the same SavedModel.

  hgn-export --pretrained=hgn_compact_mass_spring --out=/tmp/models/hgn_compact_mass_spring
  HGN_TRITON_PYTHON=triton/bin/python python -m benchmarks.serving_load --models=/tmp/models \
    --model=hgn_compact_mass_spring

The environment of Triton: docs/artefacts.md. Clients are threads of one process, each with a connection of its own;
they share the processors with the server.
"""

import argparse
import concurrent.futures
import os
import pathlib
import socket
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tritonclient.grpc  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc  # noqa: E402
from tritonclient.utils import np_to_triton_dtype  # noqa: E402

from export import common, configs  # noqa: E402
from hgn_tf.evaluation.report import markdown_table  # noqa: E402

_ROOT = pathlib.Path(__file__).parents[1]


def arguments():
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--models", type=pathlib.Path, required=True, help="directory that hgn-export wrote")
  parser.add_argument("--model", required=True, help="name of an HGN there")
  parser.add_argument("--signature", default="rollout_uint8", help="that is asked for: rollout_uint8 or evolve")
  parser.add_argument("--clients", default="1,4,16,64", help="clients at a time")
  parser.add_argument("--seconds", type=float, default=10.0, help="of a row of the table")
  parser.add_argument("--steps", type=int, default=30, help="of a rollout")
  parser.add_argument("--rounds", type=int, default=2, help="of all rows; the table has the mean")
  args = parser.parse_args()
  args.clients = [int(number) for number in args.clients.split(",")]
  return args


def free_ports(count):
  """Ports that nobody listens on."""
  sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
  ports = [s.getsockname()[1] for s in sockets]
  for s in sockets:
    s.close()
  return ports


class Serve:
  """hgn-serve's local server."""

  name = "hgn-serve"

  def __init__(self, args):
    self._args, (self._port, rest) = args, free_ports(2)
    self.process = subprocess.Popen([sys.executable, "-m", "export.server", "--local", f"--models={args.models}",
                                     f"--port={self._port}", f"--rest_api_port={rest}"], stderr=subprocess.DEVNULL)

  def client(self, inputs):
    """A function that asks once, on a connection of its own."""
    channel = grpc.insecure_channel(f"127.0.0.1:{self._port}", [("grpc.max_receive_message_length", -1),
                                                                ("grpc.use_local_subchannel_pool", 1)])
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = self._args.model, self._args.signature
    for key, x in inputs.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(x))
    return lambda: tf.make_ndarray(stub.Predict(request, timeout=600).outputs["q"])


class Triton:
  """examples/serve_triton.py, in Triton's own environment."""

  name = "Triton"

  def __init__(self, args):
    self._model, (http, self._port, metrics) = f"{args.model}.{args.signature}", free_ports(3)
    self.process = subprocess.Popen(
        [os.environ["HGN_TRITON_PYTHON"], "examples/serve_triton.py", f"--models={args.models.absolute()}",
         f"--http_port={http}", f"--grpc_port={self._port}", f"--metrics_port={metrics}",
         f"--signatures={args.signature}"],
        cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

  def client(self, inputs):
    """As `Serve.client`."""
    stub = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{self._port}", channel_args=[
        ("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)])
    sent = []
    for key, x in inputs.items():
      x = x[:, None] if x.ndim == 1 else x
      sent.append(tritonclient.grpc.InferInput(key, x.shape, np_to_triton_dtype(x.dtype)))
      sent[-1].set_data_from_numpy(x)
    return lambda: stub.infer(self._model, sent).as_numpy("q")


def one_row(metadata, signature, steps):
  """Inputs of one row: a random film, or a random state."""
  rng, described = np.random.default_rng(0), metadata["signatures"][signature]["inputs"]
  given = {"dt": np.float32([metadata["dt"]]), "num_steps": np.int32([steps])}
  draw = {"uint8": lambda shape: rng.integers(0, 256, shape, np.uint8),
          "float32": lambda shape: rng.random(shape, np.float32)}
  return {name: given[name] if name in given else draw[x["dtype"]]((1, *x["shape"][1:]))
          for name, x in described.items()}


def wait(server, inputs):
  """Asks until there is an answer; returns it."""
  ask, end = server.client(inputs), time.monotonic() + 300
  while True:
    try:
      return ask()
    except (grpc.RpcError, tritonclient.utils.InferenceServerException):
      if server.process.poll() is not None or time.monotonic() > end:
        raise
      time.sleep(1.0)


def load(server, inputs, number, duration):
  """Seconds of every request of `number` clients at once, and rows a second."""
  clients, end = [server.client(inputs) for _ in range(number)], time.monotonic() + duration

  def keep_asking(ask):
    times = []
    while time.monotonic() < end:
      start = time.perf_counter()
      ask()
      times.append(time.perf_counter() - start)
    return times

  with concurrent.futures.ThreadPoolExecutor(number) as pool:
    start = time.perf_counter()
    times = sum(pool.map(keep_asking, clients), [])
  return times, len(times) / (time.perf_counter() - start)


def main():
  args = arguments()
  metadata = common.read_metadata(common.newest(configs.models_in(args.models)[args.model]))
  inputs = one_row(metadata, args.signature, args.steps)
  servers = [Serve(args), Triton(args)]
  try:
    answers = [wait(server, inputs) for server in servers]
    print(f"largest difference of the answers: {np.abs(np.subtract(*answers)).max():.1e}")
    found = {}
    for _ in range(args.rounds):
      for number in args.clients:
        for server in servers:
          times, rate = load(server, inputs, number, args.seconds)
          found.setdefault((server.name, number), []).append([len(times), *np.percentile(times, (50, 99)), rate])
  finally:
    for server in servers:
      server.process.terminate()
      server.process.wait(120)
  rows = []
  for (name, number), values in sorted(found.items()):
    count, p50, p99, rate = np.mean(values, axis=0)
    alone = np.mean(found[name, args.clients[0]], axis=0)[-1]
    rows.append([name, number, round(count), 1e3 * p50, 1e3 * p99, rate, rate / alone])
  print(f"{args.model}, {args.signature} of {args.steps} steps, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.0f}\n")
  print(markdown_table(["server", "clients", "requests", "p50 ms", "p99 ms", "rows/s", "times one client's"], rows))


if __name__ == "__main__":
  main()
