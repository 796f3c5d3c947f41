"use strict";
(() => {
  const scroll = document.getElementById("scroll");
  const picture = scroll && scroll.querySelector("svg");
  const most = 256;
  let zoom = 1;
  // Places are shares of the width, so the picture is zoomed by drawing it wider. The instant in the middle stays there.
  const zoomTo = (wanted, at) => {
    const next = Math.min(most, Math.max(1, wanted));
    const share = (scroll.scrollLeft + at) / scroll.scrollWidth;
    zoom = next;
    picture.style.width = `${zoom * 100}%`;
    for (const level of [4, 16, 64]) picture.classList.toggle(`zoom${level}`, zoom >= level);
    scroll.scrollLeft = share * scroll.scrollWidth - at;
  };
  if (picture) {
    const bar = document.getElementById("zoom");
    bar.hidden = false;
    const by = (factor) => zoomTo(factor ? zoom * factor : 1, scroll.clientWidth / 2);
    for (const button of bar.querySelectorAll("button")) button.addEventListener("click", () => by(Number(button.dataset.zoom)));
    const keys = { "+": 4, "=": 4, "-": 0.25, 0: 0 };
    scroll.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
      event.preventDefault();
      by(keys[event.key]);
    });
    scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - scroll.getBoundingClientRect().left);
    }, { passive: false });
  }
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  document.getElementById("tools").hidden = false;
  const rows = [...document.querySelectorAll("#calls tbody tr, #modules tbody tr")];
  const bars = picture ? [...picture.querySelectorAll(".load, .unload, .request, .going, .stage, .wait")] : [];
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(wanted);
      row.classList.toggle("hidden", !fits);
      count += fits;
    }
    for (const bar of bars) bar.classList.toggle("dim", wanted !== "" && !bar.textContent.toLowerCase().includes(wanted));
    found.textContent = wanted ? `${count} rows` : "";
  });
})();
