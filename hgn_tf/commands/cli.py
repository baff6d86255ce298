"""What the commands share: quiet TensorFlow, and errors as one line and exit code 1."""

import importlib
import json
import os
import sys

from absl import app, flags, logging

EXTRAS = {"matplotlib": "plot", "imageio": "plot", "PIL": "plot", "grpc": "serving", "orjson": "serving",
          "tensorflow_serving": "serving", "gymnasium": "gym", "av": "video", "torch": "bench", "zuko": "bench",
          "sklearn": "bench"}  # module -> extra of setup.cfg


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
      _import_tensorflow_quietly()
      main(argv)
    except (ValueError, ModuleNotFoundError, OSError, RuntimeError, _tensorflow_error()) as error:
      if os.environ.get("HGN_TRACEBACK"):
        raise
      _fail(_one_line(error))
    except KeyboardInterrupt:
      _fail("interrupted; the same command goes on from the last checkpoint")

  _show_in_help(main.__module__)
  app.run(guarded)


def _show_in_help(module):
  """Makes --help tell the docstring and the flags of `module` where absl would look at the console script instead."""
  sys.modules["__main__"].__doc__ = sys.modules[module].__doc__
  for flag in flags.FLAGS.get_flags_for_module(module):
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _import_tensorflow_quietly():
  """Imports TensorFlow with stderr closed: its start-up notices precede any log level that could hide them."""
  sys.stderr.flush()
  stderr = os.dup(2)
  with open(os.devnull, "w") as nowhere:
    os.dup2(nowhere.fileno(), 2)
  try:
    importlib.import_module("tensorflow")
  finally:
    os.dup2(stderr, 2)
    os.close(stderr)


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


def _tensorflow_error():
  """The base class of TensorFlow's own errors, such as that of a full disk."""
  import tensorflow as tf
  return tf.errors.OpError


def _one_line(error):
  """What the user needs to know; a missing module of an extra names the extra."""
  if isinstance(error, ModuleNotFoundError):
    extra = EXTRAS.get((error.name or "").split(".")[0])
    return f"{error}; install it with: pip install 'hgn_tf[{extra}]'" if extra else str(error)
  return str(error).strip().split("\n")[0]


def _fail(message):
  print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
  sys.exit(1)
