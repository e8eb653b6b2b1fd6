"use strict";
/* Keeps the External Calendar section current: asks whether anything changed, and takes the new section from the page itself. */

(() => {
  const SOON = 1000, LATER = 5000, HIDDEN = 30000;
  const MOVING = ["connecting", "disconnecting"];
  const ID = "external-calendar";
  const ASK = "/account/profile/external/approval/ask";
  let timer = 0;

  function interval(section) {
    if (document.hidden) return HIDDEN;
    return section && MOVING.includes(section.dataset.state) ? SOON : LATER;
  }

  async function replace() {
    const answer = await fetch("/account/profile/external", { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(ID);
    await window.impact.released();
    const old = document.getElementById(ID);
    if (!fresh || !old || old.querySelector("form[data-sent]")) return;
    /* Focus stays where it was: on the same link or button of the new section. */
    const held = old.contains(document.activeElement) ? document.activeElement.textContent.trim() : null;
    old.replaceWith(document.adoptNode(fresh));
    if (held !== null) {
      const same = [...fresh.querySelectorAll("a, button, input")].find((element) => element.textContent.trim() === held);
      (same ?? document.getElementById("main")).focus();
    }
    window.impact.refreshTimes();
  }

  /* Through Microsoft and back, which shows no page: not while somebody is in the middle of something here. */
  function ask(section) {
    if (document.hidden || section.contains(document.activeElement) || section.querySelector("form[data-sent]")) return false;
    location.replace(ASK);
    return true;
  }

  async function look() {
    const section = document.getElementById(ID);
    try {
      const answer = await fetch("/live/external", { headers: { accept: "application/json" } });
      if (answer.status === 401) return;
      if (answer.ok) {
        const now = await answer.json();
        if (section && now.ask && ask(section)) return;
        if (section && now.version !== section.dataset.version) await replace();
        if (!section && now.settled) { location.reload(); return; }
      }
    } catch {
      /* The network is away for a moment: the next look tells. */
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    timer = setTimeout(look, interval(document.getElementById(ID)));
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  const opened = document.getElementById(ID);
  if (opened?.dataset.ask === undefined || !ask(opened)) plan();
})();
