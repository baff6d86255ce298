"""Serves what hgn-export wrote by NVIDIA Triton: a production server that comes as a package, nvidia-pytriton.

KServe v2 over HTTP and gRPC, requests merged into batches, readiness, Prometheus metrics. Every signature of the newest
version of a model is a Triton model of its own, called MODEL.SIGNATURE; one number a row is of shape [N, 1] there.
Triton wants an environment of its own, as nvidia-pytriton 0.7 needs NumPy 1 (docs/artefacts.md):

  python3 -m venv triton && triton/bin/pip install nvidia-pytriton==0.7.0 'tensorflow>=2.21,<2.22'
  triton/bin/pip install --no-deps .
  triton/bin/python examples/serve_triton.py --models=models
  curl http://127.0.0.1:8000/v2/models/hgn_mass_spring.rollout
"""

import argparse
import json
import os
import pathlib
import signal
import sysconfig
import threading

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Triton runs Python of its own: the shared library must be this interpreter's, not the system's.
os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(
    filter(None, [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]))

import numpy as np  # noqa: E402
from pytriton.decorators import batch  # noqa: E402
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor  # noqa: E402
from pytriton.triton import Triton, TritonConfig  # noqa: E402

from export.server.loader import SessionModel  # noqa: E402


def arguments():
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--models", type=pathlib.Path, required=True, help="directory that hgn-export wrote")
  parser.add_argument("--signatures", help="with commas between; default: all but serving_default, another name of one")
  parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
  parser.add_argument("--http_port", type=int, default=8000)
  parser.add_argument("--grpc_port", type=int, default=8001)
  parser.add_argument("--metrics_port", type=int, default=8002)
  parser.add_argument("--delay_ms", type=float, default=2.0, help="a request waits so long for others to merge with")
  parser.add_argument("--drain_seconds", type=int, default=30, help="for running requests to end after SIGTERM")
  args = parser.parse_args()
  args.signatures = args.signatures.split(",") if args.signatures else None
  return args


def newest(root):
  """Model name -> directory of its newest version, of one model or of several in `root`."""
  versions = {base: [int(path.name) for path in base.iterdir() if path.name.isdigit()]
              for base in (root, *root.iterdir()) if base.is_dir()}
  return {base.name: base / str(max(numbers)) for base, numbers in versions.items() if numbers}


def tensors(described):
  """Triton's description of inputs or outputs in an export's metadata, without the batch; a scalar a row is [1]."""
  return [Tensor(name=name, dtype=np.dtype(x["dtype"]), shape=[size or -1 for size in x["shape"][1:]] or [1])
          for name, x in described.items()]


def infer(model, name, signature):
  """The function that Triton calls with the rows of all requests that it merged."""
  inputs, outputs = signature["inputs"], signature["outputs"]

  @batch
  def function(**rows):
    answer = model.run(name, {key: x.reshape(len(x), *x.shape[1:len(inputs[key]["shape"])]) for key, x in rows.items()})
    return {key: x[:, None] if len(outputs[key]["shape"]) == 1 else x for key, x in answer.items()}
  return function


def warm_up(model, name, signature, rows):
  """Runs a signature once at a batch size, so that no client pays for the set-up."""
  model.run(name, {key: np.full([rows, *x["shape"][1:]], x["example"], x["dtype"])
                   for key, x in signature["inputs"].items()})


def bind(triton, name, path, wanted, delay_ms):
  """Makes a Triton model of every signature, or of those `wanted`, of the version at `path`."""
  metadata, model = json.loads((path / "assets.extra/metadata.json").read_text()), SessionModel(path)
  sizes = metadata["batch_sizes"]
  batcher = DynamicBatcher(max_queue_delay_microseconds=int(1000 * delay_ms), preferred_batch_size=sizes[-1:])
  for signature in wanted or sorted(set(metadata["signatures"]) - {"serving_default"}):
    described = metadata["signatures"][signature]
    for rows in sizes:
      warm_up(model, signature, described, rows)
    triton.bind(f"{name}.{signature}", infer(model, signature, described), tensors(described["inputs"]),
                tensors(described["outputs"]), strict=True,
                config=ModelConfig(max_batch_size=sizes[-1], batcher=batcher))


def main():
  args, end = arguments(), threading.Event()
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: end.set())
  config = TritonConfig(http_address=args.host, http_port=args.http_port, grpc_address=args.host,
                        grpc_port=args.grpc_port, metrics_port=args.metrics_port, exit_timeout_secs=args.drain_seconds)
  with Triton(config=config) as triton:
    models = newest(args.models.absolute())
    for name, path in models.items():
      bind(triton, name, path, args.signatures, args.delay_ms)
    triton.run()
    print(f"Triton: HTTP on http://{args.host}:{args.http_port}, gRPC on {args.host}:{args.grpc_port}, metrics on port "
          f"{args.metrics_port}, models {', '.join(models)}", flush=True)
    end.wait()
    print("Triton: draining", flush=True)
  print("Triton: bye", flush=True)


if __name__ == "__main__":
  main()
