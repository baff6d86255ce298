"""zuko's flows (PyTorch) with the same standardisation, optimiser and budget as the Keras models."""

import copy

import numpy as np
import torch
import zuko

CHUNK = 10_000


class ZukoFlow:
  """A zuko flow that fits points.

  Args:
    name: "zuko_nsf" or "zuko_real_nvp".
    event_size: d of the points.
    seed: of weights and batches.
    steps, batch_size: of Adam with cosine decay from 1e-3.
  """

  def __init__(self, name, event_size, *, seed, steps, batch_size):
    torch.manual_seed(seed)
    make = zuko.flows.NSF if name == "zuko_nsf" else zuko.flows.RealNVP
    self.flow = make(event_size, transforms=3, hidden_features=(64, 64))
    self.steps, self.batch_size = steps, batch_size

  @property
  def parameters(self):
    """Trainable numbers."""
    return sum(p.numel() for p in self.flow.parameters())

  def fit(self, x, parts, validation=None):
    """Trains on points [n, d]; the mean loss, in nats, of each of `parts` parts of the steps.

    Where there are validation points, the weights are those of the part that was best on them.
    """
    self.shift, self.scale = x.mean(0), x.std(0)
    self.scale = np.where(self.scale > 0, self.scale, 1.0).astype(np.float32)
    optimizer = torch.optim.Adam(self.flow.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
    data, losses, best = torch.from_numpy((x - self.shift) / self.scale), [], (-np.inf, None)
    for _ in range(parts):
      losses.append(np.mean([self._step(data, optimizer, schedule) for _ in range(self.steps // parts)]))
      if validation is not None and (score := self.log_prob(validation).mean()) > best[0]:
        best = score, copy.deepcopy(self.flow.state_dict())
    if best[1] is not None:
      self.flow.load_state_dict(best[1])
    return (np.array(losses) + np.log(self.scale).sum()).tolist()

  def _step(self, data, optimizer, schedule):
    loss = -self.flow().log_prob(data[torch.randint(len(data), (self.batch_size,))]).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(self.flow.parameters(), 10.0)
    optimizer.step()
    schedule.step()
    return loss.item()

  @torch.no_grad()
  def log_prob(self, x):
    """Nats [n] of points [n, d]."""
    data = torch.from_numpy(((x - self.shift) / self.scale).astype(np.float32))
    return torch.cat([self.flow().log_prob(part) for part in data.split(CHUNK)]).numpy() - np.log(self.scale).sum()

  @torch.no_grad()
  def sample(self, n, seed):
    """Points [n, d]."""
    torch.manual_seed(seed)
    return self.flow().sample((n,)).numpy() * self.scale + self.shift
