import { Chart } from "chart.js";
import type { PageData } from "../render/html-data.js";
import { costChart, estimatesChart, limitsChart } from "./charts.js";

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as PageData;
const MAKERS = { cost: costChart, limits: limitsChart, estimates: estimatesChart } as const;
const drawn: Chart[] = [];

/** Draws all charts in the colours that hold now, in place of those that are there. */
function draw(): void {
  for (const chart of drawn.splice(0)) chart.destroy();
  for (const [id, make] of Object.entries(MAKERS)) {
    const canvas = document.getElementById(id);
    if (!(canvas instanceof HTMLCanvasElement)) continue;
    const { config, height } = make(data);
    // As high as its bars need it.
    if (height !== null && canvas.parentElement) canvas.parentElement.style.height = `${height}px`;
    drawn.push(new Chart(canvas, config));
  }
}

const root = document.documentElement;
/** About as wide as a sheet of paper leaves room for. */
const PAPER_WIDTH = 700;

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
addEventListener("beforeprint", () => {
  root.dataset.paper = "";
  draw();
  for (const chart of drawn) chart.resize(Math.min(chart.width, PAPER_WIDTH), chart.height);
});
addEventListener("afterprint", () => {
  delete root.dataset.paper;
  draw();
});
