"""Every HGN signature behind the session loader, against the Keras model and against itself in another batch."""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from export_support import CONFIG, STATE, frames, times, tiny_model

from export import rollout, serving
from export.server.loader import RequestError, SessionModel
from export.status import Status
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN, HGNConfig

MAX_STEPS = 200
ROWS = 3


def state(rows, seed=0):
  q, p = np.random.default_rng(seed).standard_normal((2, rows, *STATE), np.float32)
  return {"q": q, "p": p}


def requests(rows):
  """A good request of every signature."""
  time = times(np.linspace(-0.2, 0.3, rows), np.arange(rows) + 2)
  pixels = np.random.default_rng(1).integers(0, 256, (rows, *CONFIG.frame_shape), np.uint8)
  seed = np.stack([np.arange(rows), np.arange(rows) ** 2], 1).astype(np.int32)
  return {
      "serving_default": {"frames": frames(rows), **time},
      "rollout": {"frames": frames(rows), **time},
      "rollout_uint8": {"frames": pixels, **time},
      "sample": {"seed": seed, **time},
      "encode": {"frames": frames(rows)},
      "evolve": {**state(rows), **time},
      "decode": {"q": state(rows)["q"]},
  }


def trim(answer, row):
  """One row of an answer without the steps past its own."""
  length = int(np.sum(answer["valid"][row]))
  return {key: x[row, :length] if x.ndim > 1 and answer["valid"].ndim > 1 and key != "status" else x[row]
          for key, x in answer.items()}


class RolloutTest(parameterized.TestCase, tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.model = tiny_model()
    cls.directory = tempfile.TemporaryDirectory()
    cls.base = pathlib.Path(cls.directory.name)
    cls.path = serving.publish(rollout.servable(cls.model, max_steps=MAX_STEPS), cls.base / "tiny")
    cls.served = SessionModel(cls.path)

  @classmethod
  def tearDownClass(cls):
    cls.served.close()
    cls.directory.cleanup()
    super().tearDownClass()

  def test_signatures_have_static_shapes_and_a_free_batch(self):
    self.assertEqual(set(self.served.signatures), set(requests(1)))
    for signature in self.served.signatures.values():
      for info in (*signature.inputs.values(), *signature.outputs.values()):
        self.assertEqual(info.tensor_shape.dim[0].size, -1)
      for name, info in signature.inputs.items():
        self.assertNotIn(-1, [dim.size for dim in info.tensor_shape.dim[1:]], name)

  @pytest.mark.slow  # starts whole programs
  def test_every_signature_in_a_fresh_process_without_keras(self):
    self.check_in_a_process("fresh_process.py")

  @pytest.mark.slow  # starts whole programs
  def test_every_signature_through_the_c_api(self):
    names = {name: {"inputs": {key: x.name for key, x in signature.inputs.items()},
                    "outputs": {key: x.name for key, x in signature.outputs.items()}}
             for name, signature in self.served.signatures.items()}
    self.check_in_a_process("c_api.py", json.dumps(names))

  @pytest.mark.slow  # starts whole programs
  def test_compiled_by_xla_every_signature_gives_the_same(self):
    compiled = serving.publish(rollout.servable(self.model, max_steps=MAX_STEPS, xla=True), self.base / "xla")
    self.check_in_a_process("fresh_process.py", path=compiled)

  def check_in_a_process(self, script, *arguments, path=None):
    arrays = {f"{name}/{key}": x for name, inputs in requests(ROWS).items() for key, x in inputs.items()}
    files = [str(self.base / name) for name in ("requests.npz", "answers.npz")]
    np.savez(files[0], **arrays)
    command = [sys.executable, pathlib.Path(__file__).with_name(script), path or self.path, *arguments, *files]
    subprocess.run(command, check=True, cwd=self.directory.name)
    answers = np.load(files[1])
    for name, inputs in requests(ROWS).items():
      for key, expected in self.served.run(name, inputs).items():
        self.assert_same(answers[f"{name}/{key}"], expected, f"{name}/{key}")

  def assert_same(self, actual, expected, message):
    step = 1 if expected.dtype == np.uint8 else 1e-5  # a byte may be rounded either way
    self.assertAllClose(actual, expected, atol=step, rtol=1e-5, msg=message)

  def test_rollout_is_the_keras_model(self):
    x, dt, steps = frames(ROWS), 0.125, 7
    answer = self.served.run("rollout", {"frames": x, **times([dt] * ROWS, [steps] * ROWS)})
    initial = self.model.initial_state(self.model.encode(x).mean())
    path = self.model.rollout(initial, steps, dt)
    self.assertAllClose(answer["frames"], self.model.reconstruct(x, steps, dt), atol=1e-5, rtol=0)
    self.assertAllClose(answer["q"], path.q, atol=1e-5, rtol=0)
    self.assertAllClose(answer["energy"], self.model.energy(path), atol=1e-5, rtol=1e-5)
    self.assertAllEqual(answer["valid"], np.ones((ROWS, steps + 1), bool))
    self.assertAllClose(answer["t"], np.tile(dt * np.arange(steps + 1), (ROWS, 1)))
    self.assertAllEqual(answer["status"], [0] * ROWS)

  def test_encode_evolve_decode_are_the_keras_model(self):
    x = frames(ROWS)
    encoded = self.served.run("encode", {"frames": x})
    posterior = self.model.encode(x)
    self.assertAllClose(encoded["mean"], posterior.mean(), atol=1e-5)
    self.assertAllClose(encoded["stddev"], posterior.stddev(), atol=1e-5)
    evolved = self.served.run("evolve", {"q": encoded["q"], "p": encoded["p"], **times([0.1] * ROWS, [4] * ROWS)})
    path = self.model.rollout(PhaseSpace(encoded["q"], encoded["p"]), 4, 0.1)
    self.assertAllClose(evolved["p"], path.p, atol=1e-5)
    decoded = self.served.run("decode", {"q": evolved["q"][:, -1]})
    self.assertAllClose(decoded["frames"], self.model.decode(path.q[:, -1]), atol=1e-5)
    self.assertAllEqual(decoded["valid"], [True] * ROWS)

  def test_bytes_give_the_rounded_frames(self):
    inputs = requests(ROWS)["rollout_uint8"]
    answer = self.served.run("rollout_uint8", inputs)
    floats = self.served.run("rollout", {**inputs, "frames": np.float32(inputs["frames"] / 255.0)})
    self.assertEqual(answer["frames"].dtype, np.uint8)
    self.assertAllClose(answer["frames"], np.round(floats["frames"] * 255.0), atol=1)

  @parameterized.parameters(*requests(1))
  def test_a_row_alone_is_the_row_in_a_batch(self, name):
    inputs = requests(ROWS)[name]
    together = self.served.run(name, inputs)
    for row in range(ROWS):
      alone = self.served.run(name, {key: x[row:row + 1] for key, x in inputs.items()})
      for key, expected in trim(together, row).items():
        self.assert_same(trim(alone, 0)[key], expected, f"{name}/{key}, row {row}")

  def test_merged_requests_are_answered_as_apart(self):
    parts = [{"frames": frames(n, seed=n), **times([dt] * n, [steps] * n)}
             for n, dt, steps in ((1, 0.125, 3), (2, -0.25, 9), (1, 0.5, 0))]
    merged = self.served.run("rollout", {key: np.concatenate([part[key] for part in parts]) for key in parts[0]})
    first = 0
    for part in parts:
      apart = self.served.run("rollout", part)
      for row in range(len(part["dt"])):
        for key, expected in trim(apart, row).items():
          self.assert_same(trim(merged, first + row)[key], expected, key)
      first += len(part["dt"])

  def test_rows_rest_after_their_own_last_step(self):
    answer = self.served.run("rollout", {"frames": frames(2), **times([0.125, 0.125], [1, 6])})
    self.assertAllEqual(answer["valid"][0], [True] * 2 + [False] * 5)
    for key in ("frames", "q", "energy", "t"):
      self.assertAllEqual(answer[key][0, 2:], np.repeat(answer[key][0, 1:2], 5, axis=0))

  def test_backward_undoes_forward(self):
    start, steps = state(ROWS), [40] * ROWS
    there = self.served.run("evolve", {**start, **times([0.125] * ROWS, steps)})
    last = {key: there[key][:, -1] for key in ("q", "p")}
    back = self.served.run("evolve", {**last, **times([-0.125] * ROWS, steps)})
    self.assertAllClose(back["q"][:, -1], start["q"], atol=1e-4)
    self.assertAllClose(back["p"][:, -1], start["p"], atol=1e-4)

  def test_half_speed_passes_the_same_states(self):
    x = frames(1)
    whole = self.served.run("rollout", {"frames": x, **times([0.02], [5])})
    half = self.served.run("rollout", {"frames": x, **times([0.01], [10])})
    self.assertAllClose(half["t"][:, ::2], whole["t"])
    self.assertAllClose(half["q"][:, ::2], whole["q"], atol=1e-3)

  def test_sample_depends_on_its_own_seed_only(self):
    seed = np.array([[1, 2], [3, 4], [1, 2]], np.int32)
    one, two = ({"seed": s, **times([0.1] * len(s), [3] * len(s))} for s in (seed, seed[1:]))
    together, fewer = self.served.run("sample", one), self.served.run("sample", two)
    self.assertAllClose(together["frames"][0], together["frames"][2], atol=1e-6)
    self.assertAllClose(together["frames"][1:], fewer["frames"], atol=1e-6)
    self.assertNotAllClose(together["frames"][0], together["frames"][1])
    self.assertAllEqual(self.served.run("sample", one)["frames"], together["frames"])

  @parameterized.named_parameters(
      ("nan", {"frames": np.nan}, Status.NOT_FINITE), ("infinite", {"frames": np.inf}, Status.NOT_FINITE),
      ("above_one", {"frames": 1.5}, Status.OUT_OF_RANGE), ("below_zero", {"frames": -0.1}, Status.OUT_OF_RANGE),
      ("negative_steps", {"num_steps": -1}, Status.NEGATIVE_STEPS),
      ("least_int", {"num_steps": -2**31}, Status.NEGATIVE_STEPS),
      ("too_many_steps", {"num_steps": MAX_STEPS + 1}, Status.TOO_MANY_STEPS),
      ("largest_int", {"num_steps": 2**31 - 1}, Status.TOO_MANY_STEPS),
      ("nan_dt", {"dt": np.nan}, Status.BAD_DT), ("infinite_dt", {"dt": -np.inf}, Status.BAD_DT))
  def test_a_bad_row_leaves_its_neighbours_alone(self, change, status):
    inputs = {"frames": frames(ROWS), **times([0.125] * ROWS, [4] * ROWS)}
    good = self.served.run("rollout", inputs)
    bad = {key: x.copy() for key, x in inputs.items()}
    for key, value in change.items():
      bad[key][(1,) + (0,) * (bad[key].ndim - 1)] = value
    answer = self.served.run("rollout", bad)
    self.assertAllEqual(answer["status"], [0, status, 0])
    self.assertAllEqual(answer["valid"][1], np.zeros(5, bool))
    for key in ("frames", "q", "energy", "t"):
      self.assertAllEqual(answer[key][1], np.zeros_like(answer[key][1]))
      self.assertAllClose(answer[key][::2], good[key][::2], atol=1e-6)

  def test_an_overflowing_row_says_so(self):
    answer = self.served.run("rollout", {"frames": frames(2), **times([1e20, 0.125], [8, 8])})
    self.assertAllEqual(answer["status"], [Status.DIVERGED, 0])
    self.assertTrue(answer["valid"][0, 0])
    self.assertFalse(answer["valid"][0, -1])
    self.assertTrue(all(np.isfinite(x).all() for x in answer.values()))

  def test_bad_states_are_answered_per_row(self):
    bad = state(2)
    bad["q"][0, 0, 0, 0] = np.nan
    self.assertAllEqual(self.served.run("decode", {"q": bad["q"]})["status"], [Status.NOT_FINITE, 0])
    evolved = self.served.run("evolve", {**bad, **times([0.1] * 2, [3] * 2)})
    self.assertAllEqual(evolved["status"], [Status.NOT_FINITE, 0])
    encoded = self.served.run("encode", {"frames": np.concatenate([frames(1), frames(1) + 1])})
    self.assertAllEqual(encoded["valid"], [True, False])

  def test_requests_that_do_not_fit_are_refused_with_a_message(self):
    inputs = requests(2)["rollout"]
    changes = (({"frames": inputs["frames"][:, 1:]}, r"frames must be float32 of shape \[N, 5, 16, 16, 3\]"),
               ({"frames": np.float64(inputs["frames"])}, "got float64 of shape"),
               ({"dt": inputs["dt"][:1]}, "one size of dimension 0"), ({"q": inputs["dt"]}, "inputs must be"))
    for change, message in changes:
      with self.assertRaisesRegex(RequestError, message):
        self.served.run("rollout", {**inputs, **change})
    with self.assertRaisesRegex(RequestError, "at least 1"):
      self.served.run("rollout", {key: x[:0] for key, x in inputs.items()})
    with self.assertRaisesRegex(RequestError, "Unknown signature_name 'nothing'; known: decode"):
      self.served.run("nothing", inputs)

  def test_the_graph_itself_refuses_wrong_shapes(self):
    session, signature = self.served._session, self.served.signatures["rollout"]
    output = lambda info: session.graph.get_tensor_by_name(info.name)._as_tf_output()  # noqa: E731
    inputs = requests(2)["rollout"]
    session._extend_graph()
    changes = (({"frames": inputs["frames"][:, 1:]}, r"frames.* \[2,4,16,16,3\] is not compatible"),
               ({"dt": inputs["dt"][:1]}, "one size of dimension 0"), ({"dt": np.float32(0)}, r"dt.* \[\] is not"))
    for change, message in changes:
      fed = {output(signature.inputs[key]): x for key, x in {**inputs, **change}.items()}
      with self.assertRaisesRegex(tf.errors.InvalidArgumentError, message):
        session._call_tf_sessionrun(None, fed, [output(signature.outputs["frames"])], [], None)

  def test_long_rollouts_are_decoded_in_chunks(self):
    steps = 3 * rollout.CHUNK
    x = frames(2)
    answer = self.served.run("rollout", {"frames": x, **times([0.01] * 2, [steps, 5])})
    self.assertAllClose(answer["frames"][:1], self.model.reconstruct(x[:1], steps, 0.01), atol=1e-5)
    self.assertEqual(int(answer["valid"].sum()), steps + 1 + 6)

  @pytest.mark.slow
  def test_bfloat16_is_near_float32(self):
    served = SessionModel(serving.publish(rollout.servable(self.model, precision="bfloat16"), self.base / "bfloat16"))
    inputs = {"frames": frames(2), **times([0.1] * 2, [3] * 2)}
    precise, coarse = (x.run("rollout", inputs)["frames"] for x in (self.served, served))
    self.assertAllClose(precise, coarse, atol=0.03)
    served.close()

  def test_bad_options_are_refused(self):
    with self.assertRaisesRegex(ValueError, "max_steps must be at least 1, got 0"):
      rollout.servable(self.model, max_steps=0)
    with self.assertRaisesRegex(ValueError, "precision must be one of float32, bfloat16, got 'int8'"):
      rollout.servable(self.model, precision="int8")


class FullSizeTest(tf.test.TestCase):

  @pytest.mark.slow
  def test_the_default_preset(self):
    model = HGN(HGNConfig())
    with tempfile.TemporaryDirectory() as directory:
      served = SessionModel(serving.publish(rollout.servable(model), pathlib.Path(directory) / "hgn"))
      shape = served.signature("rollout").inputs["frames"].tensor_shape
      self.assertEqual([dim.size for dim in shape.dim], [-1, 31, 32, 32, 3])
      x = frames(1, config=model.config)
      answer = served.run("rollout", {"frames": x, **times([-0.125], [30])})
      self.assertAllClose(answer["frames"], model.reconstruct(x, dt=-0.125), atol=1e-5, rtol=0)
      served.close()


if __name__ == "__main__":
  tf.test.main()
