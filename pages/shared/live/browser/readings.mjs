// The numbers that a chart shows at a place of its time axis.
const words = {
  step: (place) => `step ${Math.round(place).toLocaleString("en")}`,
  examples: (place) => `${Math.round(place).toLocaleString("en")} examples`,
  seconds: (place) => `${place.toFixed(2)} s`,
};

// Return a heading, and the numbers of each group of traces in words. Without a place each curve is
// read where its entry of the legend says.
export function readings({ chart, plot }, place) {
  const values = new Map();
  let at = null;
  for (const entry of chart.legend) {
    const where = place ?? entry.at;
    if (!entry.group || where === null) continue;
    const found = [];
    (plot.data ?? []).forEach((trace, index) => {
      if (!trace.meta?.read || trace.legendgroup !== entry.group) return;
      const full = plot._fullData[index];
      if (!full?.x?.length) return;
      const column = nearest(full.x, where);
      at ??= where > full.x[column] + spacing(full.x) ? null : full.x[column];
      found.push(numbers(full, trace.meta.read, column, where));
    });
    values.set(entry.group, found.filter(Boolean).join(" / "));
  }
  // All charts name the step that is pointed at; curves are read at their nearest point.
  if (place !== null && chart.time_unit === "step") at = place;
  at ??= place ?? chart.legend[0]?.at ?? null;
  // Over examples or seconds the nets stand at different places after the same step.
  const places = new Set(chart.legend.filter((entry) => entry.group).map((entry) => entry.at));
  if (place === null && places.size > 1) at = null;
  const heading = at === null || !chart.time_unit ? "" : words[chart.time_unit](at);
  return { heading: [heading, chart.reads].filter(Boolean).join(" · "), values };
}

// Return the last place of a chart's curves.
export function newestOf({ plot, chart }) {
  if (!chart.time_axes.length) return 0;
  const ends = (plot.data ?? []).map((trace, index) => {
    const places = trace.meta?.read ? plot._fullData[index]?.x : null;
    return places?.length ? places[places.length - 1] : 0;
  });
  return Math.max(0, ...ends);
}

// Return the index of the value closest to `wanted` in ascending values.
export function nearest(values, wanted) {
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle;
    else high = middle;
  }
  return wanted - values[low] <= values[high] - wanted ? low : high;
}

function spacing(places) {
  const count = places.length;
  return count < 2 ? Infinity : (1.5 * (places[count - 1] - places[0])) / (count - 1);
}

function numbers(full, read, column, where) {
  if (where > full.x[column] + spacing(full.x)) return "–"; // the net has not been there
  if (full.type === "heatmap") {
    const rows = [0, full.z.length - 1];
    return rows.map((row) => text(full, row, column) ?? power(full.z[row][column])).join(" / ");
  }
  if (read === "customdata") {
    const held = full.customdata[column];
    return typeof held === "string" ? held.split(" ")[0] || "–" : short(held);
  }
  return read === "power" ? power(full.y[column]) : short(full.y[column]);
}

function text(full, row, column) {
  const held = full.customdata?.[row]?.[column];
  return typeof held === "string" ? held || "–" : null;
}

function power(exponent) {
  return short(10 ** exponent);
}

export function short(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  return size >= 1e4 || size < 1e-2 ? value.toExponential(1) : value.toPrecision(3);
}
