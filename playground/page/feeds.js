// Follows a stand-in's live feed; lets go of the connection while the page is not looked at.

/**
 * Follows `url` from `seq` on. `take(change)` gets every change, `reload()` is called when what was
 * missed is forgotten and gives a promise of the new number, `connected(bool)` tells how it stands.
 * A browser opens six connections to one address in all its tabs, so hidden tabs hold none.
 */
export function follow(url, seq, { take, reload, connected }) {
  let seen = seq;
  let source = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(`${url}?after=${seen}`);
    source.onopen = () => connected(true);
    source.onerror = () => connected(false);
    source.onmessage = async (event) => {
      const change = JSON.parse(event.data);
      if (change.type === "reload") {
        close();
        seen = await reload();
        open();
        return;
      }
      seen = Math.max(seen, change.seq);
      take(change);
    };
  }

  function close() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  open();
}
