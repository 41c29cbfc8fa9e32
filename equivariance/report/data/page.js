// The page says everything without this: it copies to the clipboard, opens trees, and opens all but the numbers before printing.
(() => {
  "use strict";

  const say = (button, text) => {
    button.textContent = text;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      say(button, "Copied");
    } catch {
      getSelection().selectAllChildren(source);
      say(button, "Selected");
    }
  };

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }

  for (const button of document.querySelectorAll("button[data-tree]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const details of document.getElementById(button.dataset.tree).querySelectorAll("details")) {
        details.open = button.dataset.do === "open";
      }
    });
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open], .numbers)")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
