import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Legend,
  LinearScale,
  type Plugin,
  type ScaleOptionsByType,
  Tooltip,
  type TooltipItem,
} from "chart.js";
import { formatUsd } from "../domain/money.js";
import type { PageData, Series } from "../render/html-data.js";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Legend, Tooltip);

/** A chart to be drawn. */
interface Drawing {
  readonly config: ChartConfiguration<"bar">;
  /** In pixels; `null`: as the page says. */
  readonly height: number | null;
}

const NANOS = 1e9;
const ROW = 24;
const AXES = 90;
/** Where a bar goes on beyond the chart: what is far above a limit must not hide what is near one. */
const LONGEST = 1.5;
const LONGEST_NAME = 32;
const LONGEST_NAME_ON_PHONE = 16;
const PHONE = 560;

export function costChart({ cost }: PageData): Drawing {
  const datasets = cost.series.map(
    (series, at): ChartDataset<"bar"> => ({
      label: shortened(series.name),
      data: [...series.values],
      backgroundColor: colorOf(series, at),
    }),
  );
  const config: ChartConfiguration<"bar"> = {
    type: "bar",
    data: { labels: [...cost.labels], datasets },
    options: {
      ...common(),
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { ...axis(), stacked: true, grid: { display: false } },
        y: { ...axis(), stacked: true, beginAtZero: true, ticks: { ...ticks(), callback: dollars } },
      },
      plugins: { legend: legend(), tooltip: { filter: ({ raw }) => raw !== 0, callbacks: moneyLabel } },
    },
  };
  return { config, height: null };
}

export function limitsChart({ limits }: PageData): Drawing {
  const { names, ratios, details, warnAt, blockAt } = limits;
  const colors = ratios.map((ratio) =>
    color(ratio >= blockAt ? "--bad" : ratio >= warnAt ? "--warn" : "--ok"),
  );
  const longest = ratios.reduce((most, ratio) => Math.max(most, ratio), 1);
  const config: ChartConfiguration<"bar"> = {
    type: "bar",
    data: { labels: names.map(shortened), datasets: [{ data: [...ratios], backgroundColor: colors }] },
    options: {
      ...common(),
      indexAxis: "y",
      layout: { padding: { right: 44 } },
      scales: {
        x: {
          ...axis(),
          beginAtZero: true,
          max: Math.min(longest, LONGEST),
          ticks: { ...ticks(), callback: (value) => percent(Number(value)) },
        },
        y: { ...axis(), grid: { display: false } },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            title: ([item]) => names[item?.dataIndex ?? -1] ?? "",
            label: ({ dataIndex }) => [...(details[dataIndex] ?? [])],
          },
        },
      },
    },
    plugins: [thresholds([warnAt, blockAt]), endLabels(ratios)],
  };
  return { config, height: names.length * ROW + AXES };
}

export function estimatesChart({ estimates }: PageData): Drawing {
  const { names, stated, computed, actual } = estimates;
  const bars = (label: string, values: readonly (number | null)[], name: string): ChartDataset<"bar"> => ({
    label,
    data: values.map((value) => value ?? Number.NaN),
    backgroundColor: color(name),
  });
  const config: ChartConfiguration<"bar"> = {
    type: "bar",
    data: {
      labels: names.map(shortened),
      datasets: [
        bars("stated", stated, "--stated"),
        bars("computed", computed, "--computed"),
        bars("actual", actual, "--actual"),
      ],
    },
    options: {
      ...common(),
      indexAxis: "y",
      interaction: { mode: "index", axis: "y", intersect: false },
      scales: {
        x: { ...axis(), beginAtZero: true, ticks: { ...ticks(), callback: dollars } },
        y: { ...axis(), grid: { display: false } },
      },
      plugins: {
        legend: legend(),
        tooltip: { callbacks: { ...moneyLabel, title: ([item]) => names[item?.dataIndex ?? -1] ?? "" } },
      },
    },
  };
  return { config, height: names.length * ROW * 2 + AXES };
}

function common() {
  return { responsive: true, maintainAspectRatio: false, animation: false } as const;
}

function axis() {
  return { ticks: ticks(), grid: { color: color("--line") }, border: { color: color("--line") } };
}

function ticks(): Partial<ScaleOptionsByType<"linear">["ticks"]> & { readonly color: string } {
  return { color: color("--muted") };
}

function legend() {
  return { position: "bottom", labels: { color: color("--text"), boxWidth: 12, boxHeight: 12 } } as const;
}

const moneyLabel = {
  label: ({ dataset, raw }: TooltipItem<"bar">) =>
    `${dataset.label ?? ""}: ${Number.isFinite(raw) ? money(Number(raw)) : "-"}`,
};

function colorOf({ kind }: Series, at: number): string {
  return color(kind === "model" ? `--model-${at + 1}` : `--${kind}`);
}

/** The value of a variable of the page's style. */
function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** On an axis, where most amounts are whole. */
function dollars(value: number | string): string {
  return money(Number(value)).replace(/\.00$/, "");
}

function money(usd: number): string {
  return formatUsd(Math.round(usd * NANOS));
}

/** Cut and not rounded, so that 100% always means reached. */
function percent(ratio: number): string {
  return `${Math.trunc(ratio * 100 + 1e-9)}%`;
}

function shortened(name: string): string {
  const most = innerWidth < PHONE ? LONGEST_NAME_ON_PHONE : LONGEST_NAME;
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

/** Lines at the parts of a limit from which testers are warned and blocked. */
function thresholds(ratios: readonly number[]): Plugin<"bar"> {
  return {
    id: "thresholds",
    afterDatasetsDraw({ ctx, chartArea, scales: { x } }) {
      if (x === undefined) return;
      ctx.save();
      ctx.setLineDash([4, 4]);
      ratios.forEach((ratio, at) => {
        const left = x.getPixelForValue(ratio);
        ctx.strokeStyle = color(at === 0 ? "--warn" : "--bad");
        ctx.beginPath();
        ctx.moveTo(left, chartArea.top);
        ctx.lineTo(left, chartArea.bottom);
        ctx.stroke();
      });
      ctx.restore();
    },
  };
}

/** Says at the end of each bar what it stands for, the more so where it goes on. */
function endLabels(ratios: readonly number[]): Plugin<"bar"> {
  return {
    id: "endLabels",
    afterDatasetsDraw({ ctx, chartArea, scales: { x, y } }) {
      if (x === undefined || y === undefined) return;
      ctx.save();
      ctx.fillStyle = color("--text");
      ctx.font = "12px system-ui, sans-serif";
      ctx.textBaseline = "middle";
      ratios.forEach((ratio, at) => {
        const left = Math.min(x.getPixelForValue(ratio), chartArea.right);
        ctx.fillText(percent(ratio), left + 4, y.getPixelForValue(at));
      });
      ctx.restore();
    },
  };
}
