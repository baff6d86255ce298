"""A compact HGN's signatures through the session loader, also with states refined from all frames."""

import dataclasses
import pathlib
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from export_support import times

from export import rollout, serving
from export.server.loader import SessionModel
from hgn_tf.models import HGN, CompactHGN, CompactHGNConfig, HGNConfig

CONFIG = CompactHGNConfig(num_frames=6, size=8, pairs=2, context=3, maps=4, encoder_hidden=(8,), units=4,
                          decoder_hidden=(8,), potential_hidden=(8,), radii=2, pixels_per_frame=16, frames_per_step=2,
                          nearest=1)


class CompactExportTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    keras.utils.set_random_seed(0)
    self.model = CompactHGN(CONFIG)
    self.frames = np.random.default_rng(0).random((3, *CONFIG.frame_shape), np.float32)

  def served(self, *names):
    """The signatures of these names, served; each that is traced takes a second."""
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    servable = rollout.servable(self.model)
    servable = dataclasses.replace(servable, signatures={name: servable.signatures[name] for name in names})
    path = serving.publish(servable, pathlib.Path(folder.name) / "compact", batch_sizes=(4,))
    served = SessionModel(path)
    self.addCleanup(served.close)
    return served

  def test_rolls_out_as_the_model_does(self):
    served = self.served("rollout", "encode", "sample")
    answer = served.run("rollout", {"frames": self.frames, **times([0.1, 0.1, 0.1], [7, 7, 7])})
    self.assertAllClose(answer["frames"], self.model.reconstruct(self.frames, 7, 0.1), atol=1e-5)
    state = self.model.infer(self.frames)
    self.assertAllClose(answer["q"][:, 0], state.q, atol=1e-5)
    encoded = served.run("encode", {"frames": self.frames})
    self.assertAllClose(encoded["mean"], self.model.encode(self.frames).mean(), atol=1e-5)
    drawn = served.run("sample", {"seed": np.array([[0, 1], [0, 2]], np.int32), **times([0.1, 0.1], [2, 2])})
    self.assertEqual(drawn["frames"].shape, (2, 3, 8, 8, 3))

  @pytest.mark.slow
  def test_refined(self):
    functions = rollout.functions(self.model, refine=5)  # traced once: L-BFGS in every signature takes a minute
    answer = functions.rollout(tf.constant(self.frames), *map(tf.constant, times([0.125] * 3, [5] * 3).values()))
    plain = float(np.mean((self.model.reconstruct(self.frames, 5) - self.frames) ** 2))
    self.assertLess(float(np.mean((answer["frames"] - self.frames) ** 2)), plain)

  def test_only_a_compact_one_refines(self):
    with self.assertRaisesRegex(ValueError, "refine must be 0 for a HGN"):
      rollout.servable(HGN(HGNConfig(size=8, num_frames=2, frames_per_step=None)), refine=3)


if __name__ == "__main__":
  tf.test.main()
