"""Configurations, records, determinism and safety of the trajectory builders."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
import terminal
from absl.testing import parameterized

import tfds_builders
from hgn_tf import physics
from tfds_builders.mass_spring import MassSpringConfig
from tfds_builders.pendulum import PendulumConfig
from tfds_builders.three_body import ThreeBodyConfig
from tfds_builders.two_body import TwoBodyConfig

_CONFIGS = {"mass_spring": MassSpringConfig, "pendulum": PendulumConfig, "two_body": TwoBodyConfig,
            "three_body": ThreeBodyConfig}


def _build(name, data_dir, workers=1, download_config=None, **fields):
  fields = {"num_train": 11, "num_test": 4, "num_steps": 5, "resolution": 32, **fields}
  builder = tfds.builder(name, config=_CONFIGS[name](name="small", **fields), data_dir=data_dir)
  before = os.environ.get("HGN_BUILD_WORKERS")
  os.environ["HGN_BUILD_WORKERS"] = str(workers)
  try:
    builder.download_and_prepare(download_config=download_config)
  finally:
    del os.environ["HGN_BUILD_WORKERS"]
    if before is not None:
      os.environ["HGN_BUILD_WORKERS"] = before
  return builder


def _digests(builder):
  return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in builder.data_path.glob("*tfrecord*")}


def _records(builder, split):
  paths = sorted(str(path) for path in builder.data_path.glob(f"*-{split}.tfrecord*"))
  return [record.numpy() for record in tf.data.TFRecordDataset(paths)]


class ConfigTest(tf.test.TestCase, parameterized.TestCase):

  def test_importing_the_package_registers_every_builder(self):
    self.assertContainsSubset(tfds_builders.__all__, tfds.list_builders())

  @parameterized.parameters(*_CONFIGS)
  def test_full_is_the_papers_dataset_and_the_default(self, name):
    config = tfds.builder_cls(name).BUILDER_CONFIGS[0]
    self.assertEqual((config.name, config.num_train, config.num_test), ("full", 50_000, 10_000))
    self.assertEqual(config.spec(), physics.default_spec(name))

  def test_json_lists_become_tuples(self):
    config = MassSpringConfig(**json.loads('{"name": "x", "mass": [0.4, 0.6], "colors": [[1, 2, 3]]}'))
    self.assertEqual((config.mass, config.colors), ((0.4, 0.6), ((1, 2, 3),)))

  @parameterized.parameters("a b", "a/b", "a:1.0.0", "", ".", "..", "a\n", None, 5)
  def test_a_name_that_nothing_could_load_is_refused(self, name):
    for config in _CONFIGS.values():
      with self.assertRaisesRegex(ValueError, "needs a name, by which tfds.load finds the dataset.*got"):
        config(name=name)

  @parameterized.parameters("a", "A.b", "1.0.0", "a+b", "-x", "_1")
  def test_any_other_name_is_found_again(self, name):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    config = MassSpringConfig(name=name, num_train=1, num_test=1, num_steps=1, resolution=16)
    tfds.builder("mass_spring", config=config, data_dir=folder).download_and_prepare()
    self.assertLen(tfds.load(f"mass_spring/{name}", data_dir=folder, split="train"), 1)

  def test_a_configuration_without_a_name(self):
    with self.assertRaisesRegex(ValueError, "MassSpringConfig needs a name"):
      MassSpringConfig(**json.loads('{"num_train": 3}'))

  @parameterized.parameters(
      ({"num_train": 0}, "num_train must be an integer of at least 1, got 0"),
      ({"num_test": 1.5}, "num_test must be an integer of at least 1, got 1.5"),
      ({"mass": -1.0}, "mass must be positive and finite, got -1.0"),
      ({"stiffness": 0.0}, "stiffness must be positive and finite, got 0.0"),
      ({"mass": "heavy"}, "mass must be a number or a pair"),
      ({"resolution": 60}, "resolution must be a positive multiple of 8, got 60"),
      ({"friction": -0.1}, "friction must be at least 0"),
      ({"radius": [1.0, 0.1]}, "radius must be a pair"),
      ({"weight": 1.0}, "Unknown fields of MassSpringConfig: weight; known: name, num_train, .*stiffness"),
  )
  def test_bad_fields_are_named_before_anything_is_written(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      MassSpringConfig(name="bad", **fields)


class RecordsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*_CONFIGS)
  def test_records_hold_the_examples(self, name):
    builder = _build(name, self.enter_context(tempfile.TemporaryDirectory()))
    for split, count in (("train", 11), ("test", 4)):
      found = list(tfds.as_numpy(builder.as_dataset(split=split)))
      self.assertLen(found, count)
      expected = physics.make_examples(builder.builder_config.spec(), split, range(count))
      order = {expected["q"][i].tobytes(): i for i in range(count)}
      for example in found:
        i = order.pop(example["q"].tobytes())
        for field in ("frames", "p", "noisy_q", "noisy_p", "energy", "dt", "colors"):
          self.assertAllEqual(example[field], expected[field][i])
        self.assertEqual(example["q"].dtype, np.float64)
        for constant, values in expected["constants"].items():
          self.assertEqual(example["constants"][constant], values[i])
      self.assertEmpty(order)

  def test_tfds_says_that_it_shows_no_films(self):
    builder = _build("pendulum", self.enter_context(tempfile.TemporaryDirectory()))
    with self.assertRaisesRegex(ValueError, "Visualisation not supported for dataset `pendulum`"):
      tfds.show_examples(builder.as_dataset(split="train"), builder.info)

  @pytest.mark.slow  # starts whole programs
  def test_reading_needs_none_of_our_code(self):
    builder = _build("pendulum", self.enter_context(tempfile.TemporaryDirectory()))
    program = ("import sys, tensorflow_datasets as tfds\n"
               "dataset = tfds.load('pendulum/small', split='train', data_dir=sys.argv[1])\n"
               "print(next(iter(dataset))['frames'].shape)\n"
               "sys.exit(any(name.startswith(('hgn_tf', 'tfds_builders')) for name in sys.modules))\n")
    found = subprocess.run([sys.executable, "-c", program, str(builder.data_path.parents[2])], capture_output=True,
                           text=True, check=False)
    self.assertEqual(found.returncode, 0, found.stderr)
    self.assertEqual(found.stdout.strip(), "(6, 32, 32, 3)")

  def test_a_terminal_shows_how_many_examples_there_will_be_and_a_pipe_nothing(self):
    for stderr in (terminal.terminal, terminal.pipe):
      with stderr() as said:
        _build("pendulum", self.enter_context(tempfile.TemporaryDirectory()))
      if stderr is terminal.pipe:
        self.assertEqual(said(), "")
      else:
        self.assertRegex(said(), r"(?s)Generating train examples.* 0/11 .*Generating test examples.* 0/4 ")

  def test_files_are_the_same_bytes_with_any_number_of_workers(self):
    one = _digests(_build("three_body", self.enter_context(tempfile.TemporaryDirectory()), workers=1))
    three = _digests(_build("three_body", self.enter_context(tempfile.TemporaryDirectory()), workers=3))
    self.assertLen(one, 2)
    self.assertEqual(one, three)

  @pytest.mark.slow  # starts whole programs
  def test_records_are_the_same_bytes_in_the_same_order_under_beam_with_two_processes(self):
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(["--direct_running_mode=multi_processing", "--direct_num_workers=2"])
    builds = [_build("three_body", self.enter_context(tempfile.TemporaryDirectory()),
                     download_config=tfds.download.DownloadConfig(beam_options=beam, num_shards=2))
              for beam in (None, options)]
    for split, count in (("train", 11), ("test", 4)):
      alone, beam = (_records(builder, split) for builder in builds)
      self.assertLen(alone, count)
      self.assertEqual(alone, beam)

  def test_another_configuration_of_the_same_name_is_refused(self):
    data_dir = self.enter_context(tempfile.TemporaryDirectory())
    before = _digests(_build("mass_spring", data_dir))
    with self.assertRaisesRegex(ValueError, "another configuration: mass is 0.5 there and 0.7 here"):
      _build("mass_spring", data_dir, mass=0.7)
    self.assertEqual(_digests(_build("mass_spring", data_dir)), before)

  def test_metadata_holds_the_configuration(self):
    builder = _build("two_body", self.enter_context(tempfile.TemporaryDirectory()), gravity=(0.9, 1.1))
    stored = json.loads((builder.data_path / "metadata.json").read_text())["config"]
    self.assertEqual((stored["gravity"], stored["num_train"], stored["dt"]), ([0.9, 1.1], 11, 0.125))

  def test_a_partial_build_is_not_taken_for_the_whole(self):
    data_dir = self.enter_context(tempfile.TemporaryDirectory())
    builder = _build("mass_spring", data_dir, num_train=40,
                     download_config=tfds.download.DownloadConfig(max_examples_per_split=3))
    self.assertEqual(builder.info.splits["train"].num_examples, 3)
    with self.assertRaisesRegex(ValueError, "partial dataset, built with --max_examples_per_split=3"):
      tfds.builder("mass_spring", config=builder.builder_config, data_dir=data_dir).download_and_prepare()


class GoldenTest(tf.test.TestCase, parameterized.TestCase):
  """The examples of a version stay what they are: a checksum that changes asks for a new major version."""

  @parameterized.parameters(
      ("mass_spring", "1.0.0", "2006932d9c6f8c21"),
      ("pendulum", "1.0.0", "b60ff81be84db8d4"),
      ("two_body", "1.0.0", "0eb4d50309129059"),
      ("three_body", "1.0.0", "4aec5061b8dde615"),
  )
  def test_frames_of_the_papers_dataset(self, name, version, digest):
    builder = _build(name, self.enter_context(tempfile.TemporaryDirectory()), num_train=1, num_test=3, num_steps=30,
                     resolution=64)
    examples = sorted(tfds.as_numpy(builder.as_dataset(split="test")), key=lambda example: example["q"][0, 0])
    frames = b"".join(example["frames"].tobytes() for example in examples)
    self.assertEqual((str(builder.version), hashlib.sha256(frames).hexdigest()[:16]), (version, digest))


@pytest.mark.slow  # starts whole programs
class KilledBuildTest(tf.test.TestCase):

  def test_a_killed_build_is_no_dataset_and_leaves_no_process(self):
    data_dir = self.enter_context(tempfile.TemporaryDirectory())
    program = ("import sys, tensorflow_datasets as tfds, tfds_builders\n"
               "from tfds_builders.three_body import ThreeBodyConfig\n"
               "config = ThreeBodyConfig(name='killed', num_train=100_000)\n"
               "tfds.builder('three_body', config=config, data_dir=sys.argv[1]).download_and_prepare()\n")
    process = subprocess.Popen([sys.executable, "-c", program, data_dir], env={**os.environ, "HGN_BUILD_WORKERS": "2"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = _wait(lambda: _children(process.pid) if process.poll() is None else None, timeout=120)
    self.assertLen(children, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    self.assertTrue(_wait(lambda: not any(map(_running, children)), timeout=30))
    builder = tfds.builder("three_body", config=ThreeBodyConfig(name="killed", num_train=100_000), data_dir=data_dir)
    self.assertFalse(builder.data_path.exists())
    with self.assertRaises(AssertionError):
      builder.as_dataset(split="train")


def _wait(condition, timeout):
  """The first truthy value of `condition`, or its value at the end of the time."""
  end = time.monotonic() + timeout
  while not (value := condition()) and time.monotonic() < end:
    time.sleep(0.1)
  return value


def _children(pid):
  """Process ids of both children, once there are two."""
  with open(f"/proc/{pid}/task/{pid}/children") as file:
    found = [int(child) for child in file.read().split()]
  return found if len(found) == 2 else None


def _running(pid):
  try:
    with open(f"/proc/{pid}/stat") as file:
      return file.read().rsplit(")", 1)[1].split()[0] != "Z"
  except OSError:
    return False
