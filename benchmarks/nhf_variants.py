"""What each change gives an NHF on the nine 2-D targets, all of them trained at once (JAX; a GPU takes a minute each).

The model of hgn_tf.models.NHF again, so that a variant can be tried before it is written for Keras. All variants have
one budget: points x momenta x gradients of potentials, that of 2,000 steps of `nhf_fixed_2` (those of an encoder with
couplings count 1.3 times). A variant that exists is skipped; KL by 128 momenta on 4,000 points, one seed.

  python -m benchmarks.nhf_variants --names=base,mixture
"""

import functools
import math
import pathlib

import numpy as np
from absl import app, flags

from hgn_tf.training import files

_OUT = flags.DEFINE_string("out", "results/nhf_variants", "Folder of the results.")
_NAMES = flags.DEFINE_list("names", None, "Variants; default all.")
BUDGET, PART, HELD_OUT, MOMENTA = 12.3e6, 250, 4_000, 128
BASE = dict(kicks="leapfrog", num_steps=2, hidden=(64, 64), activation="softplus", encoder="normal", components=4,
            momenta=16, points=128, learning_rate=4e-3, beta_2=0.999, rotation=False, masses=False, squared=False)
_EULER = dict(kicks="euler")
_MIXTURE = dict(**_EULER, encoder="mixture", momenta=8, beta_2=0.99)
_DEEP = dict(**_MIXTURE, hidden=(48, 48, 48))
VARIANTS = {
    "base": {}, "euler": _EULER, "one_step": dict(_EULER, num_steps=1), "three_steps": dict(_EULER, num_steps=3),
    "four_steps": dict(_EULER, num_steps=4), "masses": dict(_EULER, masses=True),
    "rotation": dict(_EULER, rotation=True), "beta_2": dict(_EULER, beta_2=0.99),
    "squared_weights": dict(_EULER, squared=True), "deep": dict(_EULER, hidden=(48, 48, 48)),
    "sine": dict(_EULER, activation="sin"), "wide": dict(_EULER, hidden=(512,)),
    "fewer_momenta": dict(_EULER, momenta=4, points=256), "more_momenta": dict(_EULER, momenta=32, points=64),
    "full_covariance": dict(_EULER, encoder="mixture", components=1), "coupling": dict(_EULER, encoder="coupling"),
    "mixture": _MIXTURE, "mixture_deep": _DEEP, "mixture_deep_coupling": dict(_DEEP, encoder="coupling"),
    "mixture_deep_one_step": dict(_DEEP, num_steps=1), "mixture_deep_rotation": dict(_DEEP, rotation=True),
    "mixture_deep_2_components": dict(_DEEP, components=2, momenta=4),
    "mixture_deep_4_momenta": dict(_DEEP, momenta=4),
}


def data():
  """Standardised training points [9, n, 2], held-out points [9, m, 2] and what their log densities are, [9, m]."""
  from hgn_tf.flows import distributions
  found = []
  for name in distributions.TARGETS:
    target = distributions.target(name)
    x, held_out = target.sample(100_000, seed=(0, 1)).numpy(), target.sample(HELD_OUT, seed=(12345, 0)).numpy()
    mean, deviation = x.mean(0), x.std(0)
    found.append(((x - mean) / deviation, (held_out - mean) / deviation,
                  target.log_prob(held_out).numpy() + np.log(deviation).sum()))
  return [np.stack(parts).astype(np.float32) for parts in zip(*found, strict=True)]


class Variant:
  """One model as functions of its weights, a dict."""

  def __init__(self, config):
    import jax
    self.jax, self.np, self.config = jax, jax.numpy, {**BASE, **config}
    self.activation = jax.numpy.sin if self.config["activation"] == "sin" else jax.nn.softplus

  def init(self, key):
    keys, c = self.jax.random.split(key, 9), self.config
    count = c["components"] if c["encoder"] == "mixture" else 1
    numbers = 6 * count if c["encoder"] == "mixture" else 4
    weights = {"potentials": [self._net(k, (2, *c["hidden"], 1), 8.0) for k in keys[:c["num_steps"]]],
               "encoder": self._net(keys[5], (2, 64, 64, 2 if c["encoder"] == "normal" else numbers)),
               "log_mass": self.np.full((c["num_steps"], 2 if c["masses"] else 1), math.log(5.0)),
               "dt": self.np.ones(c["num_steps"]), "angle": self.np.zeros((c["num_steps"], 2))}
    if c["encoder"] == "normal":
      weights["deviation"] = self._net(keys[6], (2, 64, 64, 2))
    if c["encoder"] == "mixture" and count > 1:
      apart = self.np.pad(self.jax.random.normal(keys[6], (count, 2)), ((0, 0), (0, 4))).ravel()
      weights["encoder"][-1] = (weights["encoder"][-1][0], apart)
    if c["encoder"] == "coupling":
      weights["couplings"] = [self._net(k, (3, 32, 32, 2), last=0.1) for k in keys[7:]]
    return weights

  def _net(self, key, widths, frequency=None, last=1.0):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
      key, first, second = self.jax.random.split(key, 3)
      scale = inputs ** -0.5 if frequency else (2 / (inputs + outputs)) ** 0.5
      kernel = scale / 0.88 * self.jax.random.truncated_normal(first, -2, 2, (inputs, outputs))
      bias = self.np.zeros(outputs)
      if frequency and i == 0:
        kernel = kernel * frequency
        bias = self.jax.random.uniform(second, (outputs,), minval=-1.5 * frequency, maxval=1.5 * frequency)
      layers.append((kernel * (last if i == len(widths) - 2 else 1.0), bias))
    return layers

  def _apply(self, layers, x, activation):
    for kernel, bias in layers[:-1]:
      x = activation(x @ kernel + bias)
    return x @ layers[-1][0] + layers[-1][1]

  def _force(self, layers, q):
    return self.jax.grad(lambda q: self._apply(layers, q, self.activation).sum())(q)

  def inverse(self, weights, q, p):
    steps, leapfrog = self.config["num_steps"], self.config["kicks"] == "leapfrog"
    for i in reversed(range(steps)):
      dt, kick = weights["dt"][i], (0.5 if leapfrog else 1.0) * weights["dt"][i]
      if i < steps - 1 and self.config["rotation"]:
        cos, sin = self.np.cos(weights["angle"][i]), self.np.sin(weights["angle"][i])
        q, p = cos * q - sin * p, sin * q + cos * p
      if i < steps - 1 and leapfrog:
        p = p + kick * self._force(weights["potentials"][i], q)
      q = q - dt * p * self.np.exp(-weights["log_mass"][i])
      p = p + kick * self._force(weights["potentials"][i], q)
    return q, p

  def encode(self, weights, q, noise, p=None):
    """(momenta, log f) of noise [batch, momenta, 2]; log f of given momenta p."""
    np_, bounded = self.np, lambda s, limit=6.0: limit * self.np.tanh(s / limit)
    numbers = self._apply(weights["encoder"], q, self.jax.nn.relu)
    if self.config["encoder"] == "normal":
      numbers = np_.concatenate([numbers, self._apply(weights["deviation"], q, self.jax.nn.relu)], -1)
    if self.config["encoder"] == "mixture":
      numbers = numbers.reshape(len(q), -1, 6)
      mean, scale, lower = numbers[..., :2], bounded(numbers[..., 2:4]), numbers[..., 4:5]
      share, of = self.jax.nn.log_softmax(numbers[..., 5], -1), np_.arange(noise.shape[1]) % numbers.shape[1]
      mixed = np_.concatenate([noise[..., :1], noise[..., 1:] + lower[:, of] * noise[..., :1]], -1)
      p = mean[:, of] + np_.exp(scale[:, of]) * mixed
      white = (p[:, :, None] - mean[:, None]) * np_.exp(-scale[:, None])
      white = np_.concatenate([white[..., :1], white[..., 1:] - lower[:, None] * white[..., :1]], -1)
      log_f = self.jax.nn.logsumexp(share[:, None] + (self._normal(white) - scale[:, None]).sum(-1), -1)
      return p, log_f - share[:, of] - math.log(numbers.shape[1])
    mean, scale = numbers[:, None, :2], bounded(numbers[:, None, 2:])
    if p is not None:
      return p, (self._normal((p - mean) * np_.exp(-scale)) - scale).sum(-1)
    log_f, rows = (self._normal(noise) - scale).sum(-1), np_.broadcast_to(q[:, None], noise.shape)
    for i, layers in enumerate(weights.get("couplings", ())):
      kept, moved = noise[..., i:i + 1], noise[..., 1 - i:2 - i]
      numbers = self._apply(layers, np_.concatenate([rows, kept], -1), self.jax.nn.silu)
      log_scale = bounded(numbers[..., 1:], 2.0)
      moved, log_f = moved * np_.exp(log_scale) + numbers[..., :1], log_f - log_scale[..., 0]
      noise = np_.concatenate([kept, moved] if i == 0 else [moved, kept], -1)
    return mean + np_.exp(scale) * noise, log_f

  def _normal(self, x):
    return -0.5 * (x ** 2 + math.log(2 * math.pi))

  def log_weights(self, weights, q, p, log_f):
    start = self.inverse(weights, self.np.broadcast_to(q[:, None], p.shape), p)
    return sum(self._normal(x).sum(-1) for x in start) - log_f

  def bound(self, weights, q, noise):
    log_weights = self.log_weights(weights, q, *self.encode(weights, q, noise))
    return self.jax.nn.logsumexp(log_weights, 1) - math.log(noise.shape[1])

  def gradients(self, weights, q, noise):
    """Of the bound; the encoder's by squared weights, through momenta alone, where asked for (Tucker et al. 2019)."""
    if not self.config["squared"]:
      return self.jax.grad(lambda weights: -self.bound(weights, q, noise).mean())(weights)
    encoder = {key: weights[key] for key in ("encoder", "deviation")}
    p, back = self.jax.vjp(lambda encoder: self.encode(encoder, q, noise)[0], encoder)

    def loss(weights, p):
      log_weights = self.log_weights(weights, q, *self.encode(encoder, q, noise, p))
      share = self.jax.lax.stop_gradient(self.jax.nn.softmax(log_weights, 1))
      return -(share * log_weights).sum(1).mean(), share
    (of_flow, of_p), share = self.jax.grad(loss, (0, 1), has_aux=True)(weights, p)
    return {**of_flow, **back(share[..., None] * of_p)[0]}


def train(variant, x, held_out, log_density):
  """The KL of each target, and the number of steps and weights."""
  jax, np_, c = variant.jax, variant.np, variant.config
  evaluations = 2 * c["num_steps"] - 1 if c["kicks"] == "leapfrog" else c["num_steps"]
  cost = c["points"] * c["momenta"] * evaluations * (1.3 if c["encoder"] == "coupling" else 1.0)
  steps = max(1, round(BUDGET / cost / PART)) * PART

  def step(key, x, state, t):
    weights, first, second = state
    rows, noise = jax.random.split(jax.random.fold_in(key, t))
    q = x[jax.random.randint(rows, (c["points"],), 0, len(x))]
    gradients = variant.gradients(weights, q, jax.random.normal(noise, (c["points"], c["momenta"], 2)))
    norm = np_.sqrt(sum((g ** 2).sum() for g in jax.tree.leaves(gradients)))
    gradients = jax.tree.map(lambda g: g * np_.minimum(1.0, 10.0 / (norm + 1e-9)), gradients)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: c["beta_2"] * v + (1 - c["beta_2"]) * g ** 2, second, gradients)
    rate = c["learning_rate"] * 0.5 * (1 + np_.cos(math.pi * t / steps))
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (1 - 0.9 ** (t + 1)) / (np_.sqrt(v / (1 - c["beta_2"] ** (t + 1))) + 1e-7),
        weights, first, second)
    return (weights, first, second), None

  @jax.jit
  def part(state, keys, t):
    one = lambda state, key, x: jax.lax.scan(  # noqa: E731
        functools.partial(step, key, x), state, t + np_.arange(PART))[0]
    return jax.vmap(one)(state, keys, x)

  @jax.jit
  def measure(weights, key):
    def one(weights, points):
      chunks = points.reshape(-1, 200, 2)
      return jax.lax.map(lambda row: variant.bound(weights, row[0], jax.random.normal(row[1], (200, MOMENTA, 2))),
                         (chunks, jax.random.split(key, len(chunks)))).ravel()
    return jax.vmap(one)(weights, held_out)

  keys = jax.random.split(jax.random.PRNGKey(0), len(x))
  weights = jax.vmap(variant.init)(keys)
  state = (weights, *[jax.tree.map(np_.zeros_like, weights)] * 2)
  for i in range(steps // PART):
    state = part(state, keys, i * PART)
  nats = np.mean(log_density - measure(state[0], jax.random.PRNGKey(9)), axis=1)
  return {"kl": nats.tolist(), "steps": steps,
          "parameters": sum(int(np.prod(w.shape[1:])) for w in jax.tree.leaves(state[0]))}


def main(argv):
  del argv
  out, arrays = pathlib.Path(_OUT.value), data()
  out.mkdir(parents=True, exist_ok=True)
  for name in _NAMES.value or VARIANTS:
    path = out / f"{name}.json"
    if not path.exists():
      found = train(Variant(VARIANTS[name]), *arrays)
      files.write_json(path, {"name": name, "config": VARIANTS[name], **found})
      print(name, np.round(found["kl"], 4), flush=True)


if __name__ == "__main__":
  app.run(main)
