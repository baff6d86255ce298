"""What an export leaves on disk: whole versions or none, warm-up, batching, configs, README; and the command itself."""

import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf
import terminal
from absl import flags
from absl.testing import flagsaver, parameterized
from export_support import CONFIG, frames, times, tiny_model
from tensorflow_serving.apis import prediction_log_pb2

from export import __main__ as command
from export import common, configs, rollout, serving, warmup
from export.server.loader import SessionModel
from export.server.registry import replay_warmup
from hgn_tf.training.workdir import Workdir

SIZES = (1, 4)


class ArtifactsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.directory = tempfile.TemporaryDirectory()
    cls.base = pathlib.Path(cls.directory.name) / "models" / "tiny"
    cls.servable = rollout.servable(tiny_model(), max_steps=50)
    cls.path = serving.publish(cls.servable, cls.base, batch_sizes=SIZES)

  @classmethod
  def tearDownClass(cls):
    cls.directory.cleanup()
    super().tearDownClass()

  def test_metadata_says_what_the_model_takes(self):
    metadata = common.read_metadata(self.path)
    self.assertEqual(metadata["max_steps"], 50)
    self.assertEqual(metadata["batch_sizes"], list(SIZES))
    self.assertEqual(metadata["dt"], CONFIG.dt)
    self.assertEqual(metadata["signatures"]["rollout"]["inputs"]["frames"]["shape"], [None, *CONFIG.frame_shape])
    for name, signature in self.servable.signatures.items():  # and no constants that the graph holds
      self.assertEqual(set(metadata["signatures"][name]["inputs"]), set(signature.inputs))
    self.assertIn("num_steps is negative", metadata["status"].values())

  def test_every_warm_up_request_is_answered(self):
    records = tf.data.TFRecordDataset(str(self.path / warmup.WARMUP)).as_numpy_iterator()
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    sizes = collections.Counter((r.model_spec.signature_name, r.inputs[next(iter(r.inputs))].tensor_shape.dim[0].size)
                                for r in requests)
    self.assertEqual(set(sizes), {(name, size) for name in self.servable.signatures for size in SIZES})
    model = SessionModel(self.path)
    self.assertEqual(replay_warmup(model, self.path), len(requests))
    for request in requests:
      answer = model.run(request.model_spec.signature_name, {k: tf.make_ndarray(x) for k, x in request.inputs.items()})
      self.assertAllEqual(answer["status"], np.zeros_like(answer["status"]))
    model.close()

  def test_batching_parameters_end_with_the_largest_batch(self):
    lines = (self.path / serving.BATCHING).read_text().splitlines()
    self.assertIn("max_batch_size { value: 4 }", lines)
    allowed = [line for line in lines if line.startswith("allowed_batch_sizes")]
    self.assertEqual(allowed, ["allowed_batch_sizes: 1", "allowed_batch_sizes: 4"])

  @pytest.mark.slow  # starts whole programs
  def test_saved_model_cli_reads_it(self):
    tool = ["-m", "tensorflow.python.tools.saved_model_cli", "show", "--dir", self.path, "--tag_set", "serve"]
    listed = subprocess.run([sys.executable, *tool], check=True, capture_output=True, text=True).stdout
    for name in self.servable.signatures:
      self.assertIn(f'key: "{name}"', listed)

  def test_a_failed_export_leaves_nothing(self):
    def broken(x):
      raise RuntimeError(f"no graph for {x.name}")
    bad = common.Servable({"serving_default": common.Signature(broken, {"x": tf.TensorSpec([None])})}, [], {})
    base = self.base.parent / "broken"
    with self.assertRaisesRegex(RuntimeError, "no graph"):
      serving.publish(bad, base)
    self.assertEmpty(list(base.iterdir()))

  def test_a_killed_export_is_no_version(self):
    base = self.base.parent / "killed"
    (base / ".partial-1-abc" / "variables").mkdir(parents=True)
    self.assertEmpty(common.versions(base))
    self.assertEqual(common.next_version(base), 1)

  def test_nothing_is_overwritten(self):
    before = (self.path / "saved_model.pb").stat().st_mtime_ns
    with self.assertRaisesRegex(ValueError, "version must be a new one, got 1"):
      serving.publish(self.servable, self.base, version=1)
    self.assertEqual((self.path / "saved_model.pb").stat().st_mtime_ns, before)
    with self.assertRaisesRegex(ValueError, "batch_sizes must be ascending positive integers"):
      serving.publish(self.servable, self.base, batch_sizes=(4, 1))


def add_version(path):
  """Writes what is read of a version when configurations are made."""
  shape = {"dtype": "float32", "shape": [None, 2], "example": 0}
  common.files.write_json(path / common.METADATA, {
      "kind": "hgn", "max_steps": 7, "batch_sizes": [1, 4],
      "signatures": {"serving_default": {"inputs": {"x": shape}, "outputs": {"y": shape}}}})


class ConfigsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = pathlib.Path(self.get_temp_dir())

  def add(self, name, version):
    add_version(self.root / name / str(version))

  def entry(self, name, root=None):
    config = configs.read_models((root or self.root) / configs.MODELS)
    return next(entry for entry in config.model_config_list.config if entry.name == name)

  def test_several_models_share_one_config(self):
    self.add("one", 1)
    self.add("two", 3)
    configs.write_configs(self.root)
    self.assertEqual(self.entry("two").base_path, "/models/two")
    self.assertEqual(dict(self.entry("two").version_labels), {"stable": 3, "canary": 3})
    text = (self.root / configs.README).read_text()
    for expected in ("docker run", "--gpus all", "tensorflow/serving:latest-gpu", "/models:ro", "curl",
                     "--enable_per_model_batching_parameters", "PredictionServiceStub", "| 3 NEGATIVE_STEPS |"):
      self.assertIn(expected, text)
    self.assertIn("enable: true", (self.root / configs.MONITORING).read_text())

  def test_stable_stays_until_it_is_moved(self):
    for version in (1, 2, 3):
      self.add("one", version)
      configs.write_configs(self.root / "one")
      entry = self.entry("one", self.root / "one")
      self.assertEqual(dict(entry.version_labels), {"stable": 1, "canary": version})
      self.assertEqual(list(entry.model_version_policy.specific.versions), sorted({1, version}))

  def test_no_models_is_an_error(self):
    with self.assertRaisesRegex(ValueError, "it is neither"):
      configs.write_configs(self.root)
    (self.root / configs.MODELS).write_text("model_config_list {")
    with self.assertRaisesRegex(ValueError, "must be the text of a ModelServerConfig"):
      configs.read_models(self.root / configs.MODELS)


class CommandTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    if not flags.FLAGS.is_parsed():
      flags.FLAGS.mark_as_parsed()
    self.base = pathlib.Path(self.get_temp_dir())

  def test_a_workdir_becomes_versions(self):
    workdir = Workdir(self.base / "run")
    workdir.create(CONFIG, "mass_spring")
    model = tiny_model()
    model.compile()
    workdir.manager(model).save(1)
    out = self.base / "models" / "tiny"
    with flagsaver.flagsaver(workdir=str(workdir.path), out=str(out), batch_sizes=["1"], max_steps=9):
      with terminal.terminal() as said:
        command.main([])
    self.assertRegex(said(), r"(?s)Exporting: tiny:.* 0/1 .*Tracing:.* 0/6 .*Tracing:.* 6/6 ")
    self.assertEqual(common.versions(out), [1])
    served = SessionModel(out / "1")
    answer = served.run("rollout", {"frames": frames(1), **times([0.125], [4])})
    self.assertAllClose(answer["frames"], model(frames(1)), atol=1e-5)
    served.close()
    self.assertTrue((out / configs.MODELS).exists())

  @parameterized.parameters(
      (dict(pretrained="nhf_two_moons"), "", "must be the directory of the model, .*/models/nhf_two_moons, got "
       ".*/models, which holds other models: one, two"),
      (dict(workdir="run"), "", "must be the directory of the model, .*/models/hgn, got .*/models, which holds"),
      (dict(pretrained="nhf_two_moons"), "one/1", "must be the directory of a model, got .*/one/1 inside of the model"),
      (dict(pretrained="all"), "one", "must be the directory of several models with --pretrained=all, got .*one"))
  def test_other_models_stay_on_the_server(self, values, out, message):
    models = self.base / "models"
    for name in ("one", "two"):
      add_version(models / name / "1")
    configs.write_configs(models)
    before = {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}
    if "workdir" in values:
      values = {"workdir": str(self.base / "run")}
      Workdir(values["workdir"]).create(CONFIG, "mass_spring")
    with flagsaver.flagsaver(out=str(models / out), **values), self.assertRaisesRegex(ValueError, message):
      command.main([])
    self.assertEqual({path: path.read_bytes() for path in models.rglob("*") if path.is_file()}, before)

  @parameterized.parameters(
      ({"out": None, "workdir": "x"}, "--out is required"),
      ({"out": "x"}, "give one of --workdir and --pretrained"),
      ({"out": "x", "workdir": "x", "pretrained": "y"}, "give one of --workdir and --pretrained"),
      ({"out": "x", "pretrained": "nothing"}, "nothing"),
      ({"out": "x", "workdir": "/nonexistent"}, "holds no run"),
      ({"out": "x", "workdir": "x", "batch_sizes": ["a"]}, "--batch_sizes must be integers"))
  def test_mistakes_are_named(self, values, message):
    with flagsaver.flagsaver(**values), self.assertRaisesRegex(ValueError, message):
      command.main([])
    self.assertFalse(pathlib.Path("x").exists())


if __name__ == "__main__":
  tf.test.main()
