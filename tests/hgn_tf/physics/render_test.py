"""What is drawn, and where."""

import colorsys

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics
from hgn_tf.physics.render import BACKGROUND, SHARPNESS


def _slowly(system, q, size, colors):
  """Every pixel of one frame by the formula, in float64: [size, size, 3]."""
  pixel = (np.arange(size) + 0.5) * 2.0 * system.canvas / size - system.canvas
  x, y = np.meshgrid(pixel, -pixel)
  image = np.broadcast_to(np.array(BACKGROUND, np.float64), (size, size, 3))
  for (ball_x, ball_y), color in zip(system.positions(q), colors, strict=True):
    for shift_x, shift_y in system.shifts:
      inside = system.ball_radius - np.hypot(x - ball_x - shift_x, y - ball_y - shift_y)
      mask = 1.0 / (1.0 + np.exp(np.minimum(-SHARPNESS * inside / (2.0 * system.canvas), 700.0)))[..., None]
      image = image + (np.array(color, np.float64) - image) * mask
  return image


def _hues(bodies):
  return [[round(255 * c) for c in colorsys.hsv_to_rgb(i / bodies, 1.0, 1.0)] for i in range(bodies)]


class RenderTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(name=tuple(n for n, s in physics.SYSTEMS.items() if s.pattern is None), size=(32, 64, 128))
  def test_every_pixel_follows_the_formula(self, name, size):
    system = physics.get_system(name)
    q, _ = system.sample_initial(np.random.default_rng(0), 3)
    frames = physics.render(system, q, size)
    self.assertEqual(frames.dtype, np.uint8)
    for i in range(3):
      self.assertAllClose(frames[i], _slowly(system, q[i], size, _hues(system.bodies)), atol=1.3)

  @parameterized.parameters(*physics.PAPER, "double_pendulum", "charged_particle", "henon_heiles")
  def test_centre_of_the_ball_is_the_projected_position(self, name):
    system = physics.get_system(name)
    examples = physics.make_examples(physics.Spec(system=system), "train", range(8))
    if system.bodies > 1:
      colors = np.full((system.bodies, 3), BACKGROUND, np.uint8)
      colors[0] = 255
      frames = physics.render(system, examples["q"], 64, colors[::-1])  # the visible ball on top
      expected = system.positions(examples["q"])[..., -1, :]
    else:
      frames, expected = examples["frames"], system.positions(examples["q"])[..., 0, :]
    weight = np.abs(frames[..., 0].astype(np.float64) - BACKGROUND[0])
    pixel = np.arange(64) + 0.5
    column = (weight.sum(axis=-2) * pixel).sum(axis=-1) / weight.sum(axis=(-2, -1))
    row = (weight.sum(axis=-1) * pixel).sum(axis=-1) / weight.sum(axis=(-2, -1))
    scale = 64 / (2.0 * system.canvas)
    self.assertAllClose(column, (expected[..., 0] + system.canvas) * scale, atol=0.1)
    self.assertAllClose(row, (system.canvas - expected[..., 1]) * scale, atol=0.1)

  @parameterized.parameters("matching_pennies", "rock_paper_scissors")
  def test_tiles_are_the_joint_strategy(self, name):
    system = physics.get_system(name)
    q, p = system.sample_initial(np.random.default_rng(0), 3)
    frames = physics.render(system, q, 24, p=p)
    x, y = system.strategies(q, p)
    block = 24 // system.actions
    for i in range(system.actions):
      for j in range(system.actions):
        tile = frames[:, i * block : (i + 1) * block, j * block : (j + 1) * block]
        expected = np.round(255 * x[:, i] * y[:, j])
        self.assertAllEqual(tile, np.broadcast_to(expected[:, None, None, None], tile.shape))
    tinted = physics.render(system, q, 24, [[255, 0, 51]], p)
    self.assertAllEqual(tinted[..., 0], frames[..., 0])
    self.assertAllClose(tinted[..., 2], frames[..., 2] / 5.0, atol=0.61)
    self.assertAllEqual(tinted[..., 1], np.zeros((3, 24, 24)))

  def test_what_leaves_a_periodic_box_comes_in_on_the_other_side(self):
    system = physics.get_system("lennard_jones")
    q = np.array([[0.5 * system.box, 0.0, 1.0, 1.0, -1.0, -1.0, 2.0, -2.0]])
    moved = q + system.box * np.array([1, 0, 0, -1, 2, 0, 0, 0])
    frames = physics.render(system, np.concatenate([q, moved]), 64)
    self.assertAllEqual(frames[0], frames[1])
    self.assertAllClose(frames[0, 31:33, 0], frames[0, 31:33, -1], atol=1)
    self.assertGreater(frames[0, 32, 0, 0], 200)

  def test_pendulum_hangs_down_and_swings_to_the_right(self):
    down, right = physics.render(physics.get_system("pendulum"), np.array([[0.0], [np.pi / 2]]), 64)
    self.assertAllClose(down[32 + 21, 32], [255, 0, 0], atol=2)
    self.assertAllClose(right[32, 32 + 21], [255, 0, 0], atol=2)

  def test_a_ball_off_the_canvas_is_clipped(self):
    system = physics.MassSpring()
    half, gone = physics.render(system, np.array([[1.5], [3.0]]), 64)
    self.assertAllClose(half, _slowly(system, np.array([1.5]), 64, _hues(1)), atol=1.1)
    self.assertAllEqual(gone, np.broadcast_to(np.array(BACKGROUND, np.uint8), (64, 64, 3)))

  def test_area_is_proportional_to_mass(self):
    areas = [np.sum(physics.render(physics.MassSpring(mass=mass), np.zeros((1, 1)), 128)[..., 0] > 168)
             for mass in (0.5, 1.0)]
    self.assertAllClose(areas[1] / areas[0], 2.0, atol=0.1)

  def test_constants_and_colors_per_trajectory(self):
    system = physics.MassSpring(mass=np.array([0.5, 1.0]))
    q = np.zeros((2, 3, 1))
    frames = physics.render(system, q, 64, np.array([[[0, 255, 0]], [[0, 0, 255]]]))
    self.assertEqual(frames.shape, (2, 3, 64, 64, 3))
    self.assertAllClose(frames[0, 2, 32, 32], [0, 255, 0], atol=2)
    self.assertAllClose(frames[1, 0, 32, 32], [0, 0, 255], atol=2)
    one = physics.render(physics.MassSpring(mass=1.0), q[1], 64, [[0, 0, 255]])
    self.assertAllEqual(frames[1], one)

  def test_bad_arguments_are_named(self):
    with self.assertRaisesRegex(ValueError, r"shape \[..., 4\], got \(2, 3\)"):
      physics.render(physics.get_system("two_body"), np.zeros((2, 3)), 64)
    with self.assertRaisesRegex(ValueError, "size must be positive, got 0"):
      physics.render(physics.get_system("pendulum"), np.zeros((2, 1)), 0)
