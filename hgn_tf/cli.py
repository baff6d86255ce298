"""What the commands share: quiet TensorFlow, and errors as one line and exit code 1."""

import importlib
import json
import os
import sys

from absl import app, logging


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
    except (ValueError, ModuleNotFoundError, OSError, RuntimeError) as error:
      if os.environ.get("HGN_TRACEBACK"):
        raise
      _fail(str(error))
    except KeyboardInterrupt:
      _fail("interrupted; the same command goes on from the last checkpoint")

  app.run(guarded)


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


def _fail(message):
  print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
  sys.exit(1)
