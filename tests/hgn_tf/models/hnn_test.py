"""HNN: exact gradients, learned energies, rollouts, friction, and what it refuses."""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models.hnn import HNN, BaselineMLP, HNNConfig, make
from hgn_tf.physics import MassSpring, NBody, Pendulum, simulate


class Quadratic(HNN):
  """An HNN whose energy is x' A x / 2, known in closed form."""

  def __init__(self, matrix, **changes):
    super().__init__(HNNConfig(**changes))
    self.matrix = tf.constant(matrix, tf.float32)
    self.build((None, len(matrix)))

  @property
  def hamiltonian(self):
    return lambda state: 0.5 * tf.einsum("bi,ij,bj->b", state.merge(), self.matrix, state.merge())


def fitted(x, dx, steps=1000, **changes):
  """An HNN fitted to all pairs, with a learning rate that falls to zero."""
  keras.utils.set_random_seed(0)
  model = make(HNNConfig(weight_decay=0.0, hidden=(64, 64), **changes))
  rate = keras.optimizers.schedules.CosineDecay(1e-2, steps)
  model.compile(optimizer=keras.optimizers.Adam(rate), steps_per_execution=steps)
  pairs = tf.data.Dataset.from_tensors((tf.constant(x, tf.float32), tf.constant(dx, tf.float32))).repeat()
  model.fit(pairs, steps_per_epoch=steps, shuffle=False, verbose=0)
  return model


def pairs(system, n, extent, seed=0):
  """n noiseless states in the square [-extent, extent]^2 and their derivatives."""
  q, p = np.random.default_rng(seed).uniform(-extent, extent, (2, n, 1))
  return np.concatenate([q, p], 1), np.concatenate(system.vector_field(q, p), 1)


class FieldTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4))
    self.matrix = root @ root.T
    self.x = rng.normal(size=(8, 4)).astype(np.float32)
    self.gradient = self.x @ self.matrix

  def test_quadratic_energy_gives_the_exact_symplectic_gradient(self):
    dq, dp = self.gradient[:, 2:], -self.gradient[:, :2]
    self.assertAllClose(Quadratic(self.matrix).time_derivative(self.x), np.concatenate([dq, dp], 1), 1e-5, 1e-5)

  def test_friction_takes_gamma_dh_dp_from_the_momenta(self):
    model = Quadratic(self.matrix, damping=True)
    friction = float(model.friction)
    self.assertGreater(friction, 0.0)
    dq, dp = self.gradient[:, 2:], -self.gradient[:, :2] - friction * self.gradient[:, 2:]
    self.assertAllClose(model.time_derivative(self.x), np.concatenate([dq, dp], 1), 1e-5, 1e-5)

  def test_both_is_the_sum_of_a_gradient_and_a_symplectic_gradient(self):
    model = HNN(HNNConfig(field="both"))
    model.build((None, 4))
    x = tf.constant(self.x)
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(x)
      scalars = tf.unstack(model.net(x), axis=1)
    downhill, energy = (tape.gradient(scalar, x) for scalar in scalars)
    expected = downhill + tf.concat([energy[:, 2:], -energy[:, :2]], 1)
    self.assertAllClose(model.time_derivative(x), expected, 1e-5, 1e-6)

  def test_conservative_field_has_no_curl_and_no_energy(self):
    model = HNN(HNNConfig(field="conservative"))
    x = tf.constant(self.x)
    with tf.GradientTape() as tape:
      tape.watch(x)
      dx = model(x)
    jacobian = tape.batch_jacobian(dx, x)
    self.assertAllClose(jacobian, tf.transpose(jacobian, [0, 2, 1]), 1e-4, 1e-5)
    with self.assertRaisesRegex(ValueError, "has no energy"):
      model.energy(x)

  def test_hamiltonian_field_has_no_divergence(self):
    model = HNN()
    x = tf.constant(self.x)
    with tf.GradientTape() as tape:
      tape.watch(x)
      dx = model(x)
    self.assertAllClose(tf.linalg.trace(tape.batch_jacobian(dx, x)), np.zeros(8), atol=1e-5)
    self.assertGreater(float(tf.reduce_max(tf.abs(dx))), 1e-3)

  def test_energy_keeps_leading_axes_and_is_conserved_along_its_own_field(self):
    model = HNN()
    states = model.rollout(self.x, 50, 0.05)
    energy = model.energy(states)
    self.assertEqual(energy.shape, (8, 51))
    self.assertAllClose(energy, np.repeat(energy[:, :1], 51, 1), atol=1e-4)
    self.assertAllClose(model.energy(states.merge()), energy)

  def test_weight_decay_is_half_the_squared_weights(self):
    model = BaselineMLP(HNNConfig(model="baseline", weight_decay=1e-2))
    model.build((None, 4))
    expected = 0.5e-2 * sum(float(tf.reduce_sum(w.value ** 2)) for w in model.trainable_variables)
    self.assertAllClose(tf.add_n(model.losses), expected, 1e-5)

  @parameterized.parameters(dict(model="separable", damping=True), dict(model="bodies", body_dimension=1))
  def test_a_saved_model_is_the_same_model(self, **fields):
    model = HNN(HNNConfig(hidden=(8,), **fields))
    expected = model.time_derivative(self.x)
    with tempfile.TemporaryDirectory() as folder:
      model.save(f"{folder}/hnn.keras")
      again = keras.saving.load_model(f"{folder}/hnn.keras")
    self.assertAllClose(again.time_derivative(self.x), expected)


class FitTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters("hnn", "separable")
  def test_noiseless_mass_spring_recovers_the_energy_up_to_a_constant(self, model):
    system = MassSpring()
    model = fitted(*pairs(system, 200, 1.2), model=model)
    test, _ = pairs(system, 100, 1.0, seed=1)
    error = model.energy(test) - system.hamiltonian(test[:, :1], test[:, 1:])
    self.assertLess(np.max(np.abs(error - np.mean(error))), 1e-2)

  def test_bodies_recover_their_mass_and_the_law_of_gravity(self):
    bodies, rng = NBody(bodies=2, mass=2.0), np.random.default_rng(0)
    angle, apart = rng.uniform(0.0, 2.0 * np.pi, (400, 1)), rng.uniform(0.3, 3.0, (400, 1))
    first, p = rng.normal(size=(400, 2)), rng.normal(size=(400, 4))
    q = np.concatenate([first, first + apart * np.concatenate([np.cos(angle), np.sin(angle)], 1)], 1)
    x, dx = np.concatenate([q, p], 1), np.concatenate(bodies.vector_field(q, p), 1)
    model = fitted(x, dx, model="bodies")
    self.assertAllClose(model.inverse_mass, 0.5, atol=5e-3)
    error = model.energy(x) - bodies.hamiltonian(q, p)
    self.assertLess(np.max(np.abs(error - np.mean(error))), 0.05)
    three = NBody(bodies=3, mass=2.0)
    q, p = three.place(rng, rng.uniform(0.5, 1.0, 50), np.zeros(50))  # of any number of bodies
    error = model.energy(np.concatenate([q, p], 1)) - three.hamiltonian(q, p)
    self.assertLess(np.max(np.abs(error - np.mean(error))), 0.15)

  def test_baseline_fits_the_derivatives(self):
    x, dx = pairs(MassSpring(), 200, 1.0)
    self.assertLess(np.mean((fitted(x, dx, model="baseline").time_derivative(x) - dx) ** 2), 1e-3)

  @parameterized.parameters(MassSpring(friction=0.3), Pendulum(friction=0.3))
  def test_a_damped_model_loses_energy_like_the_truth(self, system):
    model = fitted(*pairs(system, 300, 2.0), damping=True)
    start = np.array([[1.0, 0.0], [0.0, 1.0]])
    q, p = simulate(system, start[:, :1], start[:, 1:], 0.05, 80)
    truth = system.hamiltonian(q, p)
    states = model.rollout(start, 80, 0.05)
    self.assertLess(np.max(truth[:, -1] / truth[:, 0]), 0.4)
    self.assertAllClose(system.hamiltonian(*map(np.asarray, states)), truth, atol=0.03)
    self.assertAllClose(float(model.friction), 0.3 * system.mass, atol=0.02)  # gamma p = gamma m dH/dp

  def test_fit_takes_a_dataset_and_plain_arrays_alike(self):
    x, dx = pairs(MassSpring(), 32, 1.0)
    for data in ((x, dx), (tf.data.Dataset.from_tensors((np.float32(x), np.float32(dx))), None)):
      keras.utils.set_random_seed(0)
      model = HNN(HNNConfig(hidden=(8,)))
      model.compile()
      history = model.fit(*data, epochs=2, batch_size=32 if data[1] is not None else None, verbose=0).history["loss"]
      self.assertLess(history[1], history[0])


class RolloutTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    keras.utils.set_random_seed(0)
    self.x = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)

  @parameterized.parameters(("separable", "leapfrog"), ("separable", "ruth4"), ("bodies", "leapfrog"), ("hnn", "rk4"),
                            ("baseline", "rk4"), ("hnn", "solve_ivp"))
  def test_going_back_leads_to_the_start(self, model, method):
    model = make(HNNConfig(model=model, body_dimension=1))
    end = model.rollout(self.x, 40, 0.05, method).merge()[:, -1]
    self.assertNotAllClose(end, self.x, atol=0.05)
    self.assertAllClose(model.rollout(end, 40, -0.05, method).merge()[:, -1], self.x, atol=1e-4)

  def test_solve_ivp_and_rk4_agree(self):
    model = HNN()
    self.assertAllClose(model.rollout(self.x, 10, 0.05, "solve_ivp").merge(), model.rollout(self.x, 10, 0.05).merge(),
                        atol=1e-4)

  def test_number_of_steps_does_not_retrace(self):
    model = HNN(HNNConfig(hidden=(8,)))
    state = PhaseSpace.split(tf.constant(self.x))
    for num_steps in (3, 5, 9):
      self.assertEqual(model.rollout(state, num_steps, 0.1).q.shape, (4, num_steps + 1, 2))
    self.assertEqual(model._integrate.experimental_get_tracing_count(), 1)

  def test_a_diverging_rollout_ends_where_it_is_finite_and_says_when(self):

    class Unstable(HNN):
      hamiltonian = Separable(lambda p: tf.reduce_sum(p ** 4, 1), lambda q: -tf.reduce_sum(q ** 4, 1))

    model = Unstable(HNNConfig(model="separable"))
    start = np.array([[0.0, 0.0], [2.0, 2.0]])
    with self.assertWarnsRegex(RuntimeWarning, r"example 1 is not finite at step \d+ \(t = "):
      states = model.rollout(start, 50, 0.5)
    self.assertBetween(states.q.shape[1], 2, 50)
    self.assertTrue(np.isfinite(states.merge()).all())


class BadInputTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      (np.ones((5, 3)), np.ones((5, 3)), r"\[batch, 2d\].*\(5, 3\)"),
      (np.ones((5, 2)), np.ones((5, 4)), r"shape of x, \(5, 2\), got \(5, 4\)"),
      (np.ones((5, 2)), np.ones((4, 2)), r"shape of x, \(5, 2\), got \(4, 2\)"),
      (np.full((5, 2), np.nan), np.ones((5, 2)), "x must be finite.*5 of 5 rows"),
      (np.ones((5, 2)), np.full((5, 2), np.inf), "dx/dt must be finite"),
  )
  def test_fit_refuses(self, x, dx, message):
    model = HNN()
    model.compile()
    with self.assertRaisesRegex(ValueError, message):
      model.fit(x, dx)

  def test_fit_refuses_a_dataset_of_other_shapes(self):
    model = HNN()
    model.compile()
    with self.assertRaisesRegex(ValueError, "dx/dt must have the shape of x"):
      model.fit(tf.data.Dataset.from_tensors((np.ones((5, 2)), np.ones((5, 4)))))

  def test_rollout_refuses(self):
    with self.assertRaisesRegex(ValueError, r"\[batch, 2d\]"):
      HNN().rollout(np.ones((1, 3)), 2, 0.1)
    with self.assertRaisesRegex(ValueError, "x must be finite"):
      HNN().rollout(np.full((1, 2), np.nan), 2, 0.1)
    with self.assertRaisesRegex(ValueError, "needs a separable hamiltonian"):
      HNN().rollout(np.ones((1, 2)), 2, 0.1, "leapfrog")
    with self.assertRaisesRegex(ValueError, "needs a separable hamiltonian"):
      HNN(HNNConfig(model="separable", damping=True)).rollout(np.ones((1, 2)), 2, 0.1, "leapfrog")

  @parameterized.parameters(
      (dict(num_steps=-1), "num_steps must be an integer of at least 0, got -1"),
      (dict(num_steps=2.5), "num_steps must be an integer of at least 0, got 2.5"),
      (dict(dt=np.nan), "dt must be finite"),
      (dict(dt=[[0.1]]), r"dt must be finite, a number or of shape \[batch\]"),
      (dict(method="verlet"), "Unknown integrator method='verlet'; known: "),
      (dict(method="rk4", rtol=1e-3), "Unknown options of method='rk4': rtol; known: none"),
      (dict(method="solve_ivp", tol=1e-3), "Unknown options of method='solve_ivp': tol; known: atol, rtol, solver"),
      (dict(method="solve_ivp", num_steps=-1), "num_steps must be an integer of at least 0, got -1"),
      (dict(method="leapfrog"), "method='leapfrog' needs a separable hamiltonian"))
  def test_rollout_names_what_is_wrong_first(self, given, message):
    with self.assertRaisesRegex(ValueError, f"^{message}"):
      HNN(HNNConfig(hidden=(4,))).rollout(np.ones((1, 2)), **{"num_steps": 2, "dt": 0.1, **given})

  @parameterized.product(method=["rk4", "leapfrog", "solve_ivp"], given=[(0, 0.1), (3, 0.0)])
  def test_a_rollout_of_no_time_stays(self, method, given):
    x = np.ones((2, 2), np.float32)
    states = HNN(HNNConfig(model="separable", hidden=(4,))).rollout(x, *given, method)
    self.assertAllEqual(states.merge(), np.repeat(x[:, None], given[0] + 1, axis=1))

  @parameterized.parameters("rk4", "leapfrog", "solve_ivp")
  def test_a_rollout_of_nothing_is_empty(self, method):
    states = HNN(HNNConfig(model="separable", hidden=(4,))).rollout(np.ones((0, 2)), 3, 0.1, method)
    self.assertEqual(states.q.shape, (0, 4, 1))

  @parameterized.parameters((3, 6, "q must hold two or more bodies of body_dimension=3, got 3 coordinates"),
                            (2, 10, "q must hold two or more bodies of body_dimension=2, got 5 coordinates"))
  def test_bodies_refuse_states_of_other_widths(self, body_dimension, width, message):
    with self.assertRaisesRegex(ValueError, message):
      HNN(HNNConfig(model="bodies", body_dimension=body_dimension)).time_derivative(np.ones((1, width)))

  def test_bodies_refuse_another_width_after_the_first_call_too(self):
    model = HNN(HNNConfig(model="bodies"))
    model.time_derivative(np.random.default_rng(0).normal(size=(1, 8)))
    with self.assertRaisesRegex(ValueError, "q must hold two or more bodies of body_dimension=2, got 2 coordinates"):
      model.energy(np.ones((1, 4)))

  @parameterized.parameters(
      (dict(model="gan"), "model must be one of hnn, separable"),
      (dict(learning_rate_decay="linear"), "learning_rate_decay must be one of constant, cosine, got 'linear'"),
      (dict(body_dimension=0), "body_dimension must be at least 1, got 0"),
      (dict(field="magnetic"), "field must be one of"),
      (dict(model="separable", field="both"), "needs model='hnn'"),
      (dict(model="baseline", damping=True), "damping needs Hamilton's equations"))
  def test_config_refuses(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      HNNConfig(**fields)

  def test_hnn_refuses_a_baseline_config(self):
    with self.assertRaisesRegex(ValueError, "that is a BaselineMLP"):
      HNN(HNNConfig(model="baseline"))


if __name__ == "__main__":
  tf.test.main()
