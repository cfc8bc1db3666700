// What paper needs and styles alone cannot do: charts drawn anew for its width, and dark pages turned
// light. The browser puts all back by itself once the class is gone: charts follow their frames.
import { isDark } from "./theme.mjs";

const root = document.documentElement;

window.addEventListener("beforeprint", () => {
  root.classList.add("bn-printing");
  root.classList.toggle("bn-printing-dark", isDark(document.querySelector(".bn-copy")));
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    const { clientWidth: width, clientHeight: height } = plot;
    if (width && height) window.Plotly.relayout(plot, { width, height });
  }
});

window.addEventListener("afterprint", () => root.classList.remove("bn-printing", "bn-printing-dark"));
