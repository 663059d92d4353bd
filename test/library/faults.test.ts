import { chmodSync, closeSync, copyFileSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { AlphaError, type Limits, type OpenLimitsOptions, openLimits, UnsettledError } from "../../src/index.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { NOW } from "../support/cli.js";
import { engineOn, seededDatabase } from "../support/engine-on.js";
import { program } from "../support/processes.js";
import { tempFolder } from "../support/store.js";
import { startStop } from "./faults-operator.js";

const REQUEST = { user: "ada", tokens: 100, cost: 0 };
const WAIT_MS = 120;
/** What a machine under load may add to a wait. */
const SLACK_MS = 1_500;
const locker = program(new URL("./children/locker.ts", import.meta.url));
const unprivileged = program(new URL("./children/unprivileged.ts", import.meta.url));
