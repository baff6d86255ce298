"""Files that are either whole or not there: written beside, then renamed."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile

from hgn_tf.training import locks

_PARTIAL = ".partial-"


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


@contextlib.contextmanager
def partial_folder(parent):
  """Yields a new folder in `parent` to write in, and to rename when it is whole; what is left of it is removed.

  Those that killed processes left there are removed first.
  """
  parent = pathlib.Path(parent)
  parent.mkdir(parents=True, exist_ok=True)
  for left in parent.glob(f"{_PARTIAL}*"):
    _remove_abandoned(left)
  folder = pathlib.Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=parent))
  descriptor = os.open(folder, os.O_RDONLY)
  try:
    if not locks.taken(descriptor):
      raise RuntimeError(f"{folder} was taken for one that a killed process left; try again.")
    yield folder
  finally:
    os.close(descriptor)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def written_beside(folder):
  """Yields a folder to write files in, which are moved into `folder` in the end; on failure nothing there changes."""
  with partial_folder(folder) as beside:
    yield beside
    for path in sorted(beside.iterdir()):
      path.replace(pathlib.Path(folder) / path.name)


def _remove_abandoned(folder):
  """Removes a partial folder unless a process is at work in it."""
  with contextlib.suppress(FileNotFoundError):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
      if locks.taken(descriptor):
        shutil.rmtree(folder)
    finally:
      os.close(descriptor)
