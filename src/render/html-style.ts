/**
 * How a report's page looks. Its colours are variables, since the charts are drawn with them, too: seven models, all
 * others and assumed cost, told apart by people who see few colours as well.
 */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --text: #1b1f24; --muted: #57606a; --line: #d0d7de;
  --model-1: #0b6bcb; --model-2: #e07b00; --model-3: #1a8f5a; --model-4: #b5308f;
  --model-5: #5b8ff9; --model-6: #a38000; --model-7: #7a4ce0; --others: #6e7781; --assumed: #b6bec8;
  --ok: #1a8f5a; --warn: #c77700; --bad: #cf222e;
  --stated: #9aa5b1; --computed: #5b8ff9; --actual: #0b4f94;
}
@media screen and (prefers-color-scheme: dark) {
  :root:not([data-paper]) {
    --page: #0f1318; --card: #191f26; --text: #e6eaef; --muted: #9aa5b1; --line: #343c46;
    --model-1: #4c9bf0; --model-2: #ff9f43; --model-3: #45c486; --model-4: #e878c6;
    --model-5: #a3c2ff; --model-6: #d8bd3f; --model-7: #ab8cff; --others: #8b95a1; --assumed: #56606c;
    --ok: #45c486; --warn: #ffb454; --bad: #ff6b70;
    --stated: #6f7b88; --computed: #a3c2ff; --actual: #4c9bf0;
  }
}
:root[data-paper] { color-scheme: light; }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 75rem;
  background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 0.25rem; font-size: 1.2rem; }
p { margin: 0.35rem 0; }
.note, .sub, footer { color: var(--muted); font-size: 0.875rem; }
.note { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
dl div { padding: 0.6rem 0.85rem; border-radius: 0.5rem; background: var(--card); }
dt { color: var(--muted); font-size: 0.8rem; }
dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.chart { position: relative; height: 20rem; margin-top: 0.75rem; }
.table { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th { color: var(--muted); font-size: 0.75rem; font-weight: 500; }
td.name { white-space: normal; overflow-wrap: break-word; min-width: 12rem; }
.number { text-align: right; }
tfoot td { border-bottom: 0; font-weight: 600; }
footer { margin-top: 3rem; }
@media (max-width: 45rem) {
  body { padding: 1rem 0.75rem 2rem; }
  .less { display: none; }
  dd { font-size: 1.15rem; }
  th, td { padding: 0.3rem 0.4rem; }
  td.name { min-width: 8rem; }
}
@media print {
  @page { margin: 14mm; }
  :root { font-size: 9pt; }
  body { padding: 0; max-width: none; font-size: 9pt; }
  dl div { border: 1px solid var(--line); }
  section, dl, tr { break-inside: avoid; }
  section.long { break-inside: auto; }
  h2 { break-after: avoid; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  .table { overflow: visible; }
  table, th { font-size: 7.5pt; }
  th, td { padding: 1pt 3pt; }
  td.name { min-width: 0; overflow-wrap: anywhere; }
  canvas { max-width: 100% !important; }
}
`;
