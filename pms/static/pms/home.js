// The home page: figures over WebSocket, and the chart.
(() => {
  "use strict";

  const live = document.getElementById("home-live");
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const RETRY_FIRST_MS = 1000;
  const RETRY_MOST_MS = 30000;
  const SILENT_MS = 15000;
  let wait = RETRY_FIRST_MS;
  let silence;

  function say(state) {
    live.dataset.state = state;
    live.textContent = `${state === "open" ? live.dataset.open : live.dataset.lost} ${clock.format(new Date(live.dataset.at))}`;
  }

  function show(message) {
    live.dataset.at = message.at;
    say("open");
    for (const tile of message.tiles) {
      const box = document.querySelector(`[data-tile="${tile.key}"]`);
      if (!box) continue;
      box.dataset.tone = tile.tone;
      box.querySelector("[data-text]").textContent = tile.text;
      box.querySelector("[data-note]").textContent = tile.note;
    }
    for (const [key, html] of Object.entries(message.parts)) {
      const part = document.querySelector(`[data-part="${key}"]`);
      // What somebody is working in is left alone.
      if (!part || part.contains(document.activeElement)) continue;
      part.innerHTML = html;
      part.dispatchEvent(new CustomEvent("pms:filled", { bubbles: true }));
    }
  }

  function connect() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/home/`);
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.close(), SILENT_MS);
    };
    socket.onopen = listen;
    socket.onmessage = (event) => {
      wait = RETRY_FIRST_MS;
      listen();
      show(JSON.parse(event.data));
    };
    socket.onclose = () => {
      clearTimeout(silence);
      say("lost");
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, RETRY_MOST_MS);
    };
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function draw(canvas) {
    const data = JSON.parse(canvas.dataset.chart);
    const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
    const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
    const dark = document.documentElement.classList.contains("dark");
    const text = colour(dark ? "--color-base-400" : "--color-base-600");
    const grid = colour(dark ? "--color-base-800" : "--color-base-200");
    const stakes = colour(dark ? "--color-primary-700" : "--color-primary-200");
    const ggr = colour(dark ? "--color-primary-400" : "--color-primary-700");
    const axis = (title, extra) => ({
      title: { display: true, text: title, color: text },
      ticks: { color: text, callback: (value) => number.format(value), maxTicksLimit: 6 },
      border: { display: false },
      ...extra,
    });
    return new Chart(canvas, {
      data: {
        labels: data.days.map((iso) => day.format(new Date(iso))),
        datasets: [
          { type: "line", label: "GGR", data: data.ggr, yAxisID: "ggr", borderColor: ggr, backgroundColor: ggr, borderWidth: 2, pointRadius: 0, pointHitRadius: 12, tension: 0.25 },
          { type: "bar", label: "Stakes", data: data.stakes, yAxisID: "stakes", backgroundColor: stakes, hoverBackgroundColor: stakes, borderRadius: 4, maxBarThickness: 26 },
        ],
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: {
          legend: { align: "end", labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true } },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.parsed.y.toLocaleString(undefined, { minimumFractionDigits: 2 })} ${data.currency}` } },
        },
        scales: {
          x: { ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false }, border: { color: grid } },
          stakes: axis(`Stakes (${data.currency})`, { position: "left", grid: { color: grid }, beginAtZero: true }),
          ggr: axis(`GGR (${data.currency})`, { position: "right", grid: { display: false } }),
        },
      },
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    connect();
    const canvas = document.getElementById("home-chart");
    if (!canvas) return;
    let chart = draw(canvas);
    // Light or dark is switched without loading the page.
    new MutationObserver(() => {
      chart.destroy();
      chart = draw(canvas);
    }).observe(document.documentElement, { attributeFilter: ["class"] });
  });
})();
