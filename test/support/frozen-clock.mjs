// Loaded before the program under test: its clock starts at TEST_NOW and runs on from there, so that no result depends
// on the day on which the tests run.
const start = Number(process.env.TEST_NOW);
if (!Number.isSafeInteger(start)) throw new Error("TEST_NOW must be epoch milliseconds");

const RealDate = Date;
const began = RealDate.now();
const now = () => start + (RealDate.now() - began);

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }
  static now() {
    return now();
  }
};
