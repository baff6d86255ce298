"""Density signatures behind the session loader, against the Keras model and against themselves in another batch."""

import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from export import density, serving
from export.server.loader import SessionModel
from export.status import Status
from hgn_tf.models import NHF, NHFConfig, RealNVP, RealNVPConfig
from hgn_tf.models.nhf import average_weight

ROWS, SAMPLES = 3, 16
SEED = np.array([[1, 2], [3, 4], [5, -6]], np.int32)
POINTS = np.random.default_rng(0).standard_normal((ROWS, 2)).astype(np.float32)
NAMES = [("nhf", "serving_default"), ("nhf", "log_prob"), ("nhf", "elbo"), ("nhf", "sample"),
         ("conditional", "serving_default"), ("conditional", "log_prob"), ("conditional", "elbo"),
         ("conditional", "sample"), ("joint", "serving_default"), ("joint", "log_prob"), ("joint", "sample"),
         ("real_nvp", "serving_default"), ("real_nvp", "log_prob"), ("real_nvp", "sample")]
CONTEXT = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]], np.float32)


def models():
  keras.utils.set_random_seed(0)
  flow = NHFConfig(hidden=(8, 8), encoder_hidden=(8, 8), prior="soft_uniform")
  found = {"nhf": NHF(flow), "conditional": NHF(dataclasses.replace(flow, context_size=3, encoder="mixture")),
           "joint": NHF(dataclasses.replace(flow, event_size=1, joint=True)),
           "real_nvp": RealNVP(RealNVPConfig(hidden=(8, 8)))}
  for name, model in found.items():
    model.adapt(POINTS * [2.0, 3.0] + 1.0, *([CONTEXT] if name == "conditional" else []))
  return found


def request(model, name, rows=slice(None)):
  inputs = {} if name == "sample" else {"points": POINTS[rows]}
  seeded = model in ("nhf", "conditional") or name == "sample"
  return {**inputs, **({"seed": SEED[rows]} if seeded else {}),
          **({"context": CONTEXT[rows]} if model == "conditional" else {})}


class DensityExportTest(parameterized.TestCase, tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.models = models()
    cls.directory = tempfile.TemporaryDirectory()
    cls.base = pathlib.Path(cls.directory.name)
    cls.paths = {name: serving.publish(density.servable(model, num_samples=SAMPLES),
                                       cls.base / name) for name, model in cls.models.items()}
    cls.served = {name: SessionModel(path) for name, path in cls.paths.items()}

  @classmethod
  def tearDownClass(cls):
    for model in cls.served.values():
      model.close()
    cls.directory.cleanup()
    super().tearDownClass()

  def test_signatures_are_row_wise(self):
    found = [(model, name) for model in self.served for name in self.served[model].signatures]
    self.assertCountEqual(found, NAMES)
    for model, name in found:
      signature = self.served[model].signatures[name]
      for info in (*signature.inputs.values(), *signature.outputs.values()):
        self.assertEqual(info.tensor_shape.dim[0].size, -1)

  @parameterized.parameters("nhf", "conditional", "joint", "real_nvp")
  @pytest.mark.slow  # starts whole programs; above, the mark would be lost
  def test_every_signature_in_a_fresh_process_without_keras(self, model):
    names = [name for owner, name in NAMES if owner == model]
    arrays = {f"{name}/{key}": x for name in names for key, x in request(model, name).items()}
    files = [str(self.base / f"{model}_{name}.npz") for name in ("requests", "answers")]
    np.savez(files[0], **arrays)
    script = pathlib.Path(__file__).with_name("fresh_process.py")
    subprocess.run([sys.executable, script, self.paths[model], *files], check=True, cwd=self.directory.name)
    answers = np.load(files[1])
    for name in names:
      for key, expected in self.served[model].run(name, request(model, name)).items():
        self.assertAllClose(answers[f"{name}/{key}"], expected, atol=1e-5, msg=f"{name}/{key}")

  def test_nhf_is_the_keras_model(self):
    model, served = self.models["nhf"], self.served["nhf"]
    weights = model.log_weights(POINTS, density.row_noise(SEED, [SAMPLES, 2]))
    for name, expected in (("log_prob", average_weight(weights)), ("elbo", tf.reduce_mean(weights, 1))):
      answer = served.run(name, request("nhf", name))
      self.assertAllClose(answer[name], expected, atol=1e-5, rtol=0)
      self.assertAllEqual(answer["status"], [0] * ROWS)
      self.assertAllEqual(answer["valid"], [True] * ROWS)
    start = tf.stack([model.prior.sample(seed=seed) for seed in SEED])
    self.assertAllClose(served.run("sample", {"seed": SEED})["points"], model.generate(start), atol=1e-5, rtol=0)

  def test_conditional_is_the_keras_model(self):
    model, served = self.models["conditional"], self.served["conditional"]
    weights = model.log_weights(POINTS, density.row_noise(SEED, [SAMPLES, 2]), CONTEXT)
    answer = served.run("log_prob", request("conditional", "log_prob"))
    self.assertAllClose(answer["log_prob"], average_weight(weights), atol=1e-5, rtol=0)
    start = tf.stack([model.prior.sample(seed=seed) for seed in SEED])
    answer = served.run("sample", request("conditional", "sample"))
    self.assertAllClose(answer["points"], model.generate(start, CONTEXT), atol=1e-5, rtol=0)
    bad = np.where(np.arange(3)[:, None] == 1, np.nan, CONTEXT).astype(np.float32)
    answer = served.run("sample", {"seed": SEED, "context": bad})
    self.assertAllEqual(answer["status"], [0, Status.NOT_FINITE, 0])

  def test_joint_is_the_keras_model(self):
    model, served = self.models["joint"], self.served["joint"]
    answer = served.run("log_prob", {"points": POINTS})
    self.assertAllClose(answer["log_prob"], model.log_prob(POINTS), atol=1e-5, rtol=0)
    start = tf.stack([model.prior.sample(seed=seed) for seed in SEED])
    self.assertAllClose(served.run("sample", {"seed": SEED})["points"], model.generate(start), atol=1e-5, rtol=0)

  def test_real_nvp_is_the_keras_model(self):
    model, served = self.models["real_nvp"], self.served["real_nvp"]
    answer = served.run("log_prob", {"points": POINTS})
    self.assertAllClose(answer["log_prob"], model.log_prob(POINTS), atol=1e-5, rtol=0)
    start = density.row_noise(SEED, [2])
    self.assertAllClose(served.run("sample", {"seed": SEED})["points"], model.generate(start), atol=1e-5, rtol=0)

  @parameterized.parameters(*NAMES)
  def test_a_row_alone_is_the_row_in_a_batch(self, model, name):
    together = self.served[model].run(name, request(model, name))
    for row in range(ROWS):
      alone = self.served[model].run(name, request(model, name, slice(row, row + 1)))
      for key, expected in together.items():
        self.assertAllClose(alone[key][0], expected[row], atol=1e-5, msg=f"{name}/{key}, row {row}")

  @parameterized.product(model=["nhf", "conditional", "joint", "real_nvp"], value=[np.nan, np.inf])
  def test_a_bad_row_leaves_its_neighbours_alone(self, model, value):
    inputs = request(model, "log_prob")
    good = self.served[model].run("log_prob", inputs)["log_prob"]
    inputs["points"] = inputs["points"].copy()
    inputs["points"][1, 0] = value
    answer = self.served[model].run("log_prob", inputs)
    self.assertAllEqual(answer["status"], [0, Status.NOT_FINITE, 0])
    self.assertAllEqual(answer["valid"], [True, False, True])
    self.assertAllClose(answer["log_prob"], [good[0], 0.0, good[2]], atol=1e-5)

  def test_overflow_is_a_status(self):
    answer = self.served["real_nvp"].run("log_prob", {"points": np.array([[3e38, -3e38], [0, 0]], np.float32)})
    self.assertAllEqual(answer["status"], [Status.DIVERGED, 0])
    self.assertAllEqual(answer["valid"], [False, True])

  def test_refuses(self):
    with self.assertRaisesRegex(ValueError, "num_samples must be at least 1, got 0"):
      density.servable(self.models["nhf"], num_samples=0)
    with self.assertRaisesRegex(ValueError, "model must be an NHF or a RealNVP, got Sequential"):
      density.servable(keras.Sequential())


if __name__ == "__main__":
  tf.test.main()
