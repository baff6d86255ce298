"""Results of runs: one JSON file each, with the config that made it."""

import json

from hgn_tf.training import files


def holds(path, config):
  """Whether the file at `path` is there, as the result of `config`; fields younger than the file count as defaults.

  Raises:
    ValueError: it was made with other settings.
  """
  if not path.exists():
    return False
  if type(config).from_dict(files.read_json(path)["config"]) != config:
    raise ValueError(f"{path} was made with other settings; remove it or choose another --results.")
  return True


def plain(config):
  """A config as JSON gives it back."""
  return json.loads(json.dumps(config.to_dict()))
