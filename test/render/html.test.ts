import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Html, html, htmlTable, scriptJson } from "../../src/render/html.js";
import { size } from "../../src/render/text.js";

const EVIL = `</script><img src=x onerror="alert('1')">&amp;<!--`;

describe("markup", () => {
  it("shows texts as they are, whoever wrote them", () => {
    expect(html`<p title="${EVIL}">${EVIL}</p>`.text).not.toMatch(/<(?!\/?p)/);
    expect(html`<b>${"a & b < c > \"d\" 'e'"}</b>`.text).toBe(
      "<b>a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39;</b>",
    );
    expect(html`${"\u202egnp.exe\u0007"}`.text).toBe("\\u202egnp.exe\\u0007");
  });

  it("takes markup, lists of it, numbers, and nothing", () => {
    const items = ["a", "<b>"].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${new Html("<hr>")}${null}${1_200}`.text).toBe(
      "<ul><li>a</li><li>&lt;b&gt;</li></ul><hr>1200",
    );
  });
});

describe("data in a script", () => {
  it("is the same when it is read, and ends no element", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(EVIL, "<!--<script>", "\u2028", "x"), (value, text) => {
        const data = { value, text };
        const written = scriptJson(data).text;
        expect(written).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });
});

describe("a table of a page", () => {
  const rows = [
    { name: "<ada>", tokens: 1_200 },
    { name: "bob", tokens: 7 },
  ];
  const table = {
    columns: [
      { key: "name", header: "NAME", truncate: true, text: ({ name }: (typeof rows)[0]) => name },
      {
        ...({ key: "tokens", header: "TOKENS", align: "right", priority: 3 } as const),
        text: ({ tokens }: (typeof rows)[0]) => String(tokens),
      },
      { key: "rest", header: "REST", priority: 8, text: () => "never" },
    ],
    rows,
    foot: [{ name: "total", tokens: 1_207 }],
    empty: "Nobody.",
    notes: ["1 < 2."],
  };

  it("has a head, rows, totals and notes, and leaves out what there is no room for", () => {
    expect(htmlTable(table).text).toBe(
      [
        '<div class="table"><table>',
        '<thead><tr><th scope="col" class="name">NAME</th><th scope="col" class="number less">TOKENS</th></tr></thead>',
        "<tbody>",
        '<tr><td class="name">&lt;ada&gt;</td><td class="number less">1200</td></tr>',
        '<tr><td class="name">bob</td><td class="number less">7</td></tr>',
        "</tbody>",
        "<tfoot>",
        '<tr><td class="name">total</td><td class="number less">1207</td></tr>',
        "</tfoot>",
        "</table></div>",
        '<p class="note">1 &lt; 2.</p>',
        "",
      ].join("\n"),
    );
  });

  it("breaks names where they may be broken, and nothing else", () => {
    const names = [{ name: "ada.king@example.com <x>", tokens: 1 }];
    const page = htmlTable({ ...table, rows: names, foot: [] }).text;
    expect(page).toContain('<td class="name">ada.<wbr>king@<wbr>example.<wbr>com &lt;x&gt;</td>');
    expect(htmlTable({ ...table, rows, notes: ["a.b"] }).text).not.toContain("<wbr>");
  });

  it("is its sentence when it has no rows", () => {
    expect(htmlTable({ ...table, rows: [] }).text).toBe('<p>Nobody.</p>\n<p class="note">1 &lt; 2.</p>\n');
  });
});

describe("a size", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1_000, "1.0 KB"],
    [9_949, "9.9 KB"],
    [9_950, "10 KB"],
    [999_499, "999 KB"],
    [999_500, "1.0 MB"],
    [29_617_238, "30 MB"],
    [4_200_000_000_000, "4,200 GB"],
  ])("of %d bytes reads %s", (bytes, text) => expect(size(bytes)).toBe(text));
});
