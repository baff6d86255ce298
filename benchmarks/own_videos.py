"""Films of worlds that are not this package's: rendered to mp4 files, then built, trained and measured as one's own.

Worlds: measured angles of a real pendulum and double pendulum (Schmidt and Lipson 2009), gymnasium's MuJoCo models
hanging upside down, and two coupled pendulums of pymunk. Needs pip install 'hgn_tf[worlds]', and libosmesa6 for
MuJoCo's pictures (MUJOCO_GL=osmesa).

Example:
  python -m benchmarks.own_videos --world=mujoco_pendulum --out=FOLDER
"""

import fractions
import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

_WORLD = flags.DEFINE_string("world", "mujoco_pendulum", "Name in WORLDS.")
_OUT = flags.DEFINE_string("out", None, "Folder to write: clips, dataset, run.", required=True)
_MEASURED = flags.DEFINE_string("measured", None, "Folder of real_pend_h_1.txt and real_double_pend_h_1.txt.")
_CLIPS = flags.DEFINE_integer("clips", 160, "Simulated clips.", lower_bound=2)
_STEPS = flags.DEFINE_integer("steps", 6000, "Of training.", lower_bound=1)
_RESULTS = flags.DEFINE_string("results", "results/own_videos", "Where the figures go.")
_ONLY_RENDER = flags.DEFINE_boolean("only_render", False, "Stop when the clips are written.")
_PICTURES = flags.DEFINE_string("pictures", "docs/own_videos", "Where the GIF goes.")

SIZE, FRAMES, MIDDLE = 128, 100, 40  # of a simulated clip; the frame at which the window begins that a model sees
_PIVOT = np.array([64.0, 50.0])


def ground(seed, size=SIZE, cells=16):
  """A wall of many colours: smooth noise, uint8 [size, size, 3]."""
  from PIL import Image
  coarse = np.random.default_rng(seed).uniform(60, 190, (cells, cells, 3)).astype(np.uint8)
  return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def drawn(points, colours, wall, radius=7):
  """Rods from each point to the next with a bob at each but the first, their shadows below them; uint8 [S, S, 3]."""
  from PIL import Image, ImageDraw
  image = Image.fromarray(wall).resize((4 * SIZE, 4 * SIZE))
  shadow = Image.new("L", image.size)
  for draw, shift, fills in ((ImageDraw.Draw(shadow), np.array([5.0, 6.0]), [110] * len(colours)),
                             (ImageDraw.Draw(image), np.zeros(2), colours)):
    if fills is colours:
      image.paste((0, 0, 0), mask=shadow)
    for (start, end), fill in zip(zip(points[:-1], points[1:], strict=True), fills, strict=True):
      start, end = 4 * (start + shift), 4 * (end + shift)
      draw.line([*start, *end], fill=fill, width=10)
      draw.ellipse([*(end - 4 * radius), *(end + 4 * radius)], fill=fill)
  return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def hung(angles, length):
  """Points of a chain of rods that hang from the pivot: angles [n] from hanging down to [n + 1, 2] pixels."""
  steps = length * np.stack([np.sin(angles), np.cos(angles)], axis=-1)
  return np.concatenate([[_PIVOT], _PIVOT + np.cumsum(steps, axis=0)])


def measured(name, columns):
  """Times [n] and angles [n, columns] of the first trial of a measurement; the second of the double goes round."""
  if not _MEASURED.value:
    raise ValueError("--measured is required for a real pendulum: the folder of its files.")
  rows = np.loadtxt(pathlib.Path(_MEASURED.value, name), comments="%")
  rows = rows[rows[:, 0] == rows[0, 0]]
  return rows[:, 1] - rows[0, 1], rows[:, 2:2 + columns]


def real_pendulum():
  times, angles = measured("real_pend_h_1.txt", 1)
  wall = ground(1)
  yield [drawn(hung(angle, 48.0), ["#d03020"], wall) for angle in angles], times


def real_double_pendulum():
  times, angles = measured("real_double_pend_h_1.txt", 2)
  wall = ground(2)
  yield [drawn(hung(angle, 28.0), ["#d03020", "#2050d0"], wall, 6) for angle in angles], times


def mujoco(cart):
  """gymnasium's inverted pendulum let hang, without friction and limits, in a room with light and a checkered wall."""
  os.environ.setdefault("MUJOCO_GL", "osmesa")
  import gymnasium.envs.mujoco as envs
  import mujoco as mj
  spec = mj.MjSpec.from_file(str(pathlib.Path(envs.__file__).parent / "assets" / "inverted_pendulum.xml"))
  world = spec.worldbody
  spec.add_texture(name="squares", type=mj.mjtTexture.mjTEXTURE_2D, builtin=mj.mjtBuiltin.mjBUILTIN_CHECKER, width=64,
                   height=64, rgb1=[0.75, 0.65, 0.5], rgb2=[0.45, 0.5, 0.6])
  material = spec.add_material(name="squares", texrepeat=[6, 6])
  material.textures[mj.mjtTextureRole.mjTEXROLE_RGB] = "squares"
  world.add_geom(type=mj.mjtGeom.mjGEOM_PLANE, size=[3, 3, 0.1], pos=[0, 0.5, 0], quat=[0.7071, 0.7071, 0, 0],
                 material="squares", contype=0, conaffinity=0)
  world.add_light(pos=[0.6, -2.5, 1.5], dir=[-0.2, 1, -0.6], castshadow=True, diffuse=[0.8, 0.8, 0.8])
  world.add_camera(name="side", pos=[0, -2.2, -0.15], xyaxes=[1, 0, 0, 0, 0, 1], fovy=45)
  spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 512, 2
  model = spec.compile()
  model.jnt_limited[:], model.dof_damping[:] = 0, 0.0
  model.body("cart").mass *= 1.0 if cart else 1e6
  data, rng = mj.MjData(model), np.random.default_rng(3)
  with mj.Renderer(model, SIZE, SIZE) as renderer:
    for _ in range(_CLIPS.value):
      mj.mj_resetData(model, data)
      if cart:  # at rest, so that the centre of mass stays where it is
        data.qpos[:] = rng.uniform(-0.25, 0.25), np.pi + rng.choice([-1, 1]) * rng.uniform(0.5, 1.6)
      else:
        data.qpos[1], data.qvel[1] = np.pi + rng.uniform(-1.6, 1.6), rng.uniform(-3.0, 3.0)
      mj.mj_forward(model, data)
      film = []
      for _ in range(FRAMES):
        renderer.update_scene(data, "side")
        film.append(renderer.render().copy())
        mj.mj_step(model, data, nstep=2)
      yield film, 0.04 * np.arange(FRAMES)


def pymunk():
  """Two pendulums of pin joints, coupled by a spring without friction, in front of a wall of many colours."""
  import pymunk as pm
  wall, rng = ground(4), np.random.default_rng(4)
  for _ in range(_CLIPS.value):
    space = pm.Space()
    space.gravity, space.damping, space.iterations = (0, 900), 1.0, 40
    bobs, starts = [], rng.uniform(-0.6, 0.6, 2)
    for anchor, angle in zip(((44.0, 24.0), (84.0, 24.0)), starts, strict=True):
      bob = pm.Body(1.0, float("inf"))
      bob.position = anchor[0] + 64.0 * np.sin(angle), anchor[1] + 64.0 * np.cos(angle)
      joint = pm.PinJoint(space.static_body, bob, anchor, (0, 0))
      joint.error_bias = 0.0
      space.add(bob, joint)
      bobs.append((anchor, bob))
    space.add(pm.DampedSpring(bobs[0][1], bobs[1][1], (0, 0), (0, 0), 40.0, 8.0, 0.0))
    film = []
    for _ in range(FRAMES):
      image = wall
      for (anchor, bob), colour in zip(bobs, ("#d03020", "#2050d0"), strict=True):
        image = drawn(np.array([anchor, bob.position]), [colour], image)
      film.append(image)
      for _ in range(40):
        space.step(0.05 / 40)
    yield film, 0.05 * np.arange(FRAMES)


def shaken(films, seed=5, shift=3):
  """The same by a camera in a hand: every frame moved by up to `shift` pixels, smoothly."""
  from scipy.ndimage import gaussian_filter1d
  rng = np.random.default_rng(seed)
  for film, times in films:
    path = gaussian_filter1d(rng.standard_normal((len(film), 2)), 4.0, axis=0)
    path = np.rint(shift * path / np.abs(path).max()).astype(int)
    yield [np.roll(frame, tuple(move), axis=(0, 1)) for frame, move in zip(film, path, strict=True)], times


# Films, fields of the dataset, fields of the model.
WORLDS = {
    "real_pendulum": (real_pendulum, dict(hop=1, fps=6), dict(pairs=1, damping=True, energy_kind="fixed_kinetic")),
    "real_double_pendulum": (real_double_pendulum, dict(hop=2, fps=50), dict(pairs=2)),
    "mujoco_pendulum": (functools.partial(mujoco, False), dict(hop=10), dict(pairs=1)),
    "mujoco_cart_pole": (functools.partial(mujoco, True), dict(hop=10), dict(pairs=2)),
    "pymunk_pendulums": (pymunk, dict(hop=10), dict(pairs=2)),
    "hand_held": (lambda: shaken(mujoco(False)), dict(hop=10), dict(pairs=1)),
}


def render(folder, films):
  """Writes each film to an mp4 file, its frames at their times, as a phone does."""
  import av
  folder.mkdir(parents=True)
  for number, (film, times) in enumerate(films, 1):
    with av.open(folder / f"clip {number}.mp4", "w") as container:
      stream = container.add_stream("libx264", rate=25, width=SIZE, height=SIZE, pix_fmt="yuv420p")
      stream.codec_context.time_base = fractions.Fraction(1, 1000)
      for picture, seconds in zip(film, times, strict=True):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = round(1000 * seconds), fractions.Fraction(1, 1000)
        container.mux(stream.encode(frame))
      container.mux(stream.encode())


def run(command):
  """Runs what a user types, and shows it."""
  print("$", shlex.join(command), flush=True)
  subprocess.run([sys.executable, "-m", *command], check=True)


def beyond(model, clips, dataset, data_dir):
  """How long rollouts from a window of test clips stay right on the frames before and after the film around it.

  Returns:
    (dict of mean valid frames `forward` and `backward`, and how many there are, true films, predicted ones).
  """
  from hgn_tf.data import batches
  from hgn_tf.evaluation import evaluator, metrics
  from tfds_builders.video_folder import clips as cutting
  c = model.config
  mean = evaluator.Evaluator(dataset, size=c.size, num_frames=c.num_frames, data_dir=data_dir).mean_frame
  states = batches.load_states(dataset, data_dir=data_dir)
  pairs = []
  for name, box in sorted({(name.decode(), tuple(box)) for name, box in
                           zip(states["video"], states["crop"].tolist(), strict=True)}):
    film, = cutting.read_clips(clips / name, [range(FRAMES)], resolution=c.size, crop=box, ground=(0, 0, 0))
    pairs.append(film / np.float32(255))
  true = np.stack(pairs)
  start = evaluator.inferred(model.infer, true[:, MIDDLE : MIDDLE + c.context])
  after = evaluator.rolled_out(model, start, FRAMES - 1 - MIDDLE)
  before = evaluator.rolled_out(model, start, MIDDLE, -1.0)
  trivial = float(np.mean((true - mean) ** 2))
  found = {name: float(np.mean(metrics.valid_prediction_time(metrics.frame_errors(film, of), trivial)))
           for name, film, of in (("forward", after, true[:, MIDDLE:]), ("backward", before, true[:, MIDDLE::-1]))}
  return ({**found, "forward_of": FRAMES - MIDDLE, "backward_of": MIDDLE + 1, "clips": len(true)}, true,
          np.concatenate([before[:, :0:-1], after], axis=1))


def main(argv):
  del argv
  films, fields, model = WORLDS[_WORLD.value]
  out = pathlib.Path(_OUT.value)
  clips, data_dir, workdir = out / "clips", out / "tfds", out / "run"
  if _ONLY_RENDER.value:
    render(clips, films())
    return
  if not clips.exists():  # in another process: OSMesa and TensorFlow each bring an LLVM, and the second one crashes
    run(["benchmarks.own_videos", *sys.argv[1:], "--only_render"])
  from hgn_tf import data
  from hgn_tf.evaluation.plots import rollouts
  from hgn_tf.training import files
  from hgn_tf.training.workdir import Workdir
  run(["tensorflow_datasets.scripts.cli.main", "build", "video_folder", "--imports=tfds_builders",
       f"--manual_dir={clips}", f"--data_dir={data_dir}", "--config", json.dumps({"name": "films", **fields})])
  start = time.monotonic()
  run(["hgn_tf.train", "--preset=hgn_compact_video", f"--set={json.dumps(model)}", f"--steps={_STEPS.value}",
       "--dataset=video_folder/films", f"--data_dir={data_dir}", f"--workdir={workdir}", "--save_every=500"])
  minutes = (time.monotonic() - start) / 60
  run(["hgn_tf.evaluate", f"--workdir={workdir}"])
  trained, picture = Workdir(workdir).load_model(), pathlib.Path(_PICTURES.value, f"{_WORLD.value}.gif")
  figures = json.loads((workdir / "evaluation" / "metrics.json").read_text())
  keep = ("sequences", "mse", "mse_std", "mean_image", "relative_excess", "valid_prediction_time", "energy_drift")
  found = {"world": _WORLD.value, "steps": _STEPS.value, "minutes": minutes, "dataset": fields, "model": model,
           **{split: {key: figures[split][key] for key in keep if key in figures[split]}
              for split in ("train", "test")}}
  picture.parent.mkdir(parents=True, exist_ok=True)
  if len(list(clips.iterdir())) > 1:
    found["beyond"], true, predicted = beyond(trained, clips, "video_folder/films", data_dir)
    true, predicted = true[:2, ::2], predicted[:2, ::2]
  else:
    true = next(iter(data.eval_batches("video_folder/films", batch_size=2, size=trained.config.size,
                                       num_frames=trained.config.num_frames, data_dir=data_dir))).numpy()
    predicted = trained.reconstruct(true).numpy()
  rollouts.animation(picture, [("film", true), ("rollout", predicted)], scale=3)
  files.write_json(pathlib.Path(_RESULTS.value, f"{_WORLD.value}.json"), found)


if __name__ == "__main__":
  app.run(main)
