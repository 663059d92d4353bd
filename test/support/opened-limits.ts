import { onTestFinished } from "vitest";
import { type Limits, openLimits } from "../../src/index.js";
import { freshHome, type Home, NOW } from "./cli.js";

/** The limits of a home with one tester, ada on free, until the test has ended. */
export async function opened({ now = () => NOW } = {}): Promise<{ home: Home; limits: Limits }> {
  const home = freshHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  const limits = await openLimits({ database: home.database, now });
  onTestFinished(() => limits.close());
  return { home, limits };
}
