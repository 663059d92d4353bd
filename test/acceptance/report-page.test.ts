import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startBrowser } from "../support/browser.js";
import type { Home } from "../support/cli.js";
import { preparedHomes } from "../support/prepared-homes.js";
import { INSTALL_MS } from "../support/programs.js";

const { prepared, empty } = preparedHomes();
const EVIL = `</script><script>document.title="evil"</script><img src=x onerror="document.title='evil'"><!--`;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, INSTALL_MS);
afterAll(() => browser?.close());

/**
 * A month with two models and unpriced images: `large` for $6 on the 2nd, one of an evil name for $2 on the 3rd, and 40 images on
 * the 4th, assumed to cost $2. Of Basic's $100 a month ada has used 8 %; of Free's 5 images a day bob used 40, which is
 * 800 %.
 */
async function month(): Promise<Home> {
  const home = await empty();
  await home.ok(["init", "--time-zone", "UTC", "--daily-budget", "1000"]);
  await home.ok([
    "users",
    "add",
    "ada@example.com",
    "--tier",
    "basic",
    "--persona",
    "active",
    "--name",
    EVIL,
  ]);
  await home.ok(["users", "add", "bob@example.com"]);
  const call = (day: number, user: string, rest: object) =>
    JSON.stringify({ timestamp: `2026-11-0${day}T10:00:00Z`, user: `${user}@example.com`, ...rest });
  const log = [
    call(2, "ada", { model: "large", input_tokens: 1_000, cost_usd: 6 }),
    call(3, "ada", { model: EVIL, input_tokens: 500, cost_usd: 2 }),
    call(4, "bob", { model: "painter", images: 40 }),
  ];
  await home.ok(["usage", "import", "-"], { input: log.join("\n") });
  return home;
}

/** The report of a home as a page in a browser, which must ask for nothing and complain of nothing. */
async function pageOf(home: Home, options: BrowserContextOptions = {}, wrong: string[] = []): Promise<Page> {
  await home.ok(["usage", "report", "--month", "2026-11", "--html", "report.html"]);
  const context = await browser.newContext({ viewport: { width: 1_000, height: 800 }, ...options });
  const page = await context.newPage();
  const url = `file://${join(home.path, "report.html")}`;
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("dialog", (dialog) => wrong.push(dialog.message()));
  page.on("request", (request) => {
    if (request.url() !== url) wrong.push(request.url());
  });
  onTestFinished(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });
  await page.goto(url);
  return page;
}

/** How many pixels of a chart have the colour that a variable of the style has now. */
function pixels(page: Page, chart: string, variable: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.getElementById("${chart}");
    const hex = getComputedStyle(document.documentElement).getPropertyValue("${variable}").trim();
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) found += 1;
    }
    return found;
  })()`);
}

const background = (page: Page) => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");

/** Fires what the browser fires around printing. */
const fire = (page: Page, name: string) => page.evaluate(`void dispatchEvent(new Event("${name}"))`);

describe("the page of a report", () => {
  test("draws what things cost as bars whose lengths are the costs", async () => {
    const page = await pageOf(await month());
    const [large, small, assumed] = await Promise.all(
      ["--model-1", "--model-2", "--assumed"].map((name) => pixels(page, "cost", name)),
    );
    // $6, $2 and $2 in bars of one width. The boxes of the legend, 12 pixels high and wide, are among the pixels.
    const box = 12 * 12;
    const unit = ((small ?? 0) - box) / 2;
    expect(unit).toBeGreaterThan(200);
    expect(((large ?? 0) - box) / unit).toBeCloseTo(6, 0);
    expect(((assumed ?? 0) - box) / unit).toBeCloseTo(2, 0);
    expect(await pixels(page, "cost", "--model-3")).toBe(0);

    // Bob is far above his limit and ada far below hers.
    expect(await pixels(page, "limits", "--bad")).toBeGreaterThan(5 * (await pixels(page, "limits", "--ok")));
    // $60 stated and $21 computed in 30 days; both for the 22 days of November up to today, and $8 came of it.
    const [stated = 0, computed = 0, actual = 0] = await Promise.all(
      ["--stated", "--computed", "--actual"].map((name) => pixels(page, "estimates", name)),
    );
    expect((stated - box) / (computed - box)).toBeCloseTo(60 / 21, 0);
    expect(actual).toBeGreaterThan(box);
  });

  test("says in tables what the charts show, and what the report says", async () => {
    const home = await month();
    const page = await pageOf(home);
    const text = await page.locator("body").textContent();
    expect(text).toContain("2026-11-01 to 2026-11-30 (30 days), accounting zone UTC; day 22 is running.");
    const report = await home.ok(["usage", "report", "--month", "2026-11"]);
    for (const note of report
      .split("\n")
      .filter((line) => line.endsWith("."))
      .slice(1))
      expect(text).toContain(note);
    const rows = await page.locator("section:has(h2:text('By tester')) tbody tr").allInnerTexts();
    expect(rows.map((row) => row.split("\t").slice(0, 2))).toEqual([
      ["ada@example.com", "basic"],
      ["bob@example.com", "free"],
    ]);
    const models = await page.locator("section:has(h2:text('By model')) tbody tr").allInnerTexts();
    expect(models.map((row) => row.split("\t")[0])).toEqual(["large", EVIL, "painter"]);
    for (const chart of await page.getByRole("img").all()) {
      expect(await chart.getAttribute("aria-label")).toMatch(/\.$/);
    }
    expect(await page.getByRole("img").count()).toBe(3);
  });

  test("runs nothing that stands in a name, and lets nothing be loaded", async () => {
    const complaints: string[] = [];
    const page = await pageOf(await month(), {}, complaints);
    expect(await page.title()).toBe("Usage and cost, 2026-11-01 to 2026-11-30");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator("script").count()).toBe(2);
    const refused = await page.evaluate<string[]>(`new Promise((resolve) => {
      const refused = [];
      addEventListener("securitypolicyviolation", (event) => {
        if (refused.push(event.effectiveDirective) === 2) resolve(refused.sort());
      });
      const script = document.createElement("script");
      script.textContent = "document.title = 'evil'";
      document.body.append(script);
      fetch("https://example.com").catch(() => null);
    })`);
    expect(refused).toEqual(["connect-src", "script-src-elem"]);
    expect(await page.title()).not.toBe("evil");
    expect(complaints.splice(0)).toHaveLength(3);
  });

  test("is dark where that is preferred, from one moment to the next, and light on paper", async () => {
    const page = await pageOf(await month(), { colorScheme: "light" });
    expect(await background(page)).toBe("rgb(255, 255, 255)");
    const light = await pixels(page, "cost", "--model-1");
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await background(page)).toBe("rgb(15, 19, 24)");
    await expect.poll(() => pixels(page, "cost", "--model-1")).toBe(light);
    await fire(page, "beforeprint");
    expect(await background(page)).toBe("rgb(255, 255, 255)");
    expect(await pixels(page, "cost", "--model-1")).toBeGreaterThan(0);
    await fire(page, "afterprint");
    expect(await background(page)).toBe("rgb(15, 19, 24)");
    expect(await pixels(page, "cost", "--model-1")).toBe(light);
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(pdf.toString("latin1").match(/\/Type \/Page\b/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test("fits a phone, across and along", async () => {
    const home = await month();
    const grace = "grace.brewster.murray@navy.example.org";
    await home.ok(["users", "add", grace]);
    const call = [
      "--model",
      "gpt-4o-mini-2024-07-18",
      "--feature",
      "content_planning",
      "--input-tokens",
      "5",
    ];
    await home.ok(["usage", "record", grace, ...call, "--at", "2026-11-05T10:00:00Z"]);
    const page = await pageOf(home, { viewport: { width: 390, height: 844 }, isMobile: true });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    // Names are broken behind their signs, so that no part of one stands on two lines; the evil one is no name.
    const [parts, broken] = await page.evaluate<[number, string[]]>(`(() => {
      const texts = [...document.querySelectorAll("td.name")].flatMap((cell) => [...cell.childNodes]).filter((node) => node.nodeType === 3 && !/[<>]/.test(node.data));
      const range = document.createRange();
      const lines = (node) => (range.selectNodeContents(node), range.getClientRects().length);
      return [texts.length, texts.filter((node) => lines(node) > 1).map((node) => node.data)];
    })()`);
    expect(parts).toBeGreaterThan(10);
    expect(broken).toEqual([]);
    for (const chart of await page.getByRole("img").all()) {
      const box = await chart.boundingBox();
      expect(box?.width).toBeGreaterThan(300);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(390);
    }
    await page.setViewportSize({ width: 844, height: 390 });
    await expect
      .poll(async () => (await page.getByRole("img").first().boundingBox())?.width)
      .toBeGreaterThan(700);
  });

  test("of a month without testers says so, and has no charts", async () => {
    const home = await empty();
    await home.ok(["init"]);
    const page = await pageOf(home);
    expect(await page.locator("main").textContent()).toContain(
      "Nobody was a tester then, and nothing was used.",
    );
    expect(await page.getByRole("img").count()).toBe(0);
  });
});

describe("alpha usage report --html", () => {
  test("writes one file, carries its licences, and says what it wrote", async () => {
    const home = await prepared();
    const files = readdirSync(home.path);
    expect(await home.ok(["usage", "report", "--html", "report.html"])).toMatch(
      /^Wrote the report of 2026-11-01 to 2026-11-30 to report\.html \(\d+ KB\)\n$/,
    );
    expect(readdirSync(home.path).sort()).toEqual([...files, "report.html"].sort());
    const text = readFileSync(join(home.path, "report.html"), "utf8");
    expect(text).toMatch(/chart\.js [\d.]+ \(MIT\)/);
    expect(text).toContain("Permission is hereby granted");
    expect(text).not.toMatch(/<(?:link|img|iframe)|src=|https?:\/\/(?!www\.chartjs\.org|github\.com)/);
    expect(await home.json(["usage", "report", "--html", "report.html", "--since", "2026-11-20"])).toEqual({
      file: "report.html",
      bytes: expect.any(Number),
      since: "2026-11-20",
      until: "2026-11-23",
    });
    const undated = (page: string) => page.replace(/As of [^ ]+Z/, "");
    expect(undated(await home.ok(["usage", "report", "--html", "-"]))).toBe(undated(text));
  });

  test("replaces an older report and nothing else", async () => {
    const home = await prepared();
    writeFileSync(join(home.path, "index.html"), "<!doctype html><p>mine</p>");
    const refused = await home.run(["usage", "report", "--html", "index.html"]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toBe(
      "error: index.html exists and is no report of alpha's\nhint: name a file that does not exist; only an older report is replaced\n",
    );
    expect(readFileSync(join(home.path, "index.html"), "utf8")).toBe("<!doctype html><p>mine</p>");
  });

  test.each([
    [["--by", "model"], "--by model is for tables; a page has the report by everything"],
    [["--format", "csv"], "--html r.html and --format csv are two reports in one place"],
    [["--month", "November"], '--month "November" is not a month'],
  ])("is refused with %j", async (args, message) => {
    const home = await prepared();
    const refused = await home.run(["usage", "report", "--html", "r.html", ...args]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`error: ${message}\n`);
    expect(readdirSync(home.path)).not.toContain("r.html");
  });
});
