import { defineConfig } from "vitest/config";

/** They are about files, about the server, or about both databases at once. */
const ONCE = "test/acceptance/{demo,db-move,places,postgres,postgres-*,sqlite-*}.test.ts";

const common = { setupFiles: ["test/support/seed.ts"], testTimeout: 60_000, hookTimeout: 60_000 };

/** All tests run; the acceptance tests a second time, with the homes of their operators on PostgreSQL. */
export default defineConfig({
  test: {
    // Here and not in the projects, which would each build and start a server.
    globalSetup: ["test/support/global-setup.ts"],
    maxWorkers: 2,
    projects: [
      { test: { name: "all", include: ["test/**/*.test.ts"], provide: { store: "sqlite" }, ...common } },
      {
        test: {
          name: "postgres",
          include: ["test/acceptance/*.test.ts"],
          exclude: [ONCE],
          provide: { store: "postgres" },
          ...common,
        },
      },
    ],
  },
});
