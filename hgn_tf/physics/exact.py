"""Exact solutions: the oscillator, the pendulum by elliptic functions, two bodies by Kepler's equation, a charge.

Every function takes initial states [n, d], times [steps] or [n, steps] and constants that are numbers or [n, 1], and
returns q, p of shape [n, steps, d].
"""

import numpy as np
from scipy import special

_KEPLER_ITERATIONS = 16


def mass_spring(stiffness, mass, q, p, times):
  """q(t) = q0 cos(w t) + p0 / (m w) sin(w t), w^2 = k / m."""
  frequency = np.sqrt(stiffness / mass)
  phase = frequency * times
  cos, sin = np.cos(phase), np.sin(phase)
  q, p, impedance = np.broadcast_arrays(q, p, mass * frequency)
  return (q * cos + p / impedance * sin)[..., None], (p * cos - q * impedance * sin)[..., None]


def pendulum(weight, inertia, q, p, times):
  """Motion under H = weight (1 - cos q) + p^2 / (2 inertia), by Jacobi's elliptic functions.

  With w^2 = weight / inertia and k^2 = sin^2(q / 2) + (q' / 2 w)^2: a swing (k < 1) is sin(q / 2) = k sn(w t + u, k^2),
  a full turn (k >= 1) is q / 2 = am(k w t + u, 1 / k^2). The start's own number of turns is kept.
  """
  frequency = np.sqrt(weight / inertia)
  turns = 2.0 * np.pi * np.round(q / (2.0 * np.pi))
  sine, rate = np.sin(0.5 * (q - turns)), p / (2.0 * inertia * frequency)
  modulus = sine**2 + rate**2
  swings = modulus < 1.0
  swing_q, swing_rate = _swing(modulus, sine, rate, frequency * times)
  turn_q, turn_rate = _turn(modulus, 0.5 * (q - turns), rate, frequency * times)
  angle = np.where(swings, swing_q, turn_q) + turns
  return angle[..., None], (2.0 * inertia * frequency * np.where(swings, swing_rate, turn_rate))[..., None]


def _swing(modulus, sine, rate, time):
  modulus = np.minimum(modulus, 1.0)
  start = special.ellipkinc(np.arctan2(sine, rate), modulus)
  sn, cn, dn, _ = special.ellipj(start + time, modulus)
  k = np.sqrt(modulus)
  return 2.0 * np.arctan2(k * sn, dn), k * cn


def _turn(modulus, half, rate, time):
  k, inverse = np.sqrt(np.maximum(modulus, 1.0)), 1.0 / np.maximum(modulus, 1.0)
  direction = np.where(rate < 0, -1.0, 1.0)
  start = np.clip(special.ellipkinc(direction * half, inverse), -50.0, 50.0)  # infinite only at rest upside down
  _, _, dn, amplitude = special.ellipj(start + k * time, inverse)
  return 2.0 * direction * amplitude, direction * k * dn


def pendulum_period(weight, inertia, amplitude):
  """Period 4 K(sin^2(amplitude / 2)) / w of the swing that reaches `amplitude` radians."""
  return 4.0 * special.ellipk(np.sin(0.5 * amplitude) ** 2) / np.sqrt(weight / inertia)


def two_body(gravity, mass, q, p, times):
  """Two equal masses under gravity: the centre of mass moves uniformly, the separation on a Kepler orbit.

  The orbit may be any conic: Kepler's equation in universal variables (Danby, Fundamentals of Celestial Mechanics,
  chapter 6), solved by a fixed number of Laguerre steps.
  """
  (q1, q2), (p1, p2) = np.split(q, 2, axis=-1), np.split(p, 2, axis=-1)
  times = np.broadcast_to(times, (len(q), np.shape(times)[-1]))[..., None]
  mass = np.broadcast_to(mass, (len(q), 1))[:, None]
  centre = 0.5 * (q1 + q2)[:, None] + 0.5 * (p1 + p2)[:, None] / mass * times
  separation, velocity = _kepler(2.0 * gravity * mass[:, 0], q2 - q1, (p2 - p1) / mass[:, 0], times[..., 0])
  half_total, half_pull = 0.5 * (p1 + p2)[:, None] + 0.0 * times, 0.5 * mass * velocity
  return (np.concatenate([centre - 0.5 * separation, centre + 0.5 * separation], axis=-1),
          np.concatenate([half_total - half_pull, half_total + half_pull], axis=-1))


def _kepler(mu, r, v, times):
  """Position and velocity [n, steps, 2] of r'' = -mu r / |r|^3."""
  distance = np.sqrt(r[:, :1] ** 2 + r[:, 1:] ** 2)
  radial = r[:, :1] * v[:, :1] + r[:, 1:] * v[:, 1:]
  alpha = 2.0 * mu / distance - (v[:, :1] ** 2 + v[:, 1:] ** 2)  # mu / semi-major axis
  s = times / distance
  for _ in range(_KEPLER_ITERATIONS):
    s = s - _laguerre(_kepler_equation(mu, distance, radial, alpha, s), times)
  _, now, _, (g1, g2, g3) = _kepler_equation(mu, distance, radial, alpha, s)
  f, g = 1.0 - mu * g2 / distance, times - mu * g3
  f_rate, g_rate = -mu * g1 / (now * distance), 1.0 - mu * g2 / now
  r, v = r[:, None], v[:, None]
  return f[..., None] * r + g[..., None] * v, f_rate[..., None] * r + g_rate[..., None] * v


def _kepler_equation(mu, distance, radial, alpha, s):
  """t(s), r(s) = dt/ds, dr/ds and the functions G1, G2, G3 of the universal anomaly s."""
  g0, g1, g2, g3 = _stumpff(alpha, s)
  time = distance * g1 + radial * g2 + mu * g3
  now = distance * g0 + radial * g1 + mu * g2
  slope = radial * g0 + (mu - alpha * distance) * g1
  return time, now, slope, (g1, g2, g3)


def _stumpff(alpha, s):
  """G_k(s) = s^k c_k(alpha s^2), by trigonometric or hyperbolic functions, and by series where these cancel."""
  x = alpha * s**2
  root = np.sqrt(np.abs(x))
  root = np.where(root < 1e-3, 1.0, root)
  ellipse = x > 0
  angle = np.minimum(root, 700.0)
  c0, sine = np.where(ellipse, np.cos(root), np.cosh(angle)), np.where(ellipse, np.sin(root), np.sinh(angle))
  c1, c2 = sine / root, np.where(ellipse, 2.0 * np.sin(0.5 * root) ** 2, 2.0 * np.sinh(0.5 * angle) ** 2) / root**2
  c3 = np.where(ellipse, 1.0 - c1, c1 - 1.0) / root**2
  small = np.abs(x) < 0.1
  c3 = np.where(small, _series(x, 3), c3)
  c2 = np.where(small, _series(x, 2), c2)
  return np.where(small, 1.0 - x * c2, c0), s * np.where(small, 1.0 - x * c3, c1), s**2 * c2, s**3 * c3


def _series(x, k):
  """c_k(x) = sum_j (-x)^j / (k + 2 j)! for |x| < 0.1, to double precision."""
  total = np.zeros_like(x)
  for j in range(8, -1, -1):
    total = 1.0 / special.factorial(k + 2 * j) - x * total
  return total


def _laguerre(equation, times, order=5):
  """Laguerre's step towards t(s) = times; it converges from any start (Conway 1986)."""
  time, first, second, _ = equation
  error = time - times
  square = np.abs((order - 1) ** 2 * first**2 - order * (order - 1) * error * second)
  return order * error / (first + np.copysign(np.sqrt(square), first))


def charged_particle(mass, field, stiffness, q, velocity, times):
  """Position and velocity [n, steps, 2] of m r'' = -k r - b (-y, x)', a sum of two circular motions.

  As a complex number z = x + i y: z = A e^(i w+ t) + B e^(i w- t), m w^2 + b w - k = 0.
  """
  root = np.sqrt(field**2 + 4.0 * mass * stiffness)
  fast, slow = (-field - root) / (2.0 * mass), (root - field) / (2.0 * mass)
  start, rate = q[:, :1] + 1j * q[:, 1:], velocity[:, :1] + 1j * velocity[:, 1:]
  a = (rate - 1j * slow * start) / (1j * (fast - slow))
  turns = [(frequency, part * np.exp(1j * frequency * times)) for frequency, part in ((fast, a), (slow, start - a))]
  z, z_rate = sum(part for _, part in turns), sum(1j * frequency * part for frequency, part in turns)
  return np.stack([z.real, z.imag], axis=-1), np.stack([z_rate.real, z_rate.imag], axis=-1)
