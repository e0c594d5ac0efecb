/* Warns before a sign-in ends, and prolongs it without leaving the page. */
const WARN_SECONDS = 300;
const notice = document.querySelector("[data-session-end]");

if (notice) {
  const form = notice.querySelector("form");
  const [warning, ended] = ["[data-warning]", "[data-ended]"].map((name) => notice.querySelector(name));
  const stay = form.querySelector("button");
  let timers = [];

  const show = (over) => {
    warning.hidden = over;
    ended.hidden = !over;
    stay.hidden = over;
    notice.hidden = false;
  };
  const wait = (seconds) => {
    timers.forEach(clearTimeout);
    notice.hidden = true;
    timers = [
      setTimeout(() => show(false), Math.max(0, seconds - WARN_SECONDS) * 1000),
      setTimeout(() => show(true), seconds * 1000),
    ];
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
      const seconds = Number.parseInt(await answer.text(), 10);
      if (!answer.ok || !(seconds > 0)) throw new Error();
      wait(seconds);
    } catch {
      show(true);
    }
  });
  wait(Number.parseInt(notice.dataset.sessionEnd, 10));
}
