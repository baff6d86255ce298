"""What the commands share: quiet TensorFlow, and errors as one line and exit code 1."""

import importlib
import json
import os
import re
import sys

from absl import app, flags, logging

EXTRAS = {"matplotlib": "plot", "imageio": "plot", "PIL": "plot", "grpc": "serving", "orjson": "serving",
          "starlette": "serving", "tensorflow_serving": "serving", "uvicorn": "serving", "gymnasium": "gym",
          "av": "video", "torch": "bench", "zuko": "bench", "dask": "cluster",
          "distributed": "cluster", "tf2onnx": "lean", "jax": "lean",
          "gradio": "explore", "sklearn": "follow_up", "skdim": "check"}  # module -> extra of setup.cfg
# What AutoGraph, Keras and TensorFlow put before a message.
_WRAPPED = ("in user code:", "Exception encountered when calling", "Could not automatically infer the output shape")
_OF_GRAPHS = ("Graph execution error:", "Detected at node", "<stack traces unavailable>", "[[{{node", "File ")
_NODE = re.compile(r"^\{\{function_node .*?\}\} ")


def run(main, *, takes_arguments=False):
  """Runs an absl `main`; a mistake of the user ends with one line on stderr and exit code 1, not a traceback.

  Args:
    main: function of argv.
    takes_arguments: whether anything but flags may stand on the command line.
  """
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # also hides the complaint about a missing GPU
  def guarded(argv):
    if len(argv) > 1 and not takes_arguments:
      _fail(f"unexpected arguments: {' '.join(argv[1:])}; see --help")
    logging.set_verbosity(logging.ERROR)  # TFDS tells much
    try:
      importlib.import_module("hgn_tf.mechanics.startup")
      main(argv)
    except (ValueError, ImportError, OSError, RuntimeError, *_tensorflow_errors()) as error:
      if os.environ.get("HGN_TRACEBACK"):
        raise
      _fail(one_line(error))
    except KeyboardInterrupt:
      _fail("interrupted; the same command goes on from the last checkpoint")

  _show_in_help(main.__module__)
  app.run(guarded)


def _show_in_help(module):
  """Makes --help tell docstring and key flags of `module` where absl would look at the console script instead."""
  sys.modules["__main__"].__doc__ = sys.modules[module].__doc__
  for flag in flags.FLAGS.get_key_flags_for_module(module):
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def parse_json_object(name, text):
  """The dict in the JSON `text` of the flag `name`.

  Raises:
    ValueError: not a JSON object.
  """
  try:
    value = json.loads(text or "{}")
  except json.JSONDecodeError as error:
    raise ValueError(f"--{name} must be a JSON object, got {text!r}: {error}") from None
  if not isinstance(value, dict):
    raise ValueError(f"--{name} must be a JSON object, got {text!r}.")
  return value


def _tensorflow_errors():
  """TensorFlow's own errors, such as that of a full disk; none where it could not be imported."""
  tensorflow = sys.modules.get("tensorflow")
  return (tensorflow.errors.OpError,) if tensorflow else ()


def one_line(error):
  """What the user needs to know: the error's own message, without what Keras and TensorFlow put around it.

  A missing module of an extra names the extra.
  """
  while str(error).startswith(_WRAPPED) and error.__context__ is not None:
    error = error.__context__
  if isinstance(error, ModuleNotFoundError):
    extra = EXTRAS.get((error.name or "").split(".")[0])
    return f"{error}; install it with: pip install 'hgn_tf[{extra}]'" if extra else str(error)
  lines = [line.strip() for line in str(error).splitlines()]
  told = (_NODE.sub("", line) for line in lines if line and not line.startswith(_OF_GRAPHS))
  return next(told, type(error).__name__)


def _fail(message):
  print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
  sys.exit(1)
