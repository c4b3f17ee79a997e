// The report of the current plan: asked for, watched, downloaded.
import { byId } from "./dom.js";
import { overtaken, toast } from "./ui.js";

const TOLD_MS = 8000; // the button and the status go on saying it
const STEP = 0.25; // of the report, between two times that a screen reader hears of it

/** Wire the button; `plan` gives the text of the current plan. */
export function report({ t, f, language, plan }) {
  const button = byId("report");
  const choice = byId("report-choice");
  const status = byId("report-status");
  let running = null; // {id}; the id is null until the server has answered
  const say = (text, action = t("app.close"), onAction = () => {}) => toast(text, action, onAction, { about: "report" });
  const tell = (text) => { // the status says it to screen readers, once
    status.textContent = text;
    const box = toast(text, t("app.close"), () => {}, { about: "report", role: null });
    setTimeout(() => box.remove(), TOLD_MS);
  };
  const fail = (message) => say(t("app.failed", { message }));
  const rest = () => { running = null; status.textContent = ""; button.textContent = t("report.button"); button.removeAttribute("aria-busy"); button.title = t("report.hint"); };
  const percent = (share) => f.quantity(100 * share, "%");
  const run = (share) => {
    button.textContent = t("report.running", { share: percent(share) });
    button.setAttribute("aria-busy", "true");
    button.title = t("report.stop");
  };

  async function watch(job) {
    let told = 0;
    while (running === job) {
      await new Promise((done) => setTimeout(done, 1000));
      const answer = await fetch(`/manage/report/${job.id}`, { cache: "no-store" });
      const now = answer.ok ? await answer.json() : { state: "failed", error: String(answer.status) };
      if (running !== job) return;
      if (now.state === "running") {
        run(now.share);
        if (now.share >= told + STEP) { told = now.share; status.textContent = t("report.progress", { share: percent(told) }); }
        continue;
      }
      rest();
      if (now.state === "failed") fail(now.error);
      else say(t("report.done"), t("report.download"), () => location.assign(`/manage/report/${job.id}/file`));
    }
  }

  const remove = (id) => fetch(`/manage/report/${id}`, { method: "DELETE" });

  async function begin(isPublic) {
    const job = { id: null };
    running = job;
    run(0);
    tell(t("report.begun"));
    try {
      const answer = await fetch("/manage/report", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ plan: plan(), language, public: isPublic }),
      });
      const got = await answer.json();
      if (running !== job) { if (answer.ok) await remove(got.id); return; } // cancelled before it began
      if (!answer.ok) { rest(); say(got.error); return; }
      job.id = got.id;
      await watch(job);
    } catch (error) {
      if (running === job) { rest(); fail(error.message); }
    }
  }

  async function stop() {
    const { id } = running;
    rest();
    tell(t("report.stopped"));
    if (id) await remove(id);
  }

  // Whether it may leave the house is asked each time: nobody hands on the wrong one by habit.
  const choose = () => { overtaken("report"); choice.returnValue = ""; choice.showModal(); };
  choice.addEventListener("close", () => { if (choice.returnValue) begin(choice.returnValue === "public"); });
  button.addEventListener("click", () => (running ? stop() : choose()));
  rest();
}
