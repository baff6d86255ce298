"""Files that are either whole or not there: written beside, then renamed."""

import json
import os
import pathlib


def write_bytes(path, content):
  """Writes `content` to `path` in one step: a reader sees the old file or the new one."""
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
  try:
    beside.write_bytes(content)
    beside.replace(path)
  finally:
    beside.unlink(missing_ok=True)


def write_json(path, content):
  """Writes `content` as readable JSON, in one step."""
  write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path):
  """The content of a JSON file."""
  return json.loads(pathlib.Path(path).read_text())
