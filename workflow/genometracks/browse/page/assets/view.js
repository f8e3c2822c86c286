// The genome browser (igv.js): shows the wanted tracks, and reports where it is.

import {readLocus} from "./address.js";
import {probeAll} from "./probe.js";

const [GENES, FEATURES] = [82, 36];  // heights of tracks of genes, and of sites or regions
const LABEL = 21;  // room of the label above features
const [LOW, TALL] = [40, 180];  // heights of other tracks
const [FIXED, GAP] = [170, 6];  // of the controls, and between tracks

const STYLE = `
    .igv-track-label { top: 2px; line-height: 17px; background: #ffffffd9; border-color: #b5bac4; }
    .igv-windowsize-panel-container { white-space: nowrap; }
    @media (max-width: 560px) {
        .igv-logo, .igv-current-genome, .igv-navbar-toggle-button-container { display: none !important; }
    }
    .facts { max-width: 420px; padding: 8px 12px; overflow-wrap: anywhere; white-space: normal; }
    .facts dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 12px; margin: 0; }
    .facts dt { color: #5a6272; }
    .facts dd { margin: 0; }
`;  // igv.js draws in a shadow tree, which page.css does not reach

export class View {
    #browser = null;
    #loaded = new Map();
    #wanted = [];
    #running = null;
    #typed = "";

    /**
     * @param element  of the page, to which the browser is added
     * @param report   functions: moved(locus), closed(item), failed(item, reason)
     * @param style    functions of a track: colourOf(item), describe(item)
     */
    constructor(element, report, style) {
        this.element = element;
        this.report = report;
        this.style = style;
    }

    /** Open a genome where it starts. Nothing is loaded from other sites. */
    async open(reference) {
        const {contig: chr, start, end} = reference.start;
        this.#browser = await igv.createBrowser(this.element, {
            loadDefaultGenomes: false,
            genomeList: [],
            search: false,
            reference: {
                id: plain(reference.name),
                name: plain(reference.name),
                fastaURL: absolute(reference.fasta),
                indexURL: absolute(`${reference.fasta}.fai`),
                wholeGenomeView: reference.whole,
            },
            locus: {chr, start, end},
            showSampleNameButton: false,
            showSVGButton: true,
            tracks: [],
        });
        const search = this.#browser.search.bind(this.#browser);
        this.#browser.search = async (text, ...rest) => {
            this.#typed = text;
            const locus = readLocus(text.trim());
            // igv.js takes what is before the first colon for the contig.
            return locus?.chr.includes(":") && await this.go(locus) || search(text, ...rest);
        };
        const alert = this.#browser.alert;
        const present = alert.present.bind(alert);
        alert.present = async (error, ...rest) => {
            if (!error?.cause || !await this.#closeLost()) {  // only of tracks, there is a cause
                present(error, ...rest);
            }
        };
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        this.element.shadowRoot.adoptedStyleSheets.push(sheet);
        this.#browser.on("locuschange", frames => {
            const [frame] = frames;
            this.report.moved({chr: frame.chr, start: frame.start, end: frame.end});
        });
        this.#browser.on("trackremoved", track => {
            const found = this.#loaded.get(track.config?.id);
            if (found?.track === track) {
                this.#loaded.delete(found.item.id);
                this.report.closed(found.item);
            }
        });
        this.#browser.on("trackclick", (track, facts) => facts?.length ? asHtml(facts) : false);
    }

    /** Close the browser. */
    async close() {
        this.#wanted = [];
        await this.#running;
        this.#loaded.clear();
        igv.removeAllBrowsers();
        this.#browser = null;
    }

    /** Go to a locus: {chr, start, end}; return whether the genome has its contig. */
    async go(locus) {
        if (!await this.#browser.genome.loadChromosome(locus.chr)) {
            return false;
        }
        return this.#browser.updateLoci([{...locus}]);
    }

    /** Show these tracks and no others; resolves when they are. */
    show(items) {
        this.#wanted = items;
        this.#running ??= this.#settle().finally(() => {
            this.#running = null;
        });
        return this.#running;
    }

    /** Draw the tracks in their present colours. */
    recolour() {
        for (const {item, track} of this.#loaded.values()) {
            track.color = track.altColor = this.style.colourOf(item);
            track.trackView?.repaintViews();
        }
    }

    /** Adapt to another width of the page. */
    resize() {
        dispatchEvent(new Event("resize"));
    }

    async #settle() {
        for (;;) {
            const ids = new Set(this.#wanted.map(item => item.id));
            for (const [id, {track}] of [...this.#loaded]) {
                if (!ids.has(id)) {
                    this.#loaded.delete(id);  // first, so that it is not reported as closed
                    this.#browser.removeTrack(track);
                }
            }
            const missing = this.#wanted.filter(item => !this.#loaded.has(item.id));
            if (!missing.length) {
                return;
            }
            await this.#load(missing);
        }
    }

    async #load(items) {
        const reasons = await probeAll(items.map(item => item.url));
        const height = this.#chooseHeight();
        await Promise.all(items.map(async (item, i) => {
            let reason = reasons[i];
            if (!reason) {
                try {
                    const track = await this.#browser.loadTrack(this.#configure(item, height));
                    this.#loaded.set(item.id, {item, track});
                    this.#keepCase(track);
                    return;
                } catch {
                    reason = "cannot be drawn: the file may be damaged";
                }
            }
            this.#wanted = this.#wanted.filter(other => other !== item);
            this.report.failed(item, reason);
        }));
    }

    /** Close the tracks whose files were lost after they were opened; whether there are some. */
    async #closeLost() {
        const loaded = [...this.#loaded.values()];
        const reasons = await probeAll(loaded.map(({item}) => item.url));
        const lost = loaded.filter((_, i) => reasons[i]);
        if (lost.length === loaded.length) {
            return false;  // it is the server, which may come back
        }
        for (const {item, track} of lost) {
            if (this.#loaded.delete(item.id)) {
                this.#wanted = this.#wanted.filter(other => other !== item);
                this.#browser.removeTrack(track);
                this.report.failed(item, reasons[loaded.findIndex(each => each.item === item)]);
            }
        }
        return lost.length > 0;
    }

    /** Search features by the name as it was typed, or usual ones: igv.js makes it upper case. */
    #keepCase(track) {
        if (track.searchable) {
            const search = track.search.bind(track);
            track.search = async name => {
                const words = [this.#typed.trim(), ...this.#typed.split(/\s+/)];
                const typed = words.find(word => word.toUpperCase() === name) ?? name;
                const lower = name.toLowerCase();
                for (const each of new Set([typed, name, name[0] + lower.slice(1), lower])) {
                    const found = await search(each);
                    if (found) {
                        return found;
                    }
                }
                return undefined;
            };
        }
    }

    /** Height in pixels at which the tracks fill the page, where they are few. */
    #chooseHeight() {
        const features = this.#wanted.filter(item => item.feature);
        const taken = features.map(item => (item.kind === "genes" ? GENES : FEATURES) + GAP);
        const room = this.element.parentElement.clientHeight - FIXED;
        const left = taken.reduce((rest, height) => rest - height, room);
        const each = left / Math.max(1, this.#wanted.length - features.length) - GAP;
        return Math.round(Math.min(TALL, Math.max(LOW, each)));
    }

    #configure(item, height) {
        const color = this.style.colourOf(item);
        const common = {
            id: item.id,
            name: plain(item.kind === "observed" ? `${item.title} (observed)` : item.title),
            url: absolute(item.url),
            order: item.order,
            color,
            altColor: color,
            description: () => this.style.describe(item),
        };
        if (item.feature) {
            return {
                ...common,
                type: "annotation",
                format: "bigbed",
                height: item.kind === "genes" ? GENES : FEATURES,
                margin: LABEL,
                ...(item.kind === "genes" ? {} : {expandedRowHeight: FEATURES - LABEL}),
                displayMode: item.kind === "genes" ? "EXPANDED" : "COLLAPSED",
            };
        }
        return {
            ...common,
            type: "wig",
            format: "bigwig",
            height,
            min: item.low,
            max: item.high,
            autoscale: false,
            windowFunction: item.summary ?? "mean",
            overflowColor: "#000000",
            baselineColor: "#999999",
        };
    }
}

function absolute(url) {
    return new URL(url, document.baseURI).href;
}

/** What igv.js shows of a feature, as HTML in which names and values are text. */
function asHtml(facts) {
    const list = document.createElement("div");
    for (const fact of facts) {
        if (fact.name === "Score" && Number(fact.value) === 0) {
            continue;  // bigBeds of genes have none
        }
        const line = document.createElement(fact === "<hr>" || fact === "<hr/>" ? "hr" : "div");
        if (line.tagName === "DIV") {
            const pair = fact.name ? `${fact.name}: ${fact.value}` : fact.html ?? fact;
            line.textContent = String(pair);
        }
        list.append(line);
    }
    return list.innerHTML;
}

/**
 * A name of which igv.js, which reads some as HTML, makes the same text: brackets that look alike,
 * and no character references.
 */
function plain(name) {
    const like = {"<": "‹", ">": "›", '"': "″"};
    return name.replace(/[<>"]/g, found => like[found]).replace(/&(?=[#\w])/g, "&\u2060");
}
