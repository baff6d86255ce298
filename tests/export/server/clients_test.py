"""The example clients as their users start them: real processes, a running server, GIFs."""

import pathlib
import subprocess
import sys
import tempfile

import imageio.v3 as imageio
import numpy as np
import pytest
import tensorflow as tf
from export_support import CONFIG, tiny_model
from server_support import Server

from export import configs, rollout, serving
from export.server.loader import SessionModel

pytestmark = pytest.mark.slow  # starts whole programs

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"
ROWS, STEPS = 2, 7


def setUpModule():  # noqa: N802
  global directory, out, server, path
  directory = tempfile.TemporaryDirectory()
  out = pathlib.Path(directory.name)
  path = serving.publish(rollout.servable(tiny_model(), max_steps=STEPS), out / "models" / "tiny", batch_sizes=(1, 4))
  configs.write_configs(out / "models")
  server = Server(out / "models").wait("tiny")
  pixels = np.random.default_rng(0).integers(0, 256, (ROWS, *CONFIG.frame_shape), np.uint8)
  np.savez(out / "sequence.npz", frames=pixels)


def tearDownModule():  # noqa: N802
  server.close()
  directory.cleanup()


def run(script, *flags):
  """A finished process."""
  return subprocess.run([sys.executable, EXAMPLES / script, f"--frames={out / 'sequence.npz'}", *flags],
                        capture_output=True, text=True, timeout=300, check=False)


def ask(kind, **flags):
  """A finished client, "rest" or "grpc"."""
  flags = {"address": server.rest if kind == "rest" else server.rpc, "model": "tiny", "num_steps": STEPS,
           "out": out / f"{kind}.gif", **flags}
  return run(f"client_{kind}.py", *(f"--{key}={value}" for key, value in flags.items()))


class ClientsTest(tf.test.TestCase):

  def test_both_write_the_same_film_of_the_future_and_the_past(self):
    films = []
    for kind in ("rest", "grpc"):
      done = ask(kind)
      self.assertEqual(done.returncode, 0, done.stderr)
      self.assertIn(f"Sent {ROWS} sequences, got {STEPS + 1} frames into the future and the past", done.stdout)
      films.append(imageio.imread(out / f"{kind}.gif", index=None))
    size = 4 * CONFIG.size
    self.assertEqual(films[0].shape[:3], (STEPS + 1, ROWS * size, 3 * size))
    self.assertAllEqual(films[0], films[1])
    future, past = (films[0][0, :, column * size:(column + 1) * size] for column in (1, 2))
    self.assertAllEqual(future, past)  # both begin where the sequence does

  def test_mistakes_end_with_a_line_that_says_what(self):
    for kind, flags, message in (
        ("rest", {"model": "other"}, "HTTP 404.*other"), ("rest", {"num_steps": STEPS + 1}, "status"),
        ("rest", {"address": "127.0.0.1:1"}, "no answer from"), ("grpc", {"label": "nobody"}, "NOT_FOUND.*nobody")):
      done = ask(kind, **flags)
      self.assertEqual(done.returncode, 1, flags)
      self.assertRegex(done.stderr, f"error: .*{message}")
      self.assertNotIn("Traceback", done.stderr)

  def test_the_script_without_a_server_gives_the_same_frames(self):
    done = run("rollout_savedmodel.py", f"--model={path}", f"--out={out / 'rollouts.npz'}")
    self.assertEqual(done.returncode, 0, done.stderr)
    found = np.load(out / "rollouts.npz")
    rows = found["frames"]
    inputs = {"frames": rows, "dt": np.full(ROWS, -0.125, np.float32), "num_steps": np.full(ROWS, 4, np.int32)}
    model = SessionModel(path)
    self.assertAllClose(found["backward_frames"], model.run("rollout", inputs)["frames"], atol=1e-6)
    model.close()


if __name__ == "__main__":
  tf.test.main()
