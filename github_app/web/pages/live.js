// Follows a session: puts each record that comes below the last one, and shows how things are now. What comes is HTML
// of our server, in which all text is escaped.
"use strict";

const timeline = document.getElementById("timeline");
const note = document.getElementById("live");
let last = timeline.dataset.last;

function isAtEnd() {
  return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 40;
}

function follow() {
  const source = new EventSource(`${timeline.dataset.stream}?after=${last}`);

  source.addEventListener("open", () => {
    note.textContent = "Live: what happens appears below.";
  });
  source.addEventListener("line", (event) => {
    const stays = isAtEnd();
    document.getElementById("nothing")?.remove();
    timeline.insertAdjacentHTML("beforeend", event.data);
    last = event.lastEventId;
    if (stays) window.scrollTo(0, document.documentElement.scrollHeight);
  });
  source.addEventListener("head", (event) => {
    document.getElementById("head").innerHTML = event.data;
  });
  source.addEventListener("end", () => {
    source.close();
    note.textContent = "This has ended.";
  });
  source.addEventListener("gone", () => {
    source.close();
    note.textContent = "You cannot read this any more.";
  });
  source.addEventListener("error", () => {
    note.textContent = "Not connected; trying again.";
    // Refused, the browser gives up; after a break it asks again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 15000);
  });
}

follow();
