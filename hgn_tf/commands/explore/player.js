// Plays what the server rolled out once: every frame and every place of a cursor is here already.
const FRAMES_PER_SECOND = 20;
const $ = (role) => element.querySelector(`[data-role=${role}]`);
const sheets = {};
let time = 0, speed = 1, playing = true, before = null, newest = 0;

function show() {
  const reach = props.value ? props.value.reach : 120, now = Math.round(time);
  for (const role of ["film", "rollout", "beside", "truth"]) drawFrame(role, now);
  $("time").value = now;
  $("now").textContent = now + (Math.abs(now) === 1 ? " frame" : " frames");
  $("rate").textContent = speed + "x";
  $("play").textContent = playing ? "Pause" : "Play";
  moveCursors(now, reach);
  element.dataset.time = now;
}

function drawFrame(role, now) {
  const sheet = sheets[role], canvas = $(role).querySelector("canvas");
  $(role).hidden = !sheet;
  if (!sheet) return;
  const index = Math.min(Math.max(now - sheet.first, 0), sheet.count - 1);
  const size = sheet.size, context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet.image, (index % sheet.columns) * size, Math.floor(index / sheet.columns) * size, size, size,
                    0, 0, canvas.width, canvas.height);
  canvas.classList.toggle("beyond", index !== now - sheet.first);
  $(role).querySelector("figcaption").textContent =
      sheet.title + (index !== now - sheet.first ? " (no frame of this time)" : "");
}

async function takeSheets() {
  const value = props.value, mine = ++newest;
  if (!value) return;
  const images = await Promise.all(Object.entries(value.sheets).map(async ([role, sheet]) => {
    const image = new Image();
    image.src = sheet.url;
    await image.decode();
    return [role, {...sheet, image, columns: value.columns}];
  }));
  if (mine !== newest) return;  // others came meanwhile
  for (const role in sheets) delete sheets[role];
  Object.assign(sheets, Object.fromEntries(images));
  $("note").textContent = value.note;
  element.dataset.answers = Number(element.dataset.answers || 0) + 1;
  show();
}

function takeCharts() {
  const charts = props.charts, box = $("charts");
  if (!charts) return;
  box.querySelector("img").src = charts.picture;
  box.querySelectorAll("i").forEach((cursor) => cursor.remove());
  for (const [left, right, top, bottom] of charts.spans) {
    const line = box.appendChild(document.createElement("i"));
    line.className = "line";
    line.style.top = 100 * top + "%";
    line.style.height = 100 * (bottom - top) + "%";
  }
  for (const {color} of charts.dots) {
    const dot = box.appendChild(document.createElement("i"));
    dot.className = "dot";
    dot.style.background = color;
  }
  element.dataset.charts = Number(element.dataset.charts || 0) + 1;
  show();
}

function moveCursors(now, reach) {
  const charts = props.charts;
  if (!charts) return;
  $("charts").querySelectorAll("i.line").forEach((line, i) => {
    const [left, right] = charts.spans[i] || [0, 0];
    line.style.left = 100 * (left + (right - left) * (now + reach) / (2 * reach)) + "%";
  });
  $("charts").querySelectorAll("i.dot").forEach((dot, i) => {
    const place = charts.dots[i] && charts.dots[i].places[now + reach];
    dot.hidden = !place;
    if (place) [dot.style.left, dot.style.top] = place.map((x) => 100 * x + "%");
  });
}

function tick(stamp) {
  if (!element.isConnected) return;
  if (playing && before !== null && props.value) {
    const reach = props.value.reach, next = time + speed * FRAMES_PER_SECOND * (stamp - before) / 1000;
    time = next > reach ? -reach : next < -reach ? reach : next;
    if (String(Math.round(time)) !== element.dataset.time) show();
  }
  before = stamp;
  requestAnimationFrame(tick);
}

function seek(to) { time = Number(to); show(); }
function play(on) { playing = on; show(); }

$("time").addEventListener("input", (event) => { playing = false; seek(event.target.value); });
$("speed").addEventListener("input", (event) => { speed = Number(event.target.value); play(true); });
$("play").addEventListener("click", () => play(!playing));
watch("value", takeSheets);
watch("charts", takeCharts);
globalThis.hgnPlayer = {now: () => Math.round(time), seek, play};
takeSheets();
takeCharts();
requestAnimationFrame(tick);
