"""hgn-serve: serves what hgn-export wrote, for development. In production run TensorFlow Serving's container.

Starts tensorflow_model_server where it is on PATH, else a small local server of the same REST paths and gRPC services
on the same C++ session loader. It listens on 127.0.0.1 and has no authentication, no encryption and no batching.

Example:
  hgn-serve --models=/tmp/models
"""

import gc
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

from absl import flags, logging

from hgn_tf.commands import cli

_MODELS = flags.DEFINE_string("models", None, "Directory that hgn-export wrote: one model, or several.")
_HOST = flags.DEFINE_string("host", "127.0.0.1", "Address to listen on.")
_PORT = flags.DEFINE_integer("port", 8500, "Of gRPC; 0 takes a free one.", 0, 65535)
_REST_PORT = flags.DEFINE_integer("rest_api_port", 8501, "Of REST; 0 takes a free one.", 0, 65535)
_MAX_BYTES = flags.DEFINE_integer("max_request_bytes", 64 * 2**20, "Largest request.", 1)
_CORS = flags.DEFINE_bool("rest_api_enable_cors_support", False, "Let the pages of any web site ask over REST.")
_CONCURRENCY = flags.DEFINE_integer("concurrency", None, "Requests that compute at a time (default: CPUs).", 1)
_POLL = flags.DEFINE_float("poll_seconds", 1.0, "Between looks at models.config and the versions.", 0.05)
_DRAIN = flags.DEFINE_float("drain_seconds", 30.0, "For running requests to end after SIGTERM.", 0.0)
_LOCAL = flags.DEFINE_bool("local", False, "The local server, even where tensorflow_model_server is on PATH.")
BINARY = "tensorflow_model_server"


def serve_locally(root):
  """Runs the local server until SIGTERM or SIGINT."""
  from export.server.local import LocalServer  # slow: TensorFlow
  from export.server.registry import Registry
  from export.server.service import Service
  registry = Registry(root)
  registry.refresh()
  gc.freeze()  # TensorFlow stays: walking it takes 0.1 s, as often as frames arrive, a list a pixel ...
  gc.set_threshold(200_000, 10, 10)  # ... of which a film has 32,000
  server = LocalServer(Service(registry, _CONCURRENCY.value), host=_HOST.value, port=_PORT.value,
                       rest_port=_REST_PORT.value, max_bytes=_MAX_BYTES.value, cors=_CORS.value)
  end = threading.Event()
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: end.set())
  server.start()
  print(f"hgn-serve (local server, for development): REST on http://{_HOST.value}:{server.rest_port}, "
        f"gRPC on {_HOST.value}:{server.port}, models {', '.join(registry.names)}", flush=True)
  while not end.wait(_POLL.value):
    _refresh(registry)
  print("hgn-serve: draining", flush=True)
  drained = server.stop(_DRAIN.value)
  print(f"hgn-serve: {'drained' if drained else 'requests were still running'}, bye", flush=True)
  if not drained:
    os._exit(1)  # threads that compute would keep the process


def _refresh(registry):
  try:
    registry.refresh()
  except (OSError, ValueError) as error:
    logging.log_every_n_seconds(logging.ERROR, "Kept the models as they are: %s", 60, error)


def exec_model_server(root):
  """Becomes tensorflow_model_server, with the configuration that hgn-export wrote and this machine's paths."""
  from google.protobuf import text_format

  from export import configs  # slow: TensorFlow
  models = configs.models_in(root)
  config = configs.read_models(root / configs.MODELS)
  for entry in config.model_config_list.config:
    entry.base_path = str(models[pathlib.PurePosixPath(entry.base_path).name])
  file = pathlib.Path(tempfile.mkdtemp(prefix="hgn-serve-")) / configs.MODELS
  file.write_text(text_format.MessageToString(config))
  print(f"hgn-serve: {BINARY} on PATH takes over: gRPC on port {_PORT.value}, REST on {_REST_PORT.value}, on every "
        f"address of this machine; restart it after changes of {root / configs.MODELS}", flush=True)
  os.execvp(BINARY, [
      BINARY, f"--port={_PORT.value}", f"--rest_api_port={_REST_PORT.value}", f"--model_config_file={file}",
      f"--monitoring_config_file={root / configs.MONITORING}", "--allow_version_labels_for_unavailable_models",
      "--enable_batching", "--enable_per_model_batching_parameters", "--rest_api_timeout_in_ms=300000",
      *(["--rest_api_enable_cors_support"] if _CORS.value else [])])


def main(argv):
  del argv
  if not _MODELS.value:
    raise ValueError("--models is required: a directory that hgn-export wrote.")
  root = pathlib.Path(_MODELS.value).absolute()
  if shutil.which(BINARY) and not _LOCAL.value:
    exec_model_server(root)
  serve_locally(root)


def run():
  """Console script."""
  sys.modules["keras"] = None  # TensorFlow imports it where it finds it; without, the server starts in half the time
  cli.run(main)


if __name__ == "__main__":
  run()
