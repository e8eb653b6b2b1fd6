"use strict";
/* What every page does: keep "a few seconds ago" current, show exact times in the reader's zone, close menus, copy, and send a form once. */

(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400;

  function span(seconds) {
    if (seconds < 45) return "a few seconds";
    if (seconds < 90) return "a minute";
    if (seconds < 45 * MINUTE) return `${Math.round(seconds / MINUTE)} minutes`;
    if (seconds < 90 * MINUTE) return "an hour";
    if (seconds < 22 * HOUR) return `${Math.round(seconds / HOUR)} hours`;
    if (seconds < 36 * HOUR) return "a day";
    if (seconds < 26 * DAY) return `${Math.round(seconds / DAY)} days`;
    if (seconds < 45 * DAY) return "a month";
    if (seconds < 320 * DAY) return `${Math.round(seconds / DAY / 30.4)} months`;
    const years = Math.round(seconds / DAY / 365);
    return years <= 1 ? "a year" : `${years} years`;
  }

  function refresh() {
    const now = Date.now();
    for (const element of document.querySelectorAll("time.ago, time.until")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const seconds = (now - at.getTime()) / 1000;
      const past = element.classList.contains("ago");
      const text = past ? `${span(Math.max(seconds, 0))} ago` : seconds >= 0 ? "now" : `in ${span(-seconds)}`;
      if (element.textContent !== text) element.textContent = text;
      const exact = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
      if (element.title !== exact) element.title = exact;
    }
  }

  function onClick(event) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const source = document.getElementById(copy.dataset.copy);
      navigator.clipboard.writeText(source.value ?? source.textContent).then(() => {
        copy.textContent = "Copied";
      }, () => { source.focus(); source.select?.(); });
    }
  }

  function onKey(event) {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }

  /* A second press of the same button would start a second authorization. */
  function onSubmit(event) {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  }

  /* What is replaced between the pressing and the releasing of a button gets no click: whoever replaces a part of the page waits. */
  const waiting = [];
  let pressed = false;
  const release = () => {
    pressed = false;
    for (const go of waiting.splice(0)) go();
  };
  const released = () => pressed ? new Promise((go) => { waiting.push(go); }) : Promise.resolve();
  document.addEventListener("pointerdown", (event) => { pressed = event.isPrimary && event.button === 0; }, true);
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(release), true); /* after its click */
  window.addEventListener("blur", release);

  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", onSubmit);
  /* Back from another site the page may come out of the browser's memory with its forms marked as sent. */
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
    refresh();
  });
  /* On a phone the current tab may be out of sight. */
  for (const current of document.querySelectorAll('.tabs [aria-current="page"], .bar-nav [aria-current="page"]')) {
    const strip = current.parentElement;
    strip.scrollLeft = current.offsetLeft - strip.offsetLeft - (strip.clientWidth - current.clientWidth) / 2;
  }
  /* On a phone the links of the bar may be wider than it: begin with the one of this page in view. */
  const showCurrent = () => {
    const bar = document.querySelector(".bar-nav");
    const link = bar?.querySelector("[aria-current]");
    if (link) bar.scrollLeft = Math.max(0, link.offsetLeft + link.offsetWidth - bar.offsetLeft - bar.clientWidth);
  };
  window.addEventListener("resize", showCurrent);
  showCurrent();
  window.impact = { refreshTimes: refresh, released };
  refresh();
  setInterval(refresh, 5000);
})();
