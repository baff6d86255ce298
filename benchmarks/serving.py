"""What serving costs: bare session calls, the server over gRPC and REST, many clients, memory over many requests.

  hgn-export --workdir=/tmp/run --out=/tmp/models/hgn
  python benchmarks/serving.py --models=/tmp/models --model=hgn
  python benchmarks/serving.py ... --before=CHECKOUT   # beside the server of another checkout

The server runs in its own process, as users start it; the session runs here, on the same SavedModel, in turns with it
and with the server of another checkout, if there is one.
"""

import argparse
import concurrent.futures
import gc
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in the server: before TensorFlow is imported

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import orjson  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc  # noqa: E402

from export import common, configs  # noqa: E402
from export.server import tensors  # noqa: E402
from export.server.loader import SessionModel  # noqa: E402
from hgn_tf.evaluation.report import markdown_table  # noqa: E402

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def arguments():
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--models", type=pathlib.Path, required=True, help="directory that hgn-export wrote")
  parser.add_argument("--model", required=True, help="name of an HGN there")
  parser.add_argument("--requests", type=int, default=20, help="timed requests of a row of the tables, or")
  parser.add_argument("--seconds", type=float, default=20.0, help="as many as fit in this time (one a client at least)")
  parser.add_argument("--memory_requests", type=int, default=10_000, help="of the memory table; 0 leaves it out")
  parser.add_argument("--clients", default="1,4,16", help="clients at a time")
  parser.add_argument("--rows", default="1,16", help="rows of a request")
  parser.add_argument("--steps", default="30,300", help="steps of a rollout; the first for the overhead")
  parser.add_argument("--before", type=pathlib.Path, help="another checkout, whose server's overhead is measured too")
  parser.add_argument("--only_overhead", action="store_true", help="leave the other tables out")
  args = parser.parse_args()
  for key in ("clients", "rows", "steps"):
    setattr(args, key, [int(value) for value in getattr(args, key).split(",")])
  return args


class Clients:
  """A running server, of this checkout or another, and ways to ask it."""

  def __init__(self, models, name, signatures, checkout=None):
    ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    self.port, self.rest_port = (s.getsockname()[1] for s in ports)
    for s in ports:
      s.close()
    self.name, self._signatures = name, signatures
    self.process = subprocess.Popen([sys.executable, "-m", "export.server", f"--models={models}", "--local",
                                     f"--port={self.port}", f"--rest_api_port={self.rest_port}"], cwd=checkout)
    self._wait()
    channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", UNLIMITED)
    self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

  def _wait(self):
    while self.process.poll() is None:
      try:
        urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}/v1/models/{self.name}", timeout=5).close()
        return
      except OSError:
        time.sleep(0.5)
    sys.exit("the server did not start")

  def rpc(self, signature, inputs):
    """Outputs over gRPC, decoded."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = self.name, signature
    for key, x in inputs.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(x))
    response = self._stub.Predict(request, timeout=600)
    return {key: tf.make_ndarray(x) for key, x in response.outputs.items()}

  def rest(self, signature, inputs):
    """Outputs over REST, decoded."""
    body = orjson.dumps({"signature_name": signature, "inputs": inputs}, option=orjson.OPT_SERIALIZE_NUMPY)
    url = f"http://127.0.0.1:{self.rest_port}/v1/models/{self.name}:predict"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=600) as response:
      outputs = orjson.loads(response.read())["outputs"]
    infos = self._signatures[signature].outputs
    return {key: tensors.numbers(x, np.dtype("uint8")) if infos[key].dtype == tf.uint8 else np.asarray(x)
            for key, x in outputs.items()}

  def memory(self):
    """Resident memory of the server in MB."""
    status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def rollout_inputs(metadata, rows, steps):
  """Inputs of `rollout`."""
  frames = np.random.default_rng(0).random((rows, *metadata["frame_shape"]), np.float32)
  dt, num_steps = np.full(rows, metadata["dt"], np.float32), np.full(rows, steps, np.int32)
  return {"frames": frames, "dt": dt, "num_steps": num_steps}


def seconds(function):
  """Seconds of one call."""
  start = time.perf_counter()
  function()
  return time.perf_counter() - start


def processor_seconds(pid):
  """Processor time of a process, of all its threads, by the clock that Linux keeps of each."""
  return time.clock_gettime((~pid << 3) | 2)


def costs(function, pids):
  """(seconds, seconds of processor time of these processes) of one call."""
  before, start = sum(map(processor_seconds, pids)), time.perf_counter()
  function()
  return time.perf_counter() - start, sum(map(processor_seconds, pids)) - before


def summary(values):
  """[median by the clock, mean processor time] of `costs`, in ms."""
  clock, processor = 1e3 * np.transpose(values)
  return np.array([np.median(clock), np.mean(processor)])


def overhead(args, servers, session, metadata):
  """The cost of each server over the session call, taken in turns.

  The median by the clock; and the mean processor time of client and server together, in which what else runs on the
  machine has no part.
  """
  table, steps = [], args.steps[0]
  for rows in args.rows:
    floats = rollout_inputs(metadata, rows, steps)
    pixels = {**floats, "frames": np.uint8(255 * floats["frames"])}
    for signature, inputs in (("rollout", floats), ("rollout_uint8", pixels)):
      ways = {"session": (session.run, [os.getpid()])}
      for name, clients in servers.items():
        pids = [os.getpid(), clients.process.pid]
        ways.update({(name, "gRPC"): (clients.rpc, pids), (name, "REST"): (clients.rest, pids)})
      found = {name: [] for name in ways}
      for i in range(args.requests + 1):
        for name, (way, pids) in ways.items():
          cost = costs(lambda way=way, s=signature, x=inputs: way(s, x), pids)
          found[name] += [cost] if i else []
      session_cost = summary(found["session"])
      for name, values in found.items():
        cost, way = summary(values), name if name == "session" else " ".join(name)
        over = [f"{100 * ratio:.0f} %" for ratio in cost / session_cost - 1]
        table.append([signature, rows, way, *(f"{x:.1f}" for x in cost), *over])
  return markdown_table(["signature", "rows", "way", "ms", "processor ms", "over session", "in processor time"], table)


def load(args, clients, metadata):
  """Latency and throughput over gRPC with several clients at once."""
  table = []
  for rows in args.rows:
    for steps in args.steps:
      inputs = rollout_inputs(metadata, rows, steps)
      for number in args.clients:
        alone = min(seconds(lambda inputs=inputs: clients.rpc("rollout", inputs)) for _ in range(2))
        count = max(number, min(args.requests, int(args.seconds / alone)), 3)
        with concurrent.futures.ThreadPoolExecutor(number) as pool:
          start = time.perf_counter()
          ask = lambda _, inputs=inputs: seconds(lambda: clients.rpc("rollout", inputs))  # noqa: E731
          times = list(pool.map(ask, range(count)))
          elapsed = time.perf_counter() - start
        table.append([number, rows, steps, count, *(round(1e3 * x, 1) for x in np.percentile(times, (50, 95, 99))),
                      count / elapsed, rows * count / elapsed])
  header = ["clients", "rows", "steps", "requests", "p50 ms", "p95 ms", "p99 ms", "requests/s", "rows/s"]
  return markdown_table(header, table)


def convolutions(decoder, frames):
  """A function that runs every convolution of a decoder for `frames` frames, and nothing else."""
  import keras

  from hgn_tf.networks import UpsampleConv
  layers = [layer for layer in decoder.net.layers if isinstance(layer, (keras.layers.Conv2D, UpsampleConv))]
  inputs = [tf.random.stateless_normal((frames, *layer.input.shape[1:]), (0, 1)) for layer in layers]

  @tf.function(autograph=False)
  def run(*inputs):
    return [tf.reduce_max(layer(x)[0]) for layer, x in zip(layers, inputs, strict=True)]

  return lambda: [x.numpy() for x in run(*inputs)]


def bare_convolutions(args, session, metadata):
  """One sequence of 30 steps against the convolutions of its decoder, taken in turns."""
  from hgn_tf.models import HGN, presets
  model = HGN(presets.get(metadata["model"]))
  inputs, convolve = rollout_inputs(metadata, 1, 30), convolutions(model.decoder, 31)
  ways = {"rollout": lambda: session.run("rollout", inputs), "convolutions": convolve}
  times = {name: [] for name in ways}
  for i in range(args.requests + 3):
    for name, way in ways.items():
      taken = seconds(way)
      times[name] += [taken] if i >= 3 else []
  rollout, bare = (1e3 * statistics.median(times[name]) for name in ways)
  header = ["rollout of 1 x 30, ms", "its decoder's convolutions alone, ms", "ratio"]
  return markdown_table(header, [[rollout, bare, rollout / bare]])


def memory(args, clients, metadata):
  """Resident memory of the server along many requests."""
  inputs = rollout_inputs(metadata, 1, 1)
  table = []
  for i in range(args.memory_requests + 1):
    if i % max(1, args.memory_requests // 10) == 0:
      table.append([i, round(clients.memory())])
    clients.rpc("rollout", inputs)
  return markdown_table(["requests", "resident MB"], table)


def main():
  args = arguments()
  path = common.newest(configs.models_in(args.models)[args.model])
  metadata, session = common.read_metadata(path), SessionModel(path)
  print(f"{args.model}, {metadata['precision']}, {os.cpu_count()} CPUs, TensorFlow {tf.__version__}\n")
  if not args.only_overhead:
    print(bare_convolutions(args, session, metadata))
  servers = {}
  gc.disable()  # as timeit does: the client's share is that of its work
  try:
    if args.before:
      servers["before"] = Clients(args.models.absolute(), args.model, session.signatures, args.before)
    servers["now"] = Clients(args.models.absolute(), args.model, session.signatures)
    print(overhead(args, servers, session, metadata))
    if not args.only_overhead:
      print(load(args, servers["now"], metadata))
      if args.memory_requests:
        print(memory(args, servers["now"], metadata))
  finally:
    for clients in servers.values():
      clients.process.terminate()
      clients.process.wait(60)


if __name__ == "__main__":
  main()
