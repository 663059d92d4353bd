import { expect, test } from "vitest";
import { preparedHomes } from "../support/prepared-homes.js";
import { snapshot } from "../support/snapshot.js";

const { prepared } = preparedHomes();

test("nothing is written in the place of the database itself", async () => {
  const home = await prepared();
  const before = snapshot(home.database);
  expect(await home.run(["usage", "export", "alpha.db", "--yes"])).toMatchObject({
    code: 2,
    stderr: "error: alpha.db is the database itself\nhint: name another file\n",
  });
  expect(await home.run(["usage", "report", "--html", "alpha.db"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("error: alpha.db exists and is no report of alpha's\n"),
  });
  expect(snapshot(home.database)).toEqual(before);
});
