"""What Keras promises of a model, asked of every model: the same duties, the next model included."""

import copy
import functools
import os
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import models
from hgn_tf.models.watch import NotFinite

_HGN = dict(num_frames=4, size=8, channels=1, encoder=((4, 2, 2), (4, 2, 2), (4, 2, 2)), transform=((4, 1, 1),),
            energy=((4, 1, 1), (1, 1, 1)), decoder_filters=4, frames_per_step=2, horizon_steps=2, prior_rank=2,
            prior_components=2, steps=50)
_COMPACT = dict(num_frames=4, size=8, channels=1, context=2, maps=2, encoder_hidden=(4,), units=2, decoder_hidden=(4,),
                potential_hidden=(4,), pixels_per_frame=4, frames_per_step=2, nearest=1, steps=50, warmup_steps=0)
_SAME_NETS = {key: value for key, value in _COMPACT.items() if key != "potential_hidden"}
_PLUS_PLUS = dict(num_frames=4, size=8, channels=1, context=1, pairs=1, encoder=((4, 2, 8),), hidden=(4,),
                  decoder_inputs=1, decoder_filters=4, frames_per_step=2, horizon_steps=2, prior_rank=2,
                  prior_components=2, steps=50)
_PIXEL = dict(num_frames=4, size=8, channels=1, hidden=4, dynamics_hidden=(4,), steps=50)
_DENSITY = dict(hidden=(4,), batch_size=4, steps=50)

CONFIGS = {
    "hgn": models.HGNConfig(**_HGN),
    "compact": models.CompactHGNConfig(**_COMPACT),
    "hgn_plus_plus": models.HGNPlusPlusConfig(**_PLUS_PLUS),
    "latent_ode": models.LatentODEConfig(field_hidden=(4,), **_SAME_NETS),
    "latent_rnn": models.LatentRNNConfig(pairs=1, **_SAME_NETS),
    "pixel_hnn": models.PixelHNNConfig(**_PIXEL),
    "hnn": models.HNNConfig(hidden=(4,)),
    "baseline": models.HNNConfig(name="baseline", model="baseline", hidden=(4,)),
    "nhf": models.NHFConfig(encoder_hidden=(4,), num_steps=1, train_samples=2, **_DENSITY),
    "real_nvp": models.RealNVPConfig(layers=2, **_DENSITY),
}
COMPACT = ("compact", "latent_ode", "latent_rnn")
FILMS = ("hgn", *COMPACT, "hgn_plus_plus", "pixel_hnn")
PAIRS, POINTS = ("hnn", "baseline"), ("nhf", "real_nvp")
OWN_OBJECTIVE = FILMS + POINTS
OTHER_LAWS = ("latent_ode", "latent_rnn")  # the training of a compact HGN
ROWS = 8


def named(names, **values):
  """Parameters for each model, under its name, and for each of the values."""
  (key, options), = values.items() or [(None, [None])]
  return parameterized.named_parameters(*(
      dict(testcase_name=f"_{name}" + (f"_{i}" if key else ""), name=name, **({key: option} if key else {}))
      for name in names for i, option in enumerate(options)))


everyone = named(CONFIGS)
every_training = named([name for name in CONFIGS if name not in OTHER_LAWS])


@functools.cache
def data(name):
  """(x, y) of ROWS examples; y is None where the model takes x alone."""
  rng = np.random.default_rng(0)
  if name in FILMS:
    return rng.random((ROWS, 4, 8, 8, 1), np.float32), None
  x = rng.normal(size=(ROWS, 4 if name in PAIRS else 2)).astype(np.float32)
  return x, (x[:, ::-1].copy() if name in PAIRS else None)


@functools.cache
def kind(name):
  """The class of the model."""
  return type(models.make(CONFIGS[name]))


def make(name, **kwargs):
  """The model with the same weights at every call, built."""
  make_it = kind(name)  # which draws weights of its own
  keras.utils.set_random_seed(0)
  model = make_it(CONFIGS[name], **kwargs)
  model.build((None, *data(name)[0].shape[1:]))
  return model


def compiled(name, optimizer=None, run_eagerly=True, dtype=None, **kwargs):
  model = make(name, **({} if dtype is None else {"dtype": dtype}))
  model.compile(optimizer, run_eagerly=run_eagerly, **kwargs)
  return model


def fit(model, name, **kwargs):
  x, y = data(name)
  return model.fit(x, y, batch_size=ROWS, **{"epochs": 1, "verbose": 0, "shuffle": False, **kwargs}).history


def weights(model):
  return [np.array(v) for v in model.trainable_variables]


def moved(model, before):
  """The size of the step from weights `before`."""
  return np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(weights(model), before, strict=True)))


class Batches(keras.utils.PyDataset):

  def __init__(self, *arrays):
    super().__init__()
    self._arrays = arrays

  def __len__(self):
    return 2

  def __getitem__(self, i):
    return tuple(a[4 * i:4 * i + 4] for a in self._arrays)


def batches(*arrays):
  for i in (0, 4):
    yield tuple(a[i:i + 4] for a in arrays)


class FitTest(parameterized.TestCase, tf.test.TestCase):

  @named([name for name in CONFIGS if name not in COMPACT])  # an HGN's
  def test_takes_every_kind_of_data_alike(self, name):
    arrays = tuple(a for a in data(name) if a is not None)
    dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(4)
    kinds = {"tuples": lambda: dataset, "generator": lambda: batches(*arrays), "PyDataset": lambda: Batches(*arrays)}
    if len(arrays) == 1:
      kinds["alone"] = lambda: dataset.map(lambda x: x)
    losses = {}
    for kind, of_kind in kinds.items():
      model = compiled(name)
      losses[kind] = model.fit(of_kind(), verbose=0, shuffle=False).history["loss"][0]
      self.assertEqual(int(model.optimizer.iterations), 2, kind)
    model = compiled(name)
    losses["arrays"] = model.fit(*data(name), batch_size=4, epochs=1, shuffle=False, verbose=0).history["loss"][0]
    if name in POINTS:  # an array is standardised
      losses.pop("arrays")
    self.assertAllClose(list(losses.values()), [losses["tuples"]] * len(losses), rtol=1e-5)

  @every_training
  def test_validation_steps_and_callbacks(self, name):
    folder, (x, y) = self.get_temp_dir(), data(name)
    hooks = [keras.callbacks.EarlyStopping("val_loss"), keras.callbacks.CSVLogger(f"{folder}/log.csv"),
             keras.callbacks.ModelCheckpoint(f"{folder}/best.keras", "val_loss", save_best_only=True),
             keras.callbacks.ReduceLROnPlateau("val_loss"), keras.callbacks.TerminateOnNaN(),
             keras.callbacks.BackupAndRestore(f"{folder}/backup")]
    model = compiled(name, keras.optimizers.SGD(1e-5))
    history = model.fit(x, y, batch_size=2, epochs=2, steps_per_epoch=2, validation_split=0.5, shuffle=True,
                        callbacks=hooks, verbose=0).history
    self.assertLen(history["val_loss"], len(history["loss"]))
    self.assertTrue(os.path.exists(f"{folder}/best.keras"))
    self.assertTrue(np.isfinite(model.fit(x, y, epochs=1, validation_data=(x, y), verbose=0).history["val_loss"][0]))

  @every_training
  def test_sample_weights_weigh_examples(self, name):
    (x, y), half = data(name), np.repeat([1.0, 0.0], ROWS // 2).astype(np.float32)
    model = compiled(name)
    first = model.evaluate(x[:4], None if y is None else y[:4], verbose=0, return_dict=True)["loss"]
    found = model.evaluate(x, y, batch_size=ROWS, sample_weight=half, verbose=0, return_dict=True)["loss"]
    decay = float(sum(model.losses)) if name in PAIRS else 0.0
    share = 0.5 if name in PAIRS else 1.0  # Keras' own losses divide by the number of examples
    self.assertAllClose(found - decay, share * (first - decay), rtol=1e-4)
    steps = {}
    for key, weight in {"even": None, "ones": np.ones(ROWS, np.float32), "half": half}.items():
      model = compiled(name, keras.optimizers.SGD(0.1))
      model.fit(x, y, batch_size=ROWS, epochs=1, shuffle=False, verbose=0, sample_weight=weight)
      steps[key] = np.concatenate([w.ravel() for w in weights(model)])
    self.assertAllClose(steps["even"], steps["ones"], rtol=1e-4, atol=1e-6)
    self.assertNotAllClose(steps["even"], steps["half"], rtol=1e-4, atol=1e-6)

  @named([name for name in OWN_OBJECTIVE if name not in OTHER_LAWS])
  def test_weights_come_in_datasets_too(self, name):
    x, half = data(name)[0], np.repeat([1.0, 0.0], ROWS // 2).astype(np.float32)
    rows = tf.data.Dataset.from_tensors((x, half)).map(lambda x, w: (x, None, w))
    model = compiled(name)
    self.assertAllClose(model.evaluate(rows, verbose=0, return_dict=True)["loss"],
                        model.evaluate(x[:4], verbose=0, return_dict=True)["loss"], rtol=1e-4)
    self.assertTrue(np.isfinite(model.fit(rows, verbose=0).history["loss"][0]))

  @every_training
  def test_evaluation_does_not_depend_on_the_batch_size(self, name):
    if name == "nhf":
      return  # a bound with noise by the position in the batch
    model = compiled(name)
    found = [model.evaluate(*data(name), batch_size=n, verbose=0, return_dict=True)["loss"] for n in (3, 8)]
    self.assertAllClose(found[0], found[1], rtol=1e-4)

  @everyone
  def test_predictions_are_the_examples_own(self, name):
    model, x = make(name), data(name)[0]
    found = model.predict(x, batch_size=ROWS, verbose=0)
    self.assertAllClose(model.predict(x, batch_size=3, verbose=0), found, rtol=1e-4, atol=1e-5)
    self.assertAllClose(model.predict(x[::-1], batch_size=3, verbose=0), found[::-1], rtol=1e-4, atol=1e-5)

  @everyone
  @pytest.mark.slow  # compiles a whole training step
  def test_compiles_under_xla(self, name):
    self.check_two_steps(name, jit_compile=True)

  @named(["pixel_hnn", "hnn", "real_nvp"])  # one of films, of pairs, of points
  def test_takes_two_steps_in_one_execution(self, name):
    self.check_two_steps(name, steps_per_execution=2)

  def check_two_steps(self, name, **options):
    model = compiled(name, run_eagerly=False, **options)
    before = weights(model)
    x, y = (None if a is None else tf.constant(a) for a in data(name))
    rows = tf.data.Dataset.from_tensors((x,) if y is None else (x, y)).repeat(2)
    self.assertTrue(np.isfinite(model.fit(rows, verbose=0).history["loss"][0]))
    self.assertEqual(int(model.optimizer.iterations), 2)
    self.assertGreater(moved(model, before), 0.0)

  @every_training
  def test_accumulated_gradients_and_scaled_losses_make_the_plain_step(self, name):
    sgd = functools.partial(keras.optimizers.SGD, 1e-3)
    found = {}
    for key, optimizer in {"plain": sgd(), "scaled": keras.optimizers.LossScaleOptimizer(sgd(), initial_scale=2.0**6),
                           "factor": sgd(loss_scale_factor=16.0), "sums": sgd(gradient_accumulation_steps=2)}.items():
      model = compiled(name, optimizer)
      before = weights(model)
      fit(model, name)
      if key == "sums":
        self.assertEqual(moved(model, before), 0.0)
        fit(model, name)
      found[key] = moved(model, before)
    self.assertGreater(found["plain"], 0.0)
    self.assertAllClose([found["scaled"], found["factor"]], [found["plain"]] * 2, rtol=1e-3)
    self.assertBetween(found["sums"] / found["plain"], 0.2, 5.0)

  @every_training
  def test_stops_where_the_loss_is_not_finite(self, name):
    model = compiled(name, keras.optimizers.SGD(1e-3))
    model.trainable_variables[0].assign(np.nan * np.array(model.trainable_variables[0]))
    with self.assertRaisesRegex(NotFinite, "The loss became nan at step 1"):
      fit(model, name, epochs=3)

  @named([name for name in OWN_OBJECTIVE if name not in OTHER_LAWS])
  def test_warns_once_where_the_learning_rate_has_come_to_nothing(self, name):
    config = CONFIGS[name].from_dict({**CONFIGS[name].to_dict(), "steps": 2, "learning_rate_decay": "cosine"})
    model = kind(name)(config)
    model.compile(run_eagerly=True)
    with self.assertWarnsRegex(UserWarning, "the learning rate has come to 0 at step 2.*config.steps") as caught:
      fit(model, name, epochs=4)
    self.assertLen([w for w in caught.warnings if "learning rate" in str(w.message)], 1)

  @everyone
  def test_warns_of_no_gradients(self, name):
    model = compiled(name)
    with warnings.catch_warnings():
      warnings.simplefilter("error")
      fit(model, name, shuffle=True)


class SavingTest(parameterized.TestCase, tf.test.TestCase):

  def path(self, name="model.keras"):
    return f"{self.get_temp_dir()}/{name}"

  @every_training
  def test_comes_back_as_it_was_compiled_and_trains_on(self, name):
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3))
    model = compiled(name, optimizer, steps_per_execution=3, auto_scale_loss=False)
    fit(model, name)
    model.save(self.path())
    back = keras.saving.load_model(self.path(), safe_mode=True)
    self.assertTrue(back.run_eagerly)
    self.assertEqual(back.steps_per_execution, 3)
    self.assertEqual(back.get_compile_config()["auto_scale_loss"], False)
    self.assertGreater(int(back.optimizer.iterations), 0)
    for a, b in zip((*model.weights, *model.optimizer.variables), (*back.weights, *back.optimizer.variables),
                    strict=True):
      self.assertAllEqual(a, b)
    for m in (model, back):
      m.compile(m.optimizer, run_eagerly=True)
      fit(m, name)
    for a, b in zip(weights(model), weights(back), strict=True):
      self.assertAllClose(a, b, atol=1e-6)

  @everyone
  def test_default_and_no_compilation_come_back(self, name):
    model = make(name)
    model.save(self.path())
    self.assertFalse(keras.saving.load_model(self.path()).compiled)
    model.compile()
    model.save(self.path())
    back = keras.saving.load_model(self.path())
    self.assertEqual(back.optimizer.get_config(), model.optimizer.get_config())
    self.assertAllClose(back(data(name)[0]), model(data(name)[0]), atol=1e-6)

  @everyone
  def test_copies(self, name):
    model, x = compiled(name), data(name)[0]
    self.assertAllClose(copy.deepcopy(model)(x), model(x), atol=1e-6)
    twin = keras.models.clone_model(model)
    self.assertEqual([v.shape for v in twin.weights], [v.shape for v in model.weights])
    again = type(model).from_config(model.get_config())
    self.assertEqual(again.config, model.config)
    self.assertEqual(again.get_config(), model.get_config())
    model.summary(print_fn=lambda *args, **kwargs: None)

  @everyone
  def test_exports(self, name):
    model, x = compiled(name), data(name)[0]
    fit(model, name)
    model.export(self.path("exported"), verbose=False)
    served = tf.saved_model.load(self.path("exported"))
    for n in (1, ROWS):
      self.assertAllClose(served.serve(x[:n]), model(x[:n]), rtol=1e-4, atol=1e-4)


class DtypeTest(parameterized.TestCase, tf.test.TestCase):

  @named(CONFIGS, dtype=["float64", "mixed_float16", "mixed_bfloat16"])
  def test_trains_in(self, name, dtype):
    if name in OTHER_LAWS and dtype != "float64":
      return
    model, state = compiled(name, dtype=dtype), "float64" if dtype == "float64" else "float32"
    before = weights(model)
    history = fit(model, name)
    self.assertTrue(np.isfinite(history["loss"][0]))
    self.assertEqual({v.dtype for v in model.trainable_variables}, {state})
    self.assertEqual(model(data(name)[0]).dtype, state)
    self.assertEqual(isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer), dtype == "mixed_float16")
    if dtype != "mixed_float16":  # whose first steps may be skipped
      self.assertGreater(moved(model, before), 0.0)
    path = f"{self.get_temp_dir()}/model.keras"
    model.save(path)
    back = keras.saving.load_model(path)
    self.assertEqual(back.get_config()["dtype"], dtype)
    self.assertAllClose(back(data(name)[0]), model(data(name)[0]), rtol=1e-2, atol=1e-2)

  @everyone
  def test_refuses(self, name):
    with self.assertRaisesRegex(ValueError, "dtype must be one of float32, float64, .* got 'float16'"):
      make(name, dtype="float16")

  @every_training
  def test_takes_the_global_floatx(self, name):
    keras.config.set_floatx("float64")
    try:
      model = compiled(name)
      self.assertTrue(np.isfinite(fit(model, name)["loss"][0]))
    finally:
      keras.config.set_floatx("float32")


class RefusalTest(parameterized.TestCase, tf.test.TestCase):

  @named(OWN_OBJECTIVE, given=[dict(loss="mae"), dict(metrics=["mae"]), dict(weighted_metrics=["mae"])])
  def test_losses_and_metrics(self, name, given):
    with self.assertRaisesRegex(ValueError, f"{list(given)[0]} must be None: .* its own objective"):
      make(name).compile(**given)

  @named(OWN_OBJECTIVE)
  def test_targets(self, name):
    x, model = data(name)[0], compiled(name)
    for given in ((x, x), (tf.data.Dataset.from_tensors((x, x)),), (Batches(x, x),), (batches(x, x),)):
      with self.assertRaisesRegex(ValueError, "y must be None"):
        model.fit(*given, verbose=0)

  @named(PAIRS)
  def test_no_targets(self, name):
    x, model = data(name)[0], compiled(name)
    for given in (x, tf.data.Dataset.from_tensors(x), tf.data.Dataset.from_tensors((x,)), Batches(x), batches(x)):
      with self.assertRaisesRegex(ValueError, "dx/dt is missing"):
        model.fit(given, verbose=0)

  @named(CONFIGS, fault=["nan", "range", "shape"])
  def test_first_batch(self, name, fault):
    x, y = data(name)
    if fault == "range" and name not in FILMS:
      return
    x = {"nan": lambda: x * np.nan, "range": lambda: 255 * x, "shape": lambda: x[..., :1, None]}[fault]()
    arrays = (x,) if y is None else (x, y)
    message = {"nan": "nan|finite", "range": "values from", "shape": "shape"}[fault]
    model = compiled(name)
    before = weights(model)
    for given in (arrays, (tf.data.Dataset.from_tensors(arrays),), (Batches(*arrays),), (batches(*arrays),)):
      with self.assertRaisesRegex(ValueError, message):
        model.fit(*given, verbose=0)
      self.assertEqual(moved(model, before), 0.0)
    with self.assertRaisesRegex(ValueError, message):
      model.evaluate(x, y, verbose=0)


if __name__ == "__main__":
  tf.test.main()
