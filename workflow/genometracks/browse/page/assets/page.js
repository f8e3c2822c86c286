// The page: reads data.json, and connects the list of tracks, the genome browser and the address.

import {formatAddress, readAddress} from "./address.js";
import {Catalogue, describe} from "./catalogue.js";
import {find, make} from "./elements.js";
import {drawHeader} from "./header.js";
import {Picker} from "./picker.js";
import {probe} from "./probe.js";
import {View} from "./view.js";

const FORMAT = 1;
const AT_ONCE = 60;  // tracks that are shown at most: each is drawn and read

class Page {
    #shown = new Set();
    #locus = null;
    #late = null;

    constructor(data) {
        this.data = data;
        this.several = data.runs.length > 1;
        this.view = new View(find("igv"), {
            moved: locus => this.#moved(locus),
            closed: item => this.#hide([item]),
            failed: (item, reason) => this.#failed(item, reason),
        }, {
            colourOf: item => this.catalogue.colourOf(item),
            describe: item => drawFacts(item, this.several),
        });
    }

    /** Open what the address names, or what the run suggests. */
    async start() {
        const address = readAddress(location.hash);
        const names = this.data.references.map(reference => reference.name);
        await this.open(Math.max(0, names.indexOf(address.genome)), address);
        addEventListener("hashchange", () => this.#follow(readAddress(location.hash)));
    }

    /** Show the runs on one genome. */
    async open(at, {locus = null, tracks = null} = {}) {
        const reference = this.data.references[at];
        this.reference = reference;
        this.runs = this.data.runs.filter(run => run.reference === at);
        this.picker?.close();
        this.catalogue = new Catalogue(this.runs, this.several);
        drawHeader(this.data, this.runs, at, chosen => this.#switch(chosen));
        const {contig: chr, start, end} = reference.start;
        this.#locus = {chr, start, end};
        this.#select(tracks ?? this.runs.flatMap(run => run.first));
        this.picker = new Picker(this.catalogue, {
            isShown: item => this.#shown.has(item.id),
            toggle: (items, on) => on ? this.#show(items) : this.#hide(items),
            about: item => this.#about(item),
            regrouped: () => this.view.recolour(),
            reveal: () => openSide(true),
        });
        this.#about(this.#items().find(item => !item.feature) ?? this.catalogue.items[0]);
        const reason = await probe(reference.fasta);
        if (reason) {
            report(explain(reference.fasta, reason));
            return;
        }
        await this.view.open(reference);
        this.ready = true;
        await this.#go(locus);
        await this.#sync();
    }

    async #switch(at) {
        this.ready = false;
        find("problems").replaceChildren();
        await this.view.close();
        await this.open(at);
    }

    async #follow({genome, locus, tracks}) {
        const names = this.data.references.map(reference => reference.name);
        if (genome !== null && names.indexOf(genome) >= 0 && genome !== this.reference.name) {
            this.ready = false;
            await this.view.close();
            await this.open(names.indexOf(genome), {locus, tracks});
            return;
        }
        if (tracks) {
            this.#select(tracks);
            await this.#sync();
        }
        await this.#go(locus);
    }

    async #go(locus) {
        if (locus && this.ready && !await this.view.go(locus)) {
            report(`The address names a contig that is not here: ${locus.chr}`);
        }
    }

    /** Choose tracks by their ids; unknown ones are reported. */
    #select(ids) {
        const known = ids.filter(id => this.catalogue.byId.has(id));
        if (known.length < ids.length) {
            const lost = ids.filter(id => !this.catalogue.byId.has(id));
            report(`The address names tracks that are not here: ${lost.join(", ")}`);
        }
        this.#shown = new Set(known.slice(0, AT_ONCE));
    }

    #items() {
        return this.catalogue.items.filter(item => this.#shown.has(item.id));
    }

    #show(items) {
        const added = items.filter(item => !this.#shown.has(item.id));
        const room = Math.max(0, AT_ONCE - this.#shown.size);
        added.slice(0, room).forEach(item => this.#shown.add(item.id));
        this.#sync();
        const left = added.length - room;
        if (left > 0) {
            find("status").textContent =
                `${AT_ONCE} tracks at most are shown at once: ${left} of these are not.`;
        }
    }

    #about(item) {
        if (item) {
            find("details").replaceChildren(make("h2", item.name), drawFacts(item, this.several));
        }
    }

    #hide(items) {
        items.forEach(item => this.#shown.delete(item.id));
        this.#sync();
    }

    #failed(item, reason) {
        this.#shown.delete(item.id);
        this.picker.update();
        report(explain(item.url, reason));
    }

    async #sync() {
        this.picker.update();
        this.#remember();
        if (this.ready) {
            await this.view.show(this.#items());
            this.#remember();
        }
    }

    #moved(locus) {
        this.#locus = locus;
        this.#remember();
    }

    /** Write the view to the address, not more often than the browser allows. */
    #remember() {
        clearTimeout(this.#late);
        this.#late = setTimeout(() => {
            const genome = this.data.references.length > 1 ? this.reference.name : null;
            const tracks = this.#items().map(item => item.id);
            history.replaceState(null, "", formatAddress({genome, locus: this.#locus, tracks}));
        }, 250);
    }
}

/** What is known of a track, as elements. */
function drawFacts(item, several) {
    const box = document.createElement("div");
    box.className = "facts";
    const list = document.createElement("dl");
    for (const [key, value] of describe(item, several)) {
        list.append(make("dt", key), make("dd", value));
    }
    box.append(list);
    return box;
}

function explain(url, reason) {
    const file = decodeURIComponent(url).replace(/^(\.\.\/)+/, "");
    if (reason === "ranges") {
        return `This web server does not support byte ranges, by which ${file} has to be read: it `
            + "answered with the whole file. Use 'genometracks serve' with the run's folder, or a "
            + "server that supports them, such as nginx or Apache.";
    }
    return `${file} ${reason}.`;
}

function report(text) {
    const known = [...find("problems").children].some(each => each.firstChild.textContent === text);
    if (known) {
        return;
    }
    const entry = make("li", "");
    const close = make("button", "Close");
    close.type = "button";
    close.onclick = () => entry.remove();
    entry.append(make("span", text), close);
    find("problems").append(entry);
}

function openSide(open) {
    find("side").hidden = !open;
    find("toggle").setAttribute("aria-expanded", open);
}

async function main() {
    let data;
    try {
        data = await (await fetch("data.json", {cache: "no-cache"})).json();
    } catch (error) {
        report(`page/data.json cannot be read (${error.message}): run the workflow again.`);
    }
    find("app").hidden = false;
    if (!data) {
        return;
    }
    if (data.format !== FORMAT) {
        report("page/data.json is of another version than the page: run the workflow again.");
        return;
    }
    openSide(!matchMedia("(max-width: 900px)").matches);
    const page = new Page(data);
    find("toggle").onclick = () => {
        openSide(find("side").hidden);
        page.picker?.draw();
        page.view.resize();
    };
    try {
        await page.start();
    } catch (error) {
        report(`The genome browser could not start: ${error.message ?? error}`);
    }
    document.documentElement.classList.add("ready");
}

main();
