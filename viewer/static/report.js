// The report of the current plan: asked for, watched, downloaded.
import { byId } from "./dom.js";
import { toast } from "./ui.js";

/** Wire the button; `plan` gives the text of the current plan. */
export function report({ t, f, language, plan }) {
  const button = byId("report");
  const choice = byId("report-choice");
  let running = null;
  const say = (text, action, onAction) => toast(text, action, onAction ?? (() => {}));
  const rest = () => { running = null; button.textContent = t("report.button"); button.removeAttribute("aria-busy"); button.title = t("report.hint"); };

  async function watch(id) {
    while (running === id) {
      await new Promise((done) => setTimeout(done, 1000));
      const answer = await fetch(`/manage/report/${id}`, { cache: "no-store" });
      const now = answer.ok ? await answer.json() : { state: "failed", error: String(answer.status) };
      if (running !== id) return;
      if (now.state === "running") { button.textContent = `${t("report.button")} ${f.number(100 * now.share)} %`; continue; }
      rest();
      if (now.state === "failed") return say(t("app.failed", { message: now.error }), t("app.close"));
      return say(t("report.done"), t("report.download"), () => location.assign(`/manage/report/${id}/file`));
    }
  }

  async function begin(isPublic) {
    const answer = await fetch("/manage/report", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ plan: plan(), language, public: isPublic }),
    });
    const said = await answer.json();
    if (!answer.ok) return say(said.error, t("app.close"));
    running = said.id;
    button.setAttribute("aria-busy", "true");
    button.title = t("report.stop");
    button.textContent = `${t("report.button")} 0 %`;
    return watch(said.id).catch((error) => { rest(); say(t("app.failed", { message: error.message }), t("app.close")); });
  }

  async function stop() {
    const id = running;
    rest();
    await fetch(`/manage/report/${id}`, { method: "DELETE" });
  }

  // Whether it may leave the house is asked each time: nobody hands on the wrong one by habit.
  const choose = () => { choice.returnValue = ""; choice.showModal(); };
  choice.addEventListener("close", () => { if (choice.returnValue) begin(choice.returnValue === "public"); });
  button.addEventListener("click", () => (running ? stop() : choose()));
  rest();
}
