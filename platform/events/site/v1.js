/* Kairos site snippet 1.0: one first-party cookie, no third party, silent on GPC, DNT and opt-out. */
(function (w, d, n) {
  var tag = d.currentScript;
  var key = tag && tag.getAttribute("data-key");
  if (!key || w.kairos) return;
  var host = new URL(tag.src).origin;
  var queue = [];
  var timer;
  function read() {
    var found = d.cookie.match(/(?:^|; )kairos_id=([\w-]+)/);
    return found && found[1];
  }
  function keep(id) {
    d.cookie = "kairos_id=" + id + ";path=/;max-age=31536000;samesite=lax" +
      (location.protocol === "https:" ? ";secure" : "");
  }
  function random() {
    return Array.from(crypto.getRandomValues(new Uint32Array(4)), function (part) {
      return part.toString(36);
    }).join("-");
  }
  function quiet() {
    return n.globalPrivacyControl || n.doNotTrack === "1" || w.doNotTrack === "1" || read() === "off";
  }
  function visitor() {
    var id = read() || random();
    keep(id);
    return id;
  }
  function post(path, body) {
    var text = JSON.stringify(body);
    try {
      if (n.sendBeacon && n.sendBeacon(host + path, new Blob([text], { type: "text/plain" }))) return;
    } catch (e) { /* fetch then */ }
    fetch(host + path, {
      method: "POST", body: text, keepalive: true, credentials: "omit",
      headers: { "Content-Type": "text/plain" }
    }).catch(function () {});
  }
  function flush() {
    clearTimeout(timer);
    timer = 0;
    while (queue.length) {
      post("/v1/batch", { writeKey: key, sentAt: new Date().toISOString(), batch: queue.splice(0, 20) });
    }
  }
  function call(type, event, properties) {
    if (quiet()) return;
    queue.push({
      type: type, event: event, messageId: random(), anonymousId: visitor(),
      timestamp: new Date().toISOString(), properties: properties || {},
      context: {
        locale: n.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        page: { url: location.origin + location.pathname, title: d.title }
      }
    });
    timer = timer || setTimeout(flush, 300);
  }
  function track(event) {
    return function (properties) { call("track", event, properties); };
  }
  w.kairos = {
    page: function (properties) {
      call("page", undefined, Object.assign({ path: location.pathname, title: d.title }, properties));
    },
    viewed: track("Product Viewed"),
    added: track("Product Added"),
    search: function (query) { call("track", "Products Searched", { query: String(query) }); },
    track: function (event, properties) { call("track", event, properties); },
    identify: function (token) {
      if (!quiet()) post("/site/visit", { writeKey: key, anonymousId: visitor(), token: String(token) });
    },
    id: function () { return quiet() ? null : visitor(); },
    optOut: function () { queue = []; keep("off"); },
    optIn: function () { if (read() === "off") keep(random()); }
  };
  w.addEventListener("pagehide", flush);
  d.addEventListener("visibilitychange", function () { if (d.visibilityState === "hidden") flush(); });
  var here = new URL(location.href);
  var token = here.searchParams.get("kairos");
  if (token) {
    w.kairos.identify(token);
    here.searchParams.delete("kairos");
    history.replaceState(history.state, "", here);
  }
  w.kairos.page();
})(window, document, navigator);
