// Clouds turn under a mouse, a finger, the arrow keys and buttons. Without this each is a picture from one side.
(() => {
  "use strict";

  // The sizes of the drawing are those of html_cloud.py.
  const CENTRE = 320, FAR = 290 / 3, CORNER = [56, 584], ARROW = 40;
  const STEP = Math.PI / 18, PER_PIXEL = 0.01;
  const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

  const numbers = (text) => text.split(" ").map(Number);

  // First about the vertical of the screen, then about its horizontal; matrices as nine numbers, row by row.
  const turned = (m, yaw, pitch) => {
    const c = Math.cos(yaw), s = Math.sin(yaw), d = Math.cos(pitch), t = Math.sin(pitch);
    const by = [c, 0, s, t * s, d, -t * c, -d * s, t, d * c];
    return m.map((_, i) => {
      const row = 3 * Math.floor(i / 3), column = i % 3;
      return by[row] * m[column] + by[row + 1] * m[column + 3] + by[row + 2] * m[column + 6];
    });
  };

  const drawPoints = (cloud) => {
    const { points: p, levels, paths, view: m } = cloud;
    const perBand = paths.length / 3;
    const marks = Array.from(paths, () => "");
    for (let i = 0, k = 0; i < levels.length; i++, k += 3) {
      const x = Math.floor(CENTRE + m[0] * p[k] + m[1] * p[k + 1] + m[2] * p[k + 2] + 0.5);
      const y = Math.floor(CENTRE - m[3] * p[k] - m[4] * p[k + 1] - m[5] * p[k + 2] + 0.5);
      const depth = m[6] * p[k] + m[7] * p[k + 1] + m[8] * p[k + 2];
      const band = depth > FAR ? 2 : depth < -FAR ? 0 : 1;
      const level = Number(levels[i]);
      const end = level === perBand - 1 ? "m-6 -6l12 12m0 -12l-12 12" : "h0";
      marks[band * perBand + level] += `M${x} ${y}${end}`;
    }
    paths.forEach((path, i) => path.setAttribute("d", marks[i]));
  };

  const drawAxes = ({ axes, labels, view: m }) => {
    for (let i = 0; i < 3; i++) {
      const at = (length) => [CORNER[0] + length * m[i], CORNER[1] - length * m[i + 3]];
      const [[x, y], [u, v]] = [at(ARROW), at(1.4 * ARROW)];
      axes[i].setAttribute("x2", x);
      axes[i].setAttribute("y2", y);
      labels[i].setAttribute("x", u);
      labels[i].setAttribute("y", v);
    }
  };

  const show = (cloud, view) => {
    cloud.view = view;
    if (cloud.waiting) return;
    cloud.waiting = true;
    requestAnimationFrame(() => {
      cloud.waiting = false;
      drawPoints(cloud);
      drawAxes(cloud);
    });
  };

  const press = (cloud, key) => {
    if (key === "Home") show(cloud, cloud.first);
    else show(cloud, turned(cloud.view, ...KEYS[key]));
  };

  const listen = (svg, cloud) => {
    let last = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || last) return;
      last = event;
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (event.pointerId !== last?.pointerId) return;
      const [x, y] = [event.clientX - last.clientX, event.clientY - last.clientY];
      show(cloud, turned(cloud.view, PER_PIXEL * x, PER_PIXEL * y));
      last = event;
    });
    for (const name of ["pointerup", "pointercancel"]) {
      svg.addEventListener(name, (event) => {
        if (event.pointerId === last?.pointerId) last = null;
      });
    }
    svg.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS || event.key === "Home")) return;
      event.preventDefault();
      press(cloud, event.key);
    });
  };

  for (const svg of document.querySelectorAll("svg.cloud")) {
    const first = numbers(svg.dataset.view);
    const cloud = {
      points: numbers(document.getElementById(svg.dataset.cloud).dataset.points),
      levels: svg.dataset.levels,
      paths: svg.querySelectorAll("path"),
      axes: svg.querySelectorAll("line"),
      labels: svg.querySelectorAll("text"),
      first,
      view: first,
      waiting: false,
    };
    listen(svg, cloud);
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")} Arrow keys turn it, Home turns it back.`);
    for (const hidden of svg.parentElement.querySelectorAll(".buttons [hidden]")) hidden.hidden = false;
    for (const button of svg.parentElement.querySelectorAll("button[data-turn]")) {
      button.addEventListener("click", () => press(cloud, button.dataset.turn));
    }
  }
})();
