// The face turns under a mouse, a finger, the arrow keys and buttons; a landmark's heatmap is chosen in the list.
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("face").textContent);
  const canvas = document.querySelector("canvas");
  const select = document.querySelector("select");
  const labels = document.querySelector("input[type=checkbox]");
  const rows = [...document.querySelectorAll("tbody tr")];
  const context = canvas.getContext("2d");

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const wide = (text) => new Int16Array(bytes(text).buffer);
  const points = wide(data.points), shade = bytes(data.shade);
  const near = new Uint16Array(bytes(data.near).buffer), weights = bytes(data.weights);
  const heat = bytes(data.heat), marks = wide(data.landmarks);
  const count = shade.length, nodes = heat.length / data.count;
  const HALF = 32767, PER_POINT = 4, STEP = Math.PI / 18, PER_PIXEL = 0.01;
  // Matplotlib's inferno from 0.25 on.
  const HEAT = [[87, 16, 110], [120, 28, 109], [151, 39, 102], [188, 55, 84], [221, 81, 58], [243, 120, 25], [252, 165, 10], [246, 215, 70], [252, 255, 164]];

  let view = [1, 0, 0, 0, 1, 0, 0, 0, 1], zoom = 1, chosen = -1, waiting = false;

  // First about the vertical of the screen, then about its horizontal; matrices as nine numbers, row by row.
  const turn = (yaw, pitch) => {
    const c = Math.cos(yaw), s = Math.sin(yaw), d = Math.cos(pitch), t = Math.sin(pitch);
    const by = [c, 0, s, t * s, d, -t * c, -d * s, t, d * c];
    view = view.map((_, i) => {
      const row = 3 * Math.floor(i / 3), column = i % 3;
      return by[row] * view[column] + by[row + 1] * view[column + 3] + by[row + 2] * view[column + 6];
    });
    draw();
  };

  // The value at each point of the surface, from the points that the network saw: 0 to 255.
  const spread = () => {
    const values = new Float32Array(nodes), result = new Float32Array(count);
    for (let n = 0; n < nodes; n++) {
      const own = heat.subarray(n * data.count, (n + 1) * data.count);
      values[n] = chosen < 0 ? Math.max(...own) : own[chosen];
    }
    for (let i = 0; i < count; i++) {
      for (let k = i * PER_POINT; k < (i + 1) * PER_POINT; k++) result[i] += (weights[k] / 255) * values[near[k]];
    }
    return result;
  };

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const numbers = (text) => text.split(" ").map(Number);

  const colours = () => {
    const skin = numbers(style("--skin")), dark = numbers(style("--dark")), values = spread();
    return Array.from(values, (value, i) => {
      const share = shade[i] / 255, h = Math.min(value / 255, 1), over = Math.min(Math.max((h - 0.05) / 0.25, 0), 1);
      const at = Math.min(h, 0.9999) * (HEAT.length - 1), low = HEAT[Math.floor(at)], high = HEAT[Math.floor(at) + 1];
      const rgb = [0, 1, 2].map((c) => {
        const plain = dark[c] + share * (skin[c] - dark[c]), hot = low[c] + (at % 1) * (high[c] - low[c]);
        return Math.round(plain + over * (hot - plain));
      });
      return `rgb(${rgb.join(" ")})`;
    });
  };
  let painted = colours();

  const project = (list, i, size) => {
    const x = list[3 * i] / HALF, y = list[3 * i + 1] / HALF, z = list[3 * i + 2] / HALF;
    const scale = 0.47 * size * zoom;
    return [
      size / 2 + scale * (view[0] * x + view[1] * y + view[2] * z),
      size / 2 - scale * (view[3] * x + view[4] * y + view[5] * z),
      view[6] * x + view[7] * y + view[8] * z,
    ];
  };

  const paint = () => {
    waiting = false;
    const ratio = window.devicePixelRatio || 1, size = Math.round(canvas.clientWidth * ratio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    context.clearRect(0, 0, size, size);
    const placed = Array.from({ length: count }, (_, i) => project(points, i, size));
    const order = Array.from(placed.keys()).sort((a, b) => placed[a][2] - placed[b][2]);
    const dot = Math.max(2, (1.7 / Math.sqrt(count)) * size * zoom);
    // The back is drawn first, so that the front hides it.
    for (const i of order) {
      context.fillStyle = painted[i];
      context.fillRect(placed[i][0] - dot / 2, placed[i][1] - dot / 2, dot, dot);
    }
    drawMarks(size, ratio);
  };

  const drawMarks = (size, ratio) => {
    context.lineWidth = ratio;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    for (let i = 0; i < data.count; i++) {
      const [x, y] = project(marks, i, size), own = i === chosen;
      context.beginPath();
      context.arc(x, y, (own ? 5 : 3) * ratio, 0, 2 * Math.PI);
      context.fillStyle = own ? style("--chosen") : style("--mark");
      context.strokeStyle = style("--mark-edge");
      context.fill();
      context.stroke();
      if (!labels.checked && !own) continue;
      context.lineWidth = 3 * ratio;
      context.strokeText(i, x + 5 * ratio, y - 5 * ratio);
      context.lineWidth = ratio;
      context.fillText(i, x + 5 * ratio, y - 5 * ratio);
    }
  };

  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(paint);
  };

  const choose = (landmark) => {
    chosen = landmark;
    select.value = String(landmark);
    rows.forEach((row, i) => row.classList.toggle("chosen", i === landmark));
    painted = colours();
    draw();
  };

  const press = (key) => {
    const turns = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (key in turns) turn(...turns[key]);
    else if (key === "+" || key === "-") {
      zoom = Math.min(6, Math.max(0.5, zoom * (key === "+" ? 1.25 : 0.8)));
      draw();
    } else if (key === "Home") {
      view = [1, 0, 0, 0, 1, 0, 0, 0, 1];
      zoom = 1;
      draw();
    } else return false;
    return true;
  };

  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    last = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    turn((event.clientX - last[0]) * PER_PIXEL, (event.clientY - last[1]) * PER_PIXEL);
    last = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  canvas.addEventListener("keydown", (event) => press(event.key) && event.preventDefault());
  document.querySelectorAll("button").forEach((b) => b.addEventListener("click", () => press(b.dataset.key)));
  select.addEventListener("change", () => choose(Number(select.value)));
  labels.addEventListener("change", draw);
  rows.forEach((row, i) => row.addEventListener("click", () => choose(chosen === i ? -1 : i)));
  window.addEventListener("resize", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => choose(chosen));
  document.querySelectorAll("[hidden]").forEach((element) => element.removeAttribute("hidden"));
  paint();
})();
