"""What is explored: films with the world around them, rollouts that are pushed, exports like the models behind them."""

import dataclasses
import functools
import tempfile

import numpy as np
import pytest
import tensorflow as tf
import tiny
from absl.testing import parameterized

import hgn_tf
from export import common, rollout
from hgn_tf import models, physics
from hgn_tf.data import batches
from hgn_tf.evaluation.explorer import films, phase_plane
from hgn_tf.evaluation.explorer.rollouts import Boost, Integration, Kick, frames_of, roll_out
from hgn_tf.evaluation.explorer.subjects import Exported, Trained
from hgn_tf.mechanics.phase_space import PhaseSpace

REACH = films.REACH


@functools.cache
def pendulum():
  return Trained(hgn_tf.load_pretrained("hgn_compact_pendulum"))


@functools.cache
def grid():
  """A small HGN with a grid for a state, not trained."""
  return Trained(models.HGN(tiny.config()))


@functools.cache
def exported():
  """(the model that was exported, the export), with those signatures alone that exploring needs."""
  model = models.CompactHGN(models.CompactHGNConfig(
      num_frames=6, size=16, pairs=2, context=4, maps=4, encoder_hidden=(8,), units=6, decoder_hidden=(8,),
      potential_hidden=(8,), radii=2, frames_per_step=3, prior_rank=2, prior_components=1))
  servable, path = rollout.servable(model, max_steps=200), tempfile.mkdtemp()
  wanted = {name: servable.signatures[name] for name in ("decode", "encode", "evolve", "sample")}
  common.save(dataclasses.replace(servable, signatures=wanted), path)
  return model, Exported(path)


def film(system="pendulum", index=0):
  return films.simulated(system, index, 32)


class FilmsTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*physics.SYSTEMS)
  def test_is_the_dataset_s_film_with_the_true_world_around_it(self, system):
    spec = physics.default_spec(system)
    example = physics.make_examples(spec, "test", [3])
    shown = film(system, 3)
    self.assertAllEqual(shown.frames, batches.to_frames(example["frames"], 32)[0])
    q, p = physics.simulate(spec.system, example["q"][:, 0], example["p"][:, 0], -spec.dt, REACH)
    drawn = batches.to_frames(physics.render(spec.system, q, spec.resolution, p=p), 32)[0]
    self.assertAllClose(shown.target[:REACH + 1], drawn[::-1], atol=1e-6)
    drawn = batches.to_frames(physics.render(spec.system, example["q"], spec.resolution, p=example["p"]), 32)[0]
    self.assertAllClose(shown.target[REACH:REACH + 31], drawn, atol=0.01)
    self.assertAllEqual(shown.errors(shown.target), np.zeros(2 * REACH + 1))
    self.assertGreater(shown.trivial, 1e-4)

  def test_another_noise_seed_is_other_noise_on_the_same_motion(self):
    one, other = (films.simulated("mass_spring", 0, 32, seed) for seed in (0, 1))
    self.assertNotAllClose(one.frames, other.frames, atol=0.1)
    self.assertAllEqual(one.target, other.target)
    noise = [np.mean((x.frames - x.target[REACH:REACH + 31]) ** 2) for x in (one, other)]
    self.assertBetween(noise[0] / noise[1], 0.5, 2.0)
    self.assertAllEqual(films.simulated("two_body", 0, 32, 1).frames, film("two_body").frames)

  def test_of_a_clip_only_its_own_frames_are_known(self):
    shown = films.of_frames(film().frames[:20])
    known = np.isfinite(shown.errors(np.zeros_like(shown.target)))
    self.assertAllEqual(films.TIMES[known], np.arange(20))

  @parameterized.parameters(
      ("nosuch", 0, 0, "Unknown system 'nosuch'; known: .*mass_spring"),
      ("pendulum", -1, 0, "film must be an integer of at least 0, got -1"),
      ("pendulum", None, 0, "film must be an integer"),
      ("pendulum", 0, -2, "noise seed must be an integer"))
  def test_what_cannot_be(self, system, index, noise_seed, message):
    with self.assertRaisesRegex(ValueError, message):
      films.simulated(system, index, 32, noise_seed)


class RolloutTest(parameterized.TestCase, tf.test.TestCase):

  def test_one_line_of_states_through_the_inferred_one(self):
    subject, shown = pendulum(), film()
    model = subject._model
    start = PhaseSpace(*map(tf.constant, subject.infer(shown.frames[:16])))
    line = roll_out(subject, shown, Integration())
    self.assertAllClose(line.at(0).merge(), start.merge(), atol=1e-4)
    ahead = tf.function(lambda q, p: model.rollout(PhaseSpace(q, p), REACH))
    self.assertAllClose(line.states.q[REACH:], ahead(*start).q[0], atol=1e-2)
    back = ahead(*map(tf.constant, line.at(-REACH)))
    self.assertAllClose(back.q[0], line.states.q[:REACH + 1], atol=1e-2)
    self.assertLess(np.abs(line.energy).max(), 0.05)
    self.assertLess(np.mean(shown.errors(frames_of(subject, line))[REACH:REACH + 31]), 0.2 * shown.trivial)

  def test_euler_gains_energy_where_leapfrog_does_not(self):
    euler, leapfrog = (roll_out(pendulum(), film(), Integration(method)).energy for method in ("euler", "leapfrog"))
    self.assertGreater(euler[-1], 2.0)
    self.assertLess(np.abs(leapfrog).max(), 0.05)

  def test_steps_of_another_length_give_states_at_the_same_times(self):
    exact = roll_out(pendulum(), film(), Integration("rk4", 0.25)).states.q
    error = {step: np.abs(roll_out(pendulum(), film(), Integration("leapfrog", step)).states.q - exact)[::4].max()
             for step in (0.5, 1.0, 2.0)}
    self.assertBetween(error[1.0] / error[0.5], 3.0, 5.0)  # second order
    self.assertGreater(error[2.0], error[1.0])
    held = roll_out(pendulum(), film(), Integration("leapfrog", 4.0)).states.q
    self.assertAllEqual(held[REACH:REACH + 4], np.broadcast_to(held[REACH], (4, 1)))
    self.assertNotAllClose(held[REACH + 4], held[REACH])

  def test_a_kick_changes_momentum_now_and_what_comes_after(self):
    plain = roll_out(pendulum(), film(), Integration())
    for kick in (Kick(15, 0.5), Kick(15, -0.5), Kick(15, 0.5, direction=1)):
      kicked = roll_out(pendulum(), film(), Integration(), [kick])
      self.assertAllEqual(kicked.states.q[:REACH + 16], plain.states.q[:REACH + 16])
      self.assertAllEqual(kicked.states.p[:REACH + 15], plain.states.p[:REACH + 15])
      change = float((kicked.at(15).p - plain.at(15).p)[0, 0])
      sign = float(np.sign(plain.at(15).p)[0, 0]) if kick.direction == 0 else 1.0
      self.assertAllClose(change, kick.amount * sign * plain.scale.momentum, rtol=1e-4)
      self.assertNotAllClose(kicked.states.q[-1], plain.states.q[-1], atol=0.1)
      self.assertEqual(kicked.touched, 15)

  @parameterized.parameters(pendulum, grid)
  def test_a_boost_reaches_the_wanted_energy_and_moves_along_the_gradient(self, subject):
    subject = subject()
    seen = film() if subject.facts.size == 32 else films.of_frames(film().frames[:5, ::2, ::2])
    plain = roll_out(subject, seen, Integration())
    moving = int(np.argmax(np.sum(plain.states.p.reshape(len(films.TIMES), -1) ** 2, axis=1)[REACH:REACH + 31]))
    for amount in (0.5, -0.3):
      boosted = roll_out(subject, seen, Integration(), [Boost(moving, amount)])
      here = REACH + moving
      self.assertAllClose(boosted.energy[here] - plain.energy[here], amount, atol=2e-3)
      change = (boosted.at(moving).p - plain.at(moving).p).ravel()
      gradient = subject.velocity(plain.at(moving)).ravel()
      cosine = change @ gradient / np.linalg.norm(change) / np.linalg.norm(gradient)
      self.assertAllClose(cosine, np.sign(amount), atol=1e-3)
      self.assertAllEqual(boosted.states.q[:here + 1], plain.states.q[:here + 1])

  def test_actions_follow_each_other(self):
    line = roll_out(pendulum(), film(), Integration(), [Boost(20, 0.2), Boost(60, 0.2)])
    self.assertAllClose(line.energy[[REACH + 40, REACH + 100]], [0.2, 0.4], atol=0.05)
    self.assertEqual(line.touched, 20)

  @parameterized.parameters(
      (Boost(0, -5.0), r"can be lowered by \d+ % of the largest kinetic energy at most, got 500 %"),
      (Kick(15, 1.0, direction=2), "one of 1 components of this model's momentum, got component 2"),
      (Kick(121, 1.0), "frame must be from -120 to 120, got 121"))
  def test_what_cannot_be_done(self, action, message):
    with self.assertRaisesRegex(ValueError, message):
      roll_out(pendulum(), film(), Integration(), [action])

  def test_no_energy_without_momentum(self):
    at_rest = PhaseSpace(np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32))
    scale = roll_out(pendulum(), film(), Integration()).scale
    with self.assertRaisesRegex(ValueError, "the momentum, which is 0 at frame 7"):
      Boost(7, 0.5)(pendulum(), at_rest, scale)

  def test_what_cannot_be_rolled_out(self):
    with self.assertRaisesRegex(ValueError, "at least 16 frames for this model, got 9"):
      roll_out(pendulum(), films.of_frames(film().frames[:9]), Integration())
    with self.assertRaisesRegex(ValueError, "integrator must be one of leapfrog, euler, .*, got 'verlet'"):
      roll_out(pendulum(), film(), Integration("verlet"))
    with self.assertRaisesRegex(ValueError, "step must be above 0 and at most 120 frames, got 0"):
      Integration(step=0.0)


class PlaneTest(tf.test.TestCase):

  def test_the_path_follows_the_contours_of_one_pair(self):
    line = roll_out(pendulum(), film(), Integration("rk4", 0.25))
    plane = phase_plane.plane(pendulum(), line)
    path = plane.project(line.states)
    self.assertAllEqual(path, np.concatenate(line.states, axis=1))
    nearest = [np.abs(axis[None] - x[:, None]).argmin(axis=1) for axis, x in zip(plane.axes, path.T, strict=True)]
    along = plane.energy[nearest[1], nearest[0]]
    self.assertLess(along.std(), 0.1 * plane.energy.std())

  def test_a_path_that_flies_away_is_cut(self):
    plane = phase_plane.plane(pendulum(), roll_out(pendulum(), film(), Integration("euler")))
    calm = phase_plane.plane(pendulum(), roll_out(pendulum(), film(), Integration()))
    self.assertLess(np.ptp(plane.axes[1]), 20 * np.ptp(calm.axes[1]))
    self.assertTrue(np.isfinite(plane.energy).all())

  def test_a_grid_has_leading_directions_and_no_energy(self):
    seen = films.of_frames(film().frames[:5, ::2, ::2])
    line = roll_out(grid(), seen, Integration())
    plane = phase_plane.plane(grid(), line)
    self.assertIsNone(plane.energy)
    self.assertEqual(plane.project(line.states).shape, (2 * REACH + 1, 2))

  def test_no_such_pair(self):
    with self.assertRaisesRegex(ValueError, "pair must be from 1 to 1 for this model, got 2"):
      phase_plane.plane(pendulum(), roll_out(pendulum(), film(), Integration()), pair=2)


class SubjectsTest(tf.test.TestCase):

  @pytest.mark.slow
  def test_an_export_is_explored_as_the_model_is(self):
    model, other = exported()
    one = Trained(model)
    self.assertEqual(other.facts, one.facts._replace(seen=6, methods=("leapfrog",)))
    frames = film().frames[:6, ::2, ::2]
    start = one.infer(frames[:4])
    self.assertAllClose(other.infer(frames), start, atol=1e-5)
    two = PhaseSpace(*(np.concatenate([x, 0.5 * x]) for x in start))
    path, same = (subject.rollout(two, 7, np.array([0.1, -0.1]), "leapfrog") for subject in (one, other))
    self.assertAllClose(path, same, atol=1e-5)
    self.assertAllClose(one.energy(two), other.energy(two), atol=1e-5)
    self.assertAllClose(one.velocity(two), other.velocity(two), atol=1e-3)
    self.assertAllClose(one.decode(two.q), other.decode(two.q), atol=1e-5)
    self.assertEqual(other.sample(3).shape, one.sample(3).shape)
    self.assertNotAllClose(other.sample(3), other.sample(4))
    line = roll_out(other, films.of_frames(frames), Integration(), [Kick(3, 0.5), Boost(9, 0.2)])
    self.assertTrue(np.isfinite(line.energy).all())

  def test_what_an_export_cannot(self):
    _, subject = exported()
    with self.assertRaisesRegex(ValueError, "integrator must be one of leapfrog for this model, got 'euler'"):
      roll_out(subject, films.of_frames(film().frames[:6, ::2, ::2]), Integration("euler"))
    with self.assertRaisesRegex(ValueError, "max_steps=200 takes no 480 steps"):
      roll_out(subject, films.of_frames(film().frames[:6, ::2, ::2]), Integration(step=0.25))

  def test_what_is_no_export_of_an_hgn(self):
    empty = tempfile.mkdtemp()
    with self.assertRaisesRegex(ValueError, "must be a SavedModel that hgn-export wrote; it cannot be loaded"):
      Exported(empty)
    decode = common.Signature(lambda q: {"frames": q}, {"q": tf.TensorSpec([None, 2])})
    common.save(common.Servable({"decode": decode}, [tf.Variable(0.0)], {}), empty)
    with self.assertRaisesRegex(ValueError, "lacks encode, evolve, sample"):
      Exported(empty)

  def test_what_is_no_hgn(self):
    with self.assertRaisesRegex(ValueError, "model must be an HGN, got NHF"):
      Trained(hgn_tf.load_pretrained("nhf_two_moons"))
