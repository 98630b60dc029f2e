// Draws a chart from its table (templates/indexing/shared/_chart.html). Without it the table is the chart.
"use strict";
{
  const language = document.documentElement.lang;
  const HEIGHT = 220;
  const DAY = 86400;

  const count = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const HOUR = new Intl.NumberFormat(language, { style: "unit", unit: "hour", unitDisplay: "narrow" })
    .formatToParts(1).find((part) => part.type === "unit").value; // h, u
  const locale = language === "en" ? "en-GB" : language; // as the server writes dates; "en" alone is American here
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });

  const UNITS = {
    count: { text: (value) => count.format(value), steps: [1, 2, 5].flatMap((one) => [...Array(8).keys()].map((power) => one * 10 ** power)).sort((a, b) => a - b) },
    seconds: {
      text: (value) => {
        if (value < 60) return `${value < 10 ? tenth.format(value) : Math.round(value)} s`;
        const minutes = Math.floor(value / 60);
        const rest = Math.round(value % 60);
        if (minutes < 10 && rest) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
        return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} ${HOUR} ${String(minutes % 60).padStart(2, "0")} min`;
      },
      steps: [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000, DAY],
    },
  };

  const numbers = (cells, name) => [...cells].map((cell) => (name in cell.dataset ? Number(cell.dataset[name]) : null));

  const read = (chart) => {
    const rows = [...chart.querySelectorAll("tbody tr")];
    const columns = rows.length ? rows[0].querySelectorAll("td").length : 0;
    const values = rows.map((row) => numbers(row.querySelectorAll("td"), "y"));
    return {
      xs: numbers(rows, "x"),
      labels: rows.map((row) => row.querySelector("th").textContent.trim()),
      series: [...Array(columns).keys()].map((column) => values.map((row) => row[column])),
      marks: [...chart.querySelectorAll(".chart-marks li")].map((mark) => ({ x: Number(mark.dataset.x), label: mark.dataset.label })),
    };
  };

  // What is drawn of stacked bars: each series on top of those before it. The last one, the tallest, is drawn first.
  const stacked = (series) => {
    const heights = [];
    series.reduce((below, values) => {
      const sums = values.map((value, place) => (value || 0) + below[place]);
      heights.push(sums);
      return sums;
    }, series[0].map(() => 0));
    return heights;
  };

  const colour = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();

  const draw = (chart) => {
    const data = read(chart);
    const box = chart.querySelector(".chart-canvas");
    if (!data.xs.length) return null;
    const { kind, unit } = chart.dataset;
    const overTime = "overTime" in chart.dataset;
    const bars = kind === "bars";
    const { text, steps } = UNITS[unit];
    const style = getComputedStyle(document.body);
    const font = `11px ${style.fontFamily}`;
    const quiet = colour(chart, "--body-quiet-color");
    const hairline = colour(chart, "--hairline-color");
    const swatches = [...chart.querySelectorAll(".swatch")].map((swatch) => getComputedStyle(swatch).color);
    const legend = chart.querySelector(".chart-legend");
    const shown = legend.querySelectorAll(".chart-value");
    const at = legend.querySelector(".chart-at");

    const say = (place) => {
      const index = place === null || place === undefined ? data.xs.length - 1 : place;
      data.series.forEach((values, which) => {
        shown[which].textContent = values[index] === null ? "–" : text(values[index]);
      });
      at.textContent = overTime ? data.labels[index] : `${chart.dataset.xTitle} ${data.labels[index]}`;
    };

    const xs = overTime ? data.xs : data.xs.map((_x, place) => place);
    const heights = bars ? stacked(data.series) : data.series;
    const order = heights.map((_values, which) => which);
    if (bars) order.reverse();

    const paths = bars
      ? uPlot.paths.bars({ size: [0.7, 48], radius: 0 })
      : overTime ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear();
    const series = order.map((which) => ({
      stroke: swatches[which],
      width: bars ? 0 : 2,
      fill: bars ? swatches[which] : undefined,
      paths,
      spanGaps: true,
      points: { show: !bars && data.xs.length < 40, size: 5, fill: swatches[which] },
    }));

    const markLines = (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.globalAlpha = 0.7;
      ctx.strokeStyle = quiet;
      ctx.fillStyle = quiet;
      ctx.font = `${Math.round(10 * devicePixelRatio)}px ${style.fontFamily}`;
      ctx.textAlign = "left";
      ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      let free = -Infinity;
      for (const mark of data.marks) {
        const x = Math.round(plot.valToPos(mark.x, "x", true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        const wide = ctx.measureText(mark.label).width;
        if (x > free && x + wide < bbox.left + bbox.width) {
          ctx.fillText(mark.label, x + 3 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
          free = x + wide + 6 * devicePixelRatio;
        }
      }
      ctx.restore();
    };

    const yRange = (_plot, low, high) => {
      if (low === null) return [0, 1];
      if ("fromZero" in chart.dataset) return [0, Math.max(high * 1.08, unit === "count" ? 4 : 0.2)];
      const room = Math.max((high - low) * 0.15, high * 0.01, 2);
      return [Math.max(0, low - room), high + room];
    };
    const xRange = (_plot, low, high) => {
      if (overTime) return high > low ? [low, high] : [low - 1800, high + 1800];
      return [-0.6, Math.max(data.xs.length - 0.4, 7.6)];
    };

    const axis = { stroke: quiet, font, ticks: { stroke: hairline, size: 4 }, grid: { stroke: hairline, width: 1 } };
    const plot = new uPlot({
      width: box.clientWidth || 600,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: !bars }, sync: overTime ? { key: "time" } : undefined },
      scales: { x: { time: overTime, range: xRange }, y: { range: yRange } },
      axes: [
        {
          ...axis, grid: { show: false }, size: 30,
          ...(overTime
            ? { values: (_plot, splits, _axis, _space, step) => splits.map((split) => (step < DAY ? clock : day).format(split * 1000)), space: 70 }
            : { values: (_plot, splits) => splits.map((split) => data.labels[split] ?? ""), incrs: [1, 2, 5, 10, 25], space: 40 }),
        },
        { ...axis, values: (_plot, splits) => splits.map(text), incrs: steps, size: unit === "seconds" ? 80 : 62 },
      ],
      series: [{}, ...series],
      hooks: { draw: [markLines], setCursor: [(self) => say(self.cursor.idx)] },
    }, [xs, ...order.map((which) => heights[which])], box);
    legend.classList.add("is-drawn");
    say(null);
    return plot;
  };

  for (const chart of document.querySelectorAll(".chart")) {
    const box = chart.querySelector(".chart-canvas");
    let plot = draw(chart);
    const again = () => {
      if (plot) plot.destroy();
      plot = draw(chart);
    };
    // The admin's theme switch, and the system's own.
    new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new ResizeObserver(() => {
      if (plot && box.clientWidth && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: HEIGHT });
    }).observe(box);
  }
}
