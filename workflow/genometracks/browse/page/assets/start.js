// Runs before the page is drawn: hides the notice where the page is served, and completes it where
// the page was opened as a file.
"use strict";
(() => {
    if (location.protocol !== "file:") {
        document.documentElement.classList.add("served");
        return;
    }
    addEventListener("DOMContentLoaded", () => {
        let folder = decodeURIComponent(location.pathname).replace(/\/page\/(index\.html)?$/, "");
        folder = folder.replace(/^\/([A-Za-z]:)/, "$1");
        if (!/^[\w./:+-]+$/.test(folder)) {
            folder = `'${folder.replaceAll("'", "'\\''")}'`;
        }
        document.getElementById("command").textContent = `genometracks serve ${folder}`;
        document.getElementById("which").remove();
    });
})();
