import { expect, test } from "vitest";
import { preparedHomes } from "../support/prepared-homes.js";
import { snapshot } from "../support/snapshot.js";

const { prepared } = preparedHomes();

test.each([
  ["usage export", ["usage", "export", "alpha.db", "--yes"]],
  ["usage report --html", ["usage", "report", "--html", "alpha.db"]],
])("%s writes nothing in the place of the database itself", async (_, args) => {
  const home = await prepared();
  const before = snapshot(home.database);
  expect(await home.run(args)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: "error: alpha.db is the database itself\nhint: name another file\n",
  });
  expect(snapshot(home.database)).toEqual(before);
});
