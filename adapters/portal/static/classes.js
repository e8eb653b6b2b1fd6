"use strict";
/* The classes pages: keep what is shown current (server-sent events), open a timeline beside the calendar, find a provider among many.
   Everything is a plain link or form without this file. */

(() => {
  const said = document.getElementById("said");
  const say = (words) => { if (said) said.textContent = words; };

  /* Pages are made on the server, which learns the reader's zone from this cookie. */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `impact_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;

  async function ask(url) {
    const answer = await fetch(url, { redirect: "manual", headers: { accept: "text/html" } });
    if (answer.status === 401) throw new Error("signed out");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    return holder.content.querySelector("[data-live]");
  }

  /* One part of a page that follows the read model: a stream says that it changed, the part is asked for and put in place. */
  class Live {
    constructor(element) {
      this.element = element;
      this.again = false;
      this.busy = false;
      this.onShown = () => (document.hidden ? this.close() : this.open());
      document.addEventListener("visibilitychange", this.onShown);
      if (!document.hidden) this.open();
    }

    /* A hidden page gives its connection back: browsers allow only a few to one site. */
    open() {
      if (this.source || !window.EventSource) return;
      this.source = new EventSource(this.element.dataset.changes);
      this.source.addEventListener("changed", () => this.refresh());
      this.source.addEventListener("as-of", (event) => showAsOf(event.data));
      this.source.addEventListener("error", () => this.onError());
    }

    close() {
      this.source?.close();
      this.source = undefined;
    }

    end() {
      this.close();
      clearTimeout(this.timer);
      document.removeEventListener("visibilitychange", this.onShown);
    }

    /* Browsers reconnect after a lost connection by themselves, but not after an answer that is no stream. */
    onError() {
      if (this.source?.readyState !== EventSource.CLOSED) return;
      this.close();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { if (!document.hidden) this.open(); }, 5000);
    }

    async refresh() {
      if (this.busy) { this.again = true; return; }
      this.busy = true;
      try {
        do {
          this.again = false;
          const fresh = await ask(this.element.dataset.fragment);
          if (fresh) {
            await window.impact.released();
            this.replace(fresh);
          }
        } while (this.again);
      } catch (error) {
        say(error.message === "signed out" ? "You were signed out. Sign in again to see changes." : "This page could not be refreshed.");
      } finally {
        this.busy = false;
      }
    }

    replace(fresh) {
      const before = new Map([...this.element.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, looks(one)]));
      const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
      this.element.replaceWith(fresh);
      this.element = fresh;
      let changed = 0;
      for (const one of fresh.querySelectorAll("[data-key]")) {
        if (one.dataset.class && before.get(one.dataset.key) !== looks(one)) { one.classList.add("changed"); changed += 1; }
        if (focused !== undefined && one.dataset.key === focused) one.focus({ preventScroll: true });
      }
      showAsOf(fresh.dataset.asOf);
      window.impact?.refreshTimes();
      say(changed === 1 ? "One class changed." : changed ? `${changed} classes changed.` : "Up to date.");
    }
  }

  /* What a reader would notice: not the title, whose "next try in 4 min" is another every minute. */
  function looks(entry) {
    return `${entry.dataset.mark} ${entry.textContent}`;
  }

  function showAsOf(instant) {
    const time = document.querySelector("#as-of time");
    if (!time || !instant) return;
    time.dateTime = instant;
    window.impact?.refreshTimes();
  }

  const first = document.querySelector("main [data-live]");
  const page = first && new Live(first);
  if (page && "zoneGuessed" in first.dataset && zone && first.dataset.zone !== zone) page.refresh();

  document.getElementById("refresh")?.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const button = event.currentTarget;
    button.setAttribute("aria-busy", "true");
    await page.refresh();
    button.removeAttribute("aria-busy");
  });

  panel();
  finder();
  filters();

  /* A class's timeline beside the calendar; its address is the page's while it is open, so that it can be shared and gone back from. */
  function panel() {
    const dialog = document.getElementById("panel");
    if (!dialog) return;
    const body = document.getElementById("panel-body");
    let live, opener;

    async function open(url) {
      const shared = new URL(url, location.href);
      const fragment = new URL(shared);
      fragment.pathname = "/live/classes/timeline";
      try {
        const part = await ask(fragment);
        body.replaceChildren(part);
      } catch {
        location.href = url; /* the page itself says what is wrong */
        return;
      }
      live?.end();
      live = new Live(body.querySelector("[data-live]"));
      document.getElementById("panel-link").href = url;
      window.impact?.refreshTimes();
      if (!dialog.open) dialog.showModal();
      body.scrollTop = 0;
    }

    function shut() {
      live?.end();
      live = undefined;
      if (dialog.open) dialog.close();
      /* The link may have been replaced by a fresh one meanwhile, or be on another day. */
      const link = opener && page.element.querySelector(`[data-class="${CSS.escape(opener)}"]`);
      (link || document.getElementById("main")).focus({ preventScroll: true });
    }

    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-class]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
      event.preventDefault();
      opener = link.dataset.class;
      history.pushState({ panel: link.href }, "", link.href);
      open(link.href);
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.getElementById("panel-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      shut();
      if (history.state?.panel) history.back();
    });
    window.addEventListener("popstate", (event) => (event.state?.panel ? open(event.state.panel) : shut()));
  }

  function finder() {
    const input = document.querySelector("[data-find]");
    if (!input) return;
    const chips = [...document.getElementById(input.dataset.find).children];
    input.hidden = false;
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const chip of chips) chip.hidden = !chip.textContent.toLowerCase().includes(wanted) && !chip.querySelector("input").checked;
    });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }

  function filters() {
    const details = document.getElementById("filters");
    if (!details) return;
    document.addEventListener("click", (event) => { if (details.open && !details.contains(event.target)) details.open = false; });
    details.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      details.open = false;
      details.querySelector("summary").focus();
    });
  }
})();
