"""What the builders of simulated trajectories share: configuration, features, parallel and Beam generation."""

import contextlib
import dataclasses
import json
import zlib

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle
from tensorflow_datasets.proto import tf_example_pb2

from hgn_tf import physics
from tfds_builders import workers

ZLIB_LEVEL = 2  # twice as fast as the default 6, and the files are no larger
_BLOCK, _CHUNK = 512, 16  # trajectories simulated at once, and drawn at once
_SHUFFLE_BYTES = 64 << 20
_INHERITED = {field.name for field in dataclasses.fields(tfds.core.BuilderConfig)}


@dataclasses.dataclass(eq=False, kw_only=True)
class TrajectoryConfig(tfds.core.BuilderConfig):
  """Fields that every dataset of simulated trajectories has; subclasses add those of their system.

  A physical constant is a number, or a pair [low, high] from which one value per trajectory is drawn and stored.

  Attributes:
    num_train: examples of the train split.
    num_test: examples of the test split.
    num_steps: frames after the first.
    dt: time between frames.
    resolution: height and width of the frames in pixels, a multiple of 8.
    observation_noise: standard deviation of the noise on each coordinate of q and p, in every frame.
    orbit_noise: relative perturbation of the initial momenta.
    friction: rate of dp/dt = -dH/dq - friction p, in 1/time.
    radius: [low, high] of the uniform law of the initial state's radius.
    canvas: half the width of the drawn square, in length units.
    colors: null for evenly spread hues, "random" for hues drawn per trajectory, or an RGB triple in 0..255 per body.
    seed: of the whole dataset, in [0, 2^32).
  """

  num_train: int = 50_000
  num_test: int = 10_000
  num_steps: int = 30
  dt: float = 0.125
  resolution: int = 64
  observation_noise: float = 0.0
  orbit_noise: float = 0.0
  friction: float | tuple = 0.0
  radius: tuple = (0.1, 1.0)
  canvas: float = 1.5
  colors: str | tuple | None = None
  seed: int = 0

  def __post_init__(self):
    for name, value in self.fields().items():
      setattr(self, name, _tuples(value))
    for name in ("num_train", "num_test"):
      value = getattr(self, name)
      if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
    self.spec()

  def fields(self):
    """Name -> value of our own fields, those of TFDS's BuilderConfig left out."""
    return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
            if field.name not in _INHERITED}

  def system(self, **fields):
    """The physical system with the given values of its fields; each dataset says which."""
    raise NotImplementedError

  def spec(self):
    """The dataset as `hgn_tf.physics` describes it.

    Raises:
      ValueError: a field out of its range.
    """
    fields = self.fields()
    spec_names = [field.name for field in dataclasses.fields(physics.Spec) if field.name != "system"]
    spec_fields = {name: fields.pop(name) for name in spec_names}
    del fields["num_train"], fields["num_test"]
    return physics.Spec(system=self.system(**fields), **spec_fields)


class TrajectoryBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Builds numbered examples on all cores, or by Apache Beam where Beam options or a runner are given.

  Example i of a split depends on (seed, split, i) only, so the records are the same however they are built.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {
      "1.0.0": "First release. A new major version changes the examples' values, a minor one adds features, a patch "
               "changes neither.",
  }

  def _info(self):
    spec = self.builder_config.spec()
    frames, size, d = spec.num_steps + 1, spec.resolution, spec.system.dimension
    return self.dataset_info_from_configs(
        features=tfds.features.FeaturesDict({
            "frames": PrecompressedTensor(shape=(frames, size, size, 3), dtype=np.uint8),
            **{name: float64(frames, d) for name in ("q", "p", "noisy_q", "noisy_p")},
            "energy": float64(frames),
            "dt": float64(),
            "colors": tfds.features.Tensor(shape=(spec.system.bodies, 3), dtype=np.uint8,
                                           encoding=tfds.features.Encoding.BYTES),
            "constants": {name: float64() for name in spec.system.constants},
        }),
        homepage="https://arxiv.org/abs/1909.13789",
        metadata=tfds.core.MetadataDict(config=_plain(self.builder_config.fields())),
    )

  def download_and_prepare(self, *, download_dir=None, download_config=None, **kwargs):
    """As TFDS's; refuses to pass off a dataset built with other fields under the same config name as this one."""
    self._check_same_config()
    beam = download_config and (download_config.beam_options or download_config.beam_runner)
    self._use_beam = bool(beam)
    with _bounded_shuffle_buffer():
      super().download_and_prepare(download_dir=download_dir, download_config=download_config, **kwargs)

  def _example_writer(self):
    return CanonicalWriter(self.info.file_format)

  def _check_same_config(self):
    stored = self.data_path / "metadata.json"
    if not stored.exists():
      return
    wanted = json.loads(json.dumps(_plain(self.builder_config.fields())))
    found = json.loads(stored.read_text()).get("config", {})
    differing = sorted(name for name in wanted if wanted[name] != found.get(name))
    if differing:
      detail = ", ".join(f"{name} is {found.get(name)!r} there and {wanted[name]!r} here" for name in differing)
      raise ValueError(f"{self.data_path} holds a dataset of another configuration: {detail}. Give the configuration "
                       "another name or another data_dir.")

  def _split_generators(self, dl_manager):
    del dl_manager
    config = self.builder_config
    return {split: self._generate_examples(split, count)
            for split, count in (("train", config.num_train), ("test", config.num_test))}

  def _generate_examples(self, split, count):
    spec, processes = self.builder_config.spec(), workers.worker_count()
    if self._use_beam:
      return _beam_examples(spec, split, count)
    block = min(_BLOCK, -(-count // (2 * processes)))
    return _parallel_examples([(spec, split, *bounds) for bounds in _blocks(count, block)], processes)


@contextlib.contextmanager
def _bounded_shuffle_buffer():
  """Lets TFDS's shuffler hold 64 MiB of records in memory before it goes on disk, instead of 1 GB."""
  before, shuffle.MAX_MEM_BUFFER_SIZE = shuffle.MAX_MEM_BUFFER_SIZE, _SHUFFLE_BYTES
  try:
    yield
  finally:
    shuffle.MAX_MEM_BUFFER_SIZE = before


class PrecompressedTensor(tfds.features.Tensor):
  """A zlib-encoded Tensor that also takes bytes which a worker has compressed; on disk it is a plain Tensor."""

  def __init__(self, *, shape, dtype):
    super().__init__(shape=shape, dtype=dtype, encoding=tfds.features.Encoding.ZLIB)

  def encode_example(self, example_data):
    return example_data if isinstance(example_data, bytes) else super().encode_example(example_data)

  @property
  def _fully_qualified_class_name(self):
    return f"{tfds.features.Tensor.__module__}.{tfds.features.Tensor.__name__}"


class CanonicalWriter(tfds.core.writer.ExampleWriter):
  """Writes records with their features in sorted order; protobuf's own order differs from process to process."""

  def write(self, path, examples):
    return super().write(path, ((key, _canonical(record)) for key, record in examples))


def _canonical(record):
  return tf_example_pb2.Example.FromString(record).SerializeToString(deterministic=True)


def float64(*shape):
  """A float64 feature that keeps all its bits: tf.train.Example's own floats have 32."""
  return tfds.features.Tensor(shape=shape, dtype=np.float64, encoding=tfds.features.Encoding.BYTES)


def compressed_block(spec, split, start, stop):
  """The (key, example) pairs of examples [start, stop), frames compressed: what one worker makes of one task."""
  block = []
  for chunk in physics.example_chunks(spec, split, range(start, stop), chunk=_CHUNK):
    frames, constants = chunk.pop("frames"), chunk.pop("constants")
    for i in range(len(frames)):
      block.append((start + len(block), {
          "frames": zlib.compress(frames[i], ZLIB_LEVEL),
          **{name: values[i] for name, values in chunk.items()},
          "constants": {name: values[i] for name, values in constants.items()},
      }))
  return block


def _parallel_examples(tasks, processes):
  for block in workers.ordered_map(compressed_block, tasks, processes):
    yield from block


def _beam_examples(spec, split, count):
  beam = tfds.core.lazy_imports.apache_beam
  tasks = [(spec, split, *bounds) for bounds in _blocks(count, _BLOCK)]
  return beam.Create(tasks) | beam.Reshuffle() | beam.FlatMapTuple(compressed_block)


def _blocks(count, size):
  return [(start, min(start + size, count)) for start in range(0, count, size)]


def _tuples(value):
  """JSON's lists as tuples."""
  return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _plain(value):
  """Tuples as lists, for JSON."""
  if isinstance(value, dict):
    return {name: _plain(item) for name, item in value.items()}
  return [_plain(item) for item in value] if isinstance(value, tuple) else value
