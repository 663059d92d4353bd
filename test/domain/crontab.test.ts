import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crontabLine, shellWord, systemdService, systemdTimer } from "../../src/domain/crontab.js";

test("plain words stay as they are, others are quoted", () => {
  expect(shellWord("/usr/bin/node")).toBe("/usr/bin/node");
  expect(shellWord("ada@example.com")).toBe("ada@example.com");
  expect(shellWord("")).toBe("''");
  expect(shellWord("it's $HOME")).toBe("'it'\\''s $HOME'");
});

test("a shell reads every word back unchanged", () => {
  const word = fc.string({ unit: fc.constantFrom(..."ab /'\"\\$`%!*?~#&|;<>()[]{}ü\n\t-") });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const said = execFileSync("sh", ["-c", `printf '%s\\0' ${words.map(shellWord).join(" ")}`]);
      expect(said.toString("utf8").split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 50 },
  );
});

test("a crontab line runs hourly, and cron's % is escaped inside quotes too", () => {
  expect(crontabLine(["/usr/bin/node", "/srv/a b/alpha.js", "100%"])).toBe(
    "5 * * * * /usr/bin/node '/srv/a b/alpha.js' 100\\%",
  );
});

test("a systemd word is quoted, and % and $ stand for themselves", () => {
  const text = systemdService(["/opt/$n/node", '/srv/a "b"/100%/\\x', "$HOME"], "alpha");
  expect(text).toContain('ExecStart="/opt/$n/node" "/srv/a \\"b\\"/100%%/\\\\x" "$$HOME"\n');
  expect(text).toContain("\nUser=alpha\n");
});

test("the timer makes up for what the machine slept through", () => {
  expect(systemdTimer()).toMatch(/OnCalendar=hourly[\s\S]*Persistent=true[\s\S]*WantedBy=timers\.target/);
});

test.each(["\n", "\r", "\0"])("a path that no line can carry is refused: %j", (character) => {
  expect(() => crontabLine([`/srv/a${character}b`])).toThrow("line break");
  expect(() => systemdService([`/srv/a${character}b`], "root")).toThrow("line break");
});
