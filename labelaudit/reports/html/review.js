"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("rows");
  if (!table) return;
  const RANK = 0, ID = 1, KEY = 2, GIVEN = 3, SUGGESTED = 4, QUALITY = 5, SEVERITY = 6, SHOWN = 7;
  const PAGE = 50;
  const SEVERITIES = ["high", "medium", "low"];
  const at = (id) => document.getElementById(id);
  const exact = (code) => (code < 0 ? "" : data.names[code][0]);
  const shown = (code, none) => (code < 0 ? none : data.names[code].at(-1));
  const keyOf = (row) => (Array.isArray(row[KEY]) ? row[KEY].at(-1) : row[KEY]);

  // Decisions: issue id -> [decision, code of the new label]. Kept in the browser where it allows.
  const place = `labelaudit:${data.run}`;
  let decisions = new Map();
  let kept = true;
  try {
    const known = new Set(data.rows.map((row) => row[ID]));
    const saved = JSON.parse(localStorage.getItem(place) || "[]");
    decisions = new Map(saved.filter(([id]) => known.has(id)));
  } catch {
    kept = false;
  }
  const save = () => {
    try {
      localStorage.setItem(place, JSON.stringify([...decisions]));
    } catch {
      kept = false;
    }
  };

  // What is shown: rows that pass the filters, sorted, a page at a time.
  const state = { sort: RANK, down: false, first: 0, current: 0, rows: data.rows };
  const make = (name, text, cls) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (cls) made.className = cls;
    return made;
  };
  const sortable = (row, column) => {
    if (column === KEY) return keyOf(row) ?? "";
    if (column === GIVEN || column === SUGGESTED) return shown(row[column], "\uffff");
    if (column === SEVERITY) return SEVERITIES.indexOf(row[SEVERITY]);
    return row[column];
  };
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const ordered = (rows) => {
    const turn = state.down ? -1 : 1;
    const keyed = rows.map((row) => [sortable(row, state.sort), row]);
    const order = (a, b) => (typeof a === "string" ? compare(a, b) : a - b);
    return keyed
      .sort(([a, one], [b, two]) => turn * order(a, b) || one[RANK] - two[RANK])
      .map(([, row]) => row);
  };
  const passes = (row) => {
    const one = at("by-class").value, pair = at("by-pair").value, level = at("by-severity").value;
    const decision = at("by-decision").value, text = at("by-text").value.toLowerCase();
    const decided = decisions.get(row[ID])?.[0] ?? "open";
    return (
      (one === "" || row[GIVEN] === Number(one) || row[SUGGESTED] === Number(one)) &&
      (pair === "" || pair === `${row[GIVEN]}>${row[SUGGESTED]}`) &&
      (level === "" || row[SEVERITY] === level) &&
      (decision === "" || decision === decided) &&
      (text === "" || (keyOf(row) ?? "").toLowerCase().includes(text))
    );
  };

  const cell = (value) => {
    const made = make("td", undefined, "text");
    if (Array.isArray(value)) {
      const picture = make("img");
      picture.src = value[0];
      picture.alt = value[1];
      picture.loading = "lazy";
      made.append(picture);
    } else if (/^https?:\/\/[^\s…]+$/.test(value ?? "")) {
      const link = make("a", value);
      link.href = value;
      link.rel = "noopener noreferrer";
      made.append(link);
    } else {
      made.textContent = value ?? "";
    }
    return made;
  };
  const said = (row) => {
    const found = decisions.get(row[ID]);
    if (!found) return "";
    return found[0] === "fix" ? `fix: ${shown(found[1], "")}` : found[0];
  };
  const quality = (value) => (value === 0 || value >= 0.0005 ? value.toFixed(3) : value.toExponential(0));
  const line = (row, index) => {
    const made = make("tr");
    const severity = make("td");
    severity.append(make("span", row[SEVERITY] ?? "", `severity ${row[SEVERITY] ?? ""}`));
    made.append(
      make("td", row[RANK].toLocaleString("en"), "number"),
      make("td", keyOf(row) ?? "(null)", "text"),
      make("td", shown(row[GIVEN], "(null)"), "text"),
      make("td", shown(row[SUGGESTED], "(uncertain)"), "text"),
      make("td", quality(row[QUALITY]), "number"),
      severity,
      ...row.slice(SHOWN).map(cell),
      make("td", said(row), "text"),
    );
    if (decisions.has(row[ID])) made.dataset.decision = decisions.get(row[ID])[0];
    if (index === state.current) made.setAttribute("aria-current", "true");
    made.addEventListener("click", () => choose(index));
    return made;
  };

  const likely = (row) => {
    const all = data.classes;
    if (all.length <= 10) return all;
    const near = [row[SUGGESTED], ...(data.likely[row[GIVEN]] ?? [])];
    return [...new Set(near)].filter((code) => code >= 0 && code !== row[GIVEN]).slice(0, 9);
  };
  // A digit picks the class of that name where classes are digits, else one by its place.
  const digits = data.classes.length <= 10 && data.classes.every((code) => /^\d$/.test(exact(code)));
  const keyed = (row) =>
    likely(row).map((code, i) => [digits ? exact(code) : String((i + 1) % 10), code]);
  const desk = () => {
    const row = state.rows[state.current];
    const choices = at("choices");
    choices.replaceChildren();
    for (const button of document.querySelectorAll("[data-act]")) button.disabled = !row;
    at("other").disabled = !row;
    if (!row) {
      at("current").textContent = "No row passes the filters.";
      return;
    }
    document.querySelector('[data-act="a"]').disabled = row[SUGGESTED] < 0;
    const suggestion = row[SUGGESTED] < 0 ? "no suggestion" : `suggested ${shown(row[SUGGESTED])}`;
    const decided = said(row) ? ` — ${said(row)}` : "";
    at("current").textContent =
      `#${row[RANK].toLocaleString("en")} ${keyOf(row) ?? ""}${data.tags ? `, ${row[SHOWN]}` : ""}: given ${shown(row[GIVEN], "(null)")}, ${suggestion}${decided}`;
    keyed(row).forEach(([key, code]) => {
      const button = make("button");
      button.type = "button";
      button.append(make("kbd", key), ` ${shown(code)}`);
      button.addEventListener("click", () => decide("fix", code));
      choices.append(button);
    });
  };
  const tell = () => {
    const counts = {};
    for (const [decision] of decisions.values()) counts[decision] = (counts[decision] ?? 0) + 1;
    const parts = Object.entries(counts).map(([name, n]) => `${n} ${name}`);
    const rest = kept ? "" : " This browser does not keep decisions: download them before you leave.";
    at("progress").textContent =
      `${decisions.size.toLocaleString("en")} of ${data.rows.length.toLocaleString("en")} decided` +
      (parts.length ? ` (${parts.join(", ")}).` : ".") + rest;
    at("download").disabled = decisions.size === 0;
  };
  const draw = () => {
    state.current = Math.max(0, Math.min(state.current, state.rows.length - 1));
    state.first = Math.floor(state.current / PAGE) * PAGE;
    const rows = state.rows.slice(state.first, state.first + PAGE);
    table.tBodies[0].replaceChildren(...rows.map((row, i) => line(row, state.first + i)));
    for (const head of table.querySelectorAll("[data-sort]")) {
      if (Number(head.dataset.sort) !== state.sort) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
    }
    const last = state.first + rows.length;
    const total = state.rows.length.toLocaleString("en");
    at("page").textContent = rows.length ? `${state.first + 1} to ${last} of ${total}` : "no rows";
    at("back").disabled = state.first === 0;
    at("next").disabled = last >= state.rows.length;
    desk();
    tell();
  };
  const refresh = () => {
    state.rows = ordered(data.rows.filter(passes));
    state.current = 0;
    draw();
  };
  const choose = (index) => {
    state.current = index;
    draw();
    table.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  };

  const decide = (decision, code = -1) => {
    const row = state.rows[state.current];
    if (!row) return;
    if (decision === null) decisions.delete(row[ID]);
    else if (decision === "fix" && code === row[GIVEN]) decisions.set(row[ID], ["keep", -1]);
    else decisions.set(row[ID], [decision, code]);
    save();
    // With a filter on decisions the row may leave the list; the next one then takes its place.
    const before = state.rows.length;
    state.rows = ordered(data.rows.filter(passes));
    if (state.rows.length === before && decision !== null) state.current += 1;
    choose(Math.max(0, Math.min(state.current, state.rows.length - 1)));
  };
  const act = (key) => {
    const row = state.rows[state.current];
    if (!row) return false;
    if (key === "a" && row[SUGGESTED] >= 0) decide("fix", row[SUGGESTED]);
    else if (key === "k") decide("keep");
    else if (key === "d") decide("drop");
    else if (key === "u") decide("unsure");
    else if (key === "z") decide(null);
    else if (/^\d$/.test(key)) {
      const code = new Map(keyed(row)).get(key);
      if (code === undefined) return false;
      decide("fix", code);
    } else return false;
    return true;
  };
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = moves[event.key];
    if (step !== undefined) {
      choose(Math.max(0, Math.min(state.current + step, state.rows.length - 1)));
      event.preventDefault();
    } else if (act(event.key.toLowerCase())) {
      event.preventDefault();
    }
  };

  // As RFC 4180 has it: what holds a comma, a quote or a line break is quoted.
  const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = () => {
    const lines = ["issue_id,key,given_label,decision,new_label"];
    for (const row of data.rows) {
      const found = decisions.get(row[ID]);
      if (!found) continue;
      const key = Array.isArray(row[KEY]) ? row[KEY][0] ?? "" : row[KEY];
      const fixed = found[0] === "fix" ? exact(found[1]) : "";
      lines.push([row[ID], key, exact(row[GIVEN]), found[0], fixed].map(field).join(","));
    }
    return `${lines.join("\r\n")}\r\n`;
  };
  const download = () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "decisions.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const option = (select, value, text) => {
    const made = make("option", text);
    made.value = value;
    select.append(made);
  };
  const byName = (a, b) => compare(shown(a, ""), shown(b, ""));
  const fill = () => {
    const used = new Set(), pairs = new Map(), levels = new Set();
    for (const row of data.rows) {
      const pair = `${row[GIVEN]}>${row[SUGGESTED]}`;
      for (const code of [row[GIVEN], row[SUGGESTED]]) if (code >= 0) used.add(code);
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      levels.add(row[SEVERITY]);
    }
    for (const code of [...used].sort(byName)) option(at("by-class"), code, shown(code));
    const common = [...pairs].sort((a, b) => b[1] - a[1]).slice(0, 100);
    for (const [pair, n] of common) {
      const [given, suggested] = pair.split(">").map(Number);
      option(at("by-pair"), pair, `${shown(given, "(null)")} → ${shown(suggested, "(uncertain)")} (${n})`);
    }
    for (const level of SEVERITIES) if (levels.has(level)) option(at("by-severity"), level, level);
    for (const code of [...data.classes].sort(byName)) option(at("other"), code, shown(code));
  };
  const heads = () => {
    for (const head of table.querySelectorAll("[data-sort]")) {
      const button = make("button", head.textContent);
      const column = Number(head.dataset.sort);
      button.type = "button";
      button.addEventListener("click", () => {
        state.down = state.sort === column && !state.down;
        state.sort = column;
        refresh();
      });
      head.replaceChildren(button);
    }
  };
  const cap = () => {
    const said = at("cap"), issues = Number(said.dataset.issues), n = data.rows.length;
    const here = `The ${n.toLocaleString("en")} worst rows`;
    if (n < Math.max(issues, Number(said.dataset.ranked))) said.prepend(`${here} are here, of ${issues.toLocaleString("en")} that are flagged. `);
  };

  fill();
  heads();
  cap();
  for (const id of ["by-class", "by-pair", "by-severity", "by-decision"]) at(id).addEventListener("change", refresh);
  at("by-text").addEventListener("input", refresh);
  at("region").addEventListener("keydown", press);
  document.querySelector(".desk").addEventListener("keydown", (event) => {
    if (event.target.localName === "button" && act(event.key.toLowerCase())) event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => act(button.dataset.act));
  }
  at("other").addEventListener("change", (event) => {
    if (event.target.value !== "") decide("fix", Number(event.target.value));
    event.target.value = "";
  });
  at("back").addEventListener("click", () => choose(state.first - PAGE));
  at("next").addEventListener("click", () => choose(state.first + PAGE));
  at("download").addEventListener("click", download);
  for (const id of ["review", "foot", "help"]) at(id).hidden = false;
  refresh();
})();
