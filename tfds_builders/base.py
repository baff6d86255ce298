"""What all builders share: configurations as plain fields, safe reuse of what is on disk, all cores or Apache Beam."""

import contextlib
import dataclasses
import itertools
import json
import re
import sys
from collections.abc import Iterable
from typing import ClassVar

import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils

from tfds_builders import records, workers

_INHERITED = {field.name for field in dataclasses.fields(tfds.core.BuilderConfig)}


class _KnownFields(type):
  """Turns an unknown field into an error that lists the known ones, and a missing or useless name into one too."""

  def __call__(cls, *args, **fields):
    _check_name(cls, fields.get("name"))
    known = [field.name for field in dataclasses.fields(cls)]
    if unknown := sorted(set(fields) - set(known)):
      raise ValueError(f"Unknown fields of {cls.__name__}: {', '.join(unknown)}; "
                       f"known: {', '.join(name for name in known if name == 'name' or name not in _INHERITED)}.")
    return super().__call__(*args, **fields)


def _check_name(cls, name):
  """Raises ValueError for a name that no `tfds.load` could find again."""
  if not isinstance(name, str) or not re.fullmatch(r"[\w+.-]+", name) or not name.strip("."):
    raise ValueError(f"{cls.__name__} needs a name, by which tfds.load finds the dataset: letters, digits and _ + - . "
                     f"only, got {name!r}.")


@dataclasses.dataclass(eq=False, kw_only=True)
class Config(tfds.core.BuilderConfig, metaclass=_KnownFields):
  """A configuration whose own fields are plain values, the same from Python and from JSON.

  `YOUNGER` names fields that were added after datasets had been built, which then have their defaults.
  """

  YOUNGER: ClassVar[tuple] = ()

  def __post_init__(self):
    for name, value in self.fields().items():
      setattr(self, name, _tuples(value))
    self.check()

  def fields(self):
    """Name -> value of our own fields, those of TFDS's BuilderConfig left out."""
    return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
            if field.name not in _INHERITED}

  def check(self):
    """Raises ValueError for a field out of its range."""

  def check_counts(self, *names):
    """Raises ValueError unless the fields of these names are integers of at least 1."""
    for name in names:
      value = getattr(self, name)
      if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Builds on all cores, or by Apache Beam where Beam options or a runner are given; the records are the same.

  Beside the examples, metadata.json holds the configuration, and under `partial` the size limit of a partial build.
  """

  FRESH_WORKERS = False  # see `workers.ordered_map`
  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {
      "1.0.0": "First release. A new major version changes the examples' values, a minor one adds features, a patch "
               "changes neither.",
  }

  def info_of(self, features, homepage):
    """The DatasetInfo: README and citation from the builder's folder, the configuration as metadata."""
    return self.dataset_info_from_configs(
        features=tfds.features.FeaturesDict(features), homepage=homepage,
        metadata=tfds.core.MetadataDict(config=_plain(self.builder_config.fields())))

  def download_and_prepare(self, *, download_dir=None, download_config=None, **kwargs):
    """As TFDS's, but it never passes off another dataset under the same name as the one that is asked for.

    Raises:
      ValueError: the folder holds a dataset of other fields, or a partial one.
    """
    download_config = download_config or tfds.download.DownloadConfig()
    self._beam = bool(download_config.beam_options or download_config.beam_runner)
    if download_config.beam_options and not download_config.beam_runner:
      download_config = download_config.replace(beam_runner=_dask_runner(download_config.beam_options))
    limit = None if self._beam else download_config.max_examples_per_split  # Beam knows no limit
    if download_config.download_mode == tfds.download.GenerateMode.REUSE_DATASET_IF_EXISTS:
      self._check_what_is_there(limit)
    self.info.metadata.pop("partial", None)
    if limit is not None:
      self.info.metadata["partial"] = {"max_examples_per_split": limit}
    with records.bounded_shuffle_buffer(), _bars_where_somebody_looks():
      super().download_and_prepare(download_dir=download_dir, download_config=download_config, **kwargs)
    if self._beam:
      self._remove_what_dead_workers_left()

  def _remove_what_dead_workers_left(self):
    for path in filter(tfds.core.utils.py_utils.is_incomplete_file, self.data_path.iterdir()):
      path.unlink()

  def _split_generators(self, dl_manager):
    """The splits of data that are made, not found; builders that read files have their own."""
    del dl_manager
    config = self.builder_config
    return {"train": self._generate_examples("train", config.num_train),
            "test": self._generate_examples("test", config.num_test)}

  def check_sources(self, dl_manager):
    """Looks at what the dataset is made from and raises where it will not do; nothing has been written yet."""

  def _make_download_manager(self, download_dir, download_config):
    dl_manager = super()._make_download_manager(download_dir, download_config)
    self.check_sources(dl_manager)
    return dl_manager

  def _check_what_is_there(self, limit):
    path = self.data_path / "metadata.json"
    if not path.exists():
      return
    stored = json.loads(path.read_text())
    partial = stored.get("partial", stored).get("max_examples_per_split")  # older ones have it beside the config
    if partial not in (None, limit):
      raise ValueError(f"{self.data_path} holds a partial dataset, built with --max_examples_per_split={partial}. "
                       "Delete it, or build with --overwrite or another data_dir.")
    wanted = json.loads(json.dumps(_plain(self.builder_config.fields())))
    found = {**_younger_fields(self.builder_config), **stored.get("config", {})}
    differing = sorted(name for name in wanted if wanted[name] != found.get(name))
    if differing:
      detail = ", ".join(f"{name} is {found.get(name)!r} there and {wanted[name]!r} here" for name in differing)
      raise ValueError(f"{self.data_path} holds a dataset of another configuration: {detail}. Give the configuration "
                       "another name or another data_dir.")

  def _example_writer(self):
    return records.CanonicalWriter(self.info.file_format)

  def spread(self, function, tasks, count, *, streams=False):
    """The (key, example) pairs of function(*task) for every task, as TFDS takes them from `_split_generators`.

    Args:
      function: found by its name in a module, as pickle wants it.
      tasks: argument tuples.
      count: examples of all tasks.
      streams: take one pair after the other in this process: those of a task are too many for memory.
    """
    if self._beam:
      beam = tfds.core.lazy_imports.apache_beam
      return beam.Create(tasks) | beam.Reshuffle() | beam.FlatMapTuple(function)
    if streams:
      return _Examples(itertools.chain.from_iterable(itertools.starmap(function, tasks)), count)
    return _Examples(self._parallel(function, tasks), count)

  def _parallel(self, function, tasks):
    for block in workers.ordered_map(_listed, [(function, *task) for task in tasks],
                                     min(workers.worker_count(), len(tasks)), fresh=self.FRESH_WORKERS):
      yield from block


def _listed(function, *task):
  """What a function yields, to be sent from one process to another."""
  return list(function(*task))


def _younger_fields(config):
  """Name -> default of the fields that datasets on disk may be older than: they were built as if by these."""
  return {field.name: field.default for field in dataclasses.fields(config) if field.name in config.YOUNGER}


@dataclasses.dataclass(frozen=True)
class _Examples:
  """Pairs whose number is known before they are made, from which TFDS's bar tells how long it takes yet."""

  pairs: Iterable
  count: int

  def __iter__(self):
    return iter(self.pairs)

  def __len__(self):
    return self.count


@contextlib.contextmanager
def _bars_where_somebody_looks():
  """TFDS's bars as they are switched; none where stderr is neither a terminal nor a notebook's."""
  before = tqdm_utils._active
  tfds.display_progress_bar(before and (sys.stderr.isatty() or tfds.core.utils.is_notebook()))
  try:
    yield
  finally:
    tfds.display_progress_bar(before)


def blocks(count, size):
  """Bounds (start, stop) that cut range(count) into blocks of `size`, and no fewer than two a worker if possible."""
  size = min(size, -(-count // (2 * workers.worker_count())))
  return [(start, min(start + size, count)) for start in range(0, count, size)]


def _dask_runner(options):
  """Our DaskRunner where the Beam options ask for "DaskRunner", a name that Beam does not know; else None.

  Raises:
    ImportError: Dask is missing.
  """
  beam_options = tfds.core.lazy_imports.apache_beam.options.pipeline_options
  if options.view_as(beam_options.StandardOptions).runner != "DaskRunner":
    return None
  try:
    from tfds_builders.dask_runner import DaskRunner  # slow: Beam, and an extra
  except ModuleNotFoundError as error:
    raise ImportError(f"{error}; DaskRunner needs: pip install 'hgn_tf[cluster]'") from None
  return DaskRunner()


def _tuples(value):
  """JSON's lists as tuples."""
  return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _plain(value):
  """Tuples as lists, for JSON."""
  if isinstance(value, dict):
    return {name: _plain(item) for name, item in value.items()}
  return [_plain(item) for item in value] if isinstance(value, tuple) else value
