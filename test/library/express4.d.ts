/** Express 4 beside 5, under a name of its own; what the tests use of it is the same in both. */
declare module "express4" {
  export { default } from "express";
}
