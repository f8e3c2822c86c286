// The list of tracks: searched, grouped, by mouse or keyboard. Only the visible rows are in the
// document, so that it is quick with thousands of tracks.

import {ROW, drawRow} from "./rows.js";

const MARGIN = 8;
const MANY = 60;  // tracks from which on groups are closed at first

export class Picker {
    #rows = [];
    #active = 0;
    #closed = new Set();
    #onlyShown = false;

    /**
     * @param catalogue  of the tracks
     * @param actions    functions: isShown(item), toggle(items, on), about(item)
     */
    constructor(catalogue, actions) {
        this.catalogue = catalogue;
        this.actions = actions;
        this.list = document.getElementById("list");
        this.search = document.getElementById("search");
        this.group = document.getElementById("group");
        this.status = document.getElementById("status");
        this.space = document.createElement("div");
        this.space.className = "space";
        this.list.replaceChildren(this.space);
        this.stop = new AbortController();
        this.#fillGroups();
        this.#closeMany();
        this.#listen();
        this.update();
    }

    /** Forget the list, before another one takes its place. */
    close() {
        this.stop.abort();
    }

    /** List the tracks again, after a change of what is searched, grouped or shown. */
    update() {
        const {catalogue, actions} = this;
        let items = catalogue.search(this.search.value);
        if (this.#onlyShown) {
            items = items.filter(actions.isShown);
        }
        this.#rows = this.#arrange(items);
        this.#active = Math.min(this.#active, Math.max(0, this.#rows.length - 1));
        this.space.style.height = `${this.#rows.length * ROW}px`;
        this.list.style.flexBasis = `${this.#rows.length * ROW + 2}px`;
        this.draw();
        const shown = catalogue.items.filter(actions.isShown).length;
        document.getElementById("tab-shown").textContent = `Shown (${shown})`;
        document.getElementById("tab-all").textContent = `All (${catalogue.items.length})`;
        const found = items.length === 1 ? "1 track" : `${items.length.toLocaleString("en")} tracks`;
        this.status.textContent = items.length ? found : "No track has all of these words.";
        if (!items.length && this.#onlyShown) {
            this.status.textContent = "No track is shown.";
        }
    }

    /** Draw the visible rows. */
    draw() {
        const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - MARGIN);
        const count = Math.ceil(this.list.clientHeight / ROW) + 2 * MARGIN;
        const rows = new Set([this.#active]);
        for (let at = first; at < Math.min(first + count, this.#rows.length); at++) {
            rows.add(at);
        }
        const drawn = [...rows].filter(at => at < this.#rows.length).sort((a, b) => a - b);
        this.space.replaceChildren(...drawn.map(at => drawRow(this.#rows[at], {
            at,
            of: this.#rows.length,
            active: at === this.#active,
            closed: this.#closed.has(this.#rows[at].name),
            isShown: this.actions.isShown,
            colourOf: item => this.catalogue.colourOf(item),
        })));
        const some = this.#rows.length > 0;
        this.list.toggleAttribute("aria-activedescendant", some);
        if (some) {
            this.list.setAttribute("aria-activedescendant", `row-${this.#active}`);
        }
    }

    #fillGroups() {
        const {groupings, grouping} = this.catalogue;
        const options = ["", ...groupings].map(name => new Option(name || "nothing", name));
        this.group.replaceChildren(...options);
        this.group.value = grouping;
        this.group.closest(".field").hidden = groupings.length === 0;
    }

    /** Close the groups of many tracks, so that all groups are seen; open them for a search. */
    #closeMany() {
        const {catalogue} = this;
        const many = catalogue.items.length > MANY && !this.search.value && !this.#onlyShown;
        const closed = many ? catalogue.items.filter(item => item.kind === "predicted") : [];
        this.#closed = new Set(closed.map(item => catalogue.groupOf(item)));
    }

    /** Rows: groups with their tracks, or tracks alone where nothing groups them. */
    #arrange(items) {
        if (!this.catalogue.grouping) {
            return items.map(item => ({item}));
        }
        const groups = new Map();
        for (const item of items) {
            const name = this.catalogue.groupOf(item);
            groups.has(name) || groups.set(name, []);
            groups.get(name).push(item);
        }
        const rows = [];
        for (const [name, members] of groups) {
            rows.push({name, members});
            if (!this.#closed.has(name)) {
                rows.push(...members.map(item => ({item})));
            }
        }
        return rows;
    }

    #listen() {
        const {signal} = this.stop;
        const on = (element, event, act) => element.addEventListener(event, act, {signal});
        on(this.list, "scroll", () => this.draw());
        on(this.list, "keydown", event => this.#pressed(event));
        on(this.list, "click", event => this.#clicked(event));
        on(this.list, "mouseover", event => this.#hovered(event));
        on(this.search, "input", () => {
            this.#active = 0;
            this.list.scrollTop = 0;
            this.#closeMany();
            this.update();
        });
        on(this.search, "keydown", event => this.#typed(event));
        on(this.group, "change", () => {
            this.catalogue.group(this.group.value);
            this.#closeMany();
            this.update();
            this.actions.regrouped();
        });
        for (const name of ["all", "shown"]) {
            on(document.getElementById(`tab-${name}`), "click", () => this.#choose(name));
        }
        on(document.getElementById("clear"), "click", () => {
            this.actions.toggle(this.catalogue.items.filter(this.actions.isShown), false);
        });
        on(document, "keydown", event => {
            const target = event.composedPath()[0];
            const typing = target.matches?.("input, textarea, select");
            if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
                event.preventDefault();
                this.actions.reveal();
                this.search.focus();
                this.search.select();
            }
        });
        new ResizeObserver(() => this.draw()).observe(this.list);
    }

    #choose(name) {
        this.#onlyShown = name === "shown";
        for (const each of ["all", "shown"]) {
            document.getElementById(`tab-${each}`).setAttribute("aria-pressed", each === name);
        }
        this.list.scrollTop = 0;
        this.#closeMany();
        this.update();
    }

    #typed(event) {
        if (event.key === "ArrowDown") {
            this.list.focus();
            this.#move(this.#active);
        } else if (event.key === "Enter") {
            this.#act(this.#rows.findIndex(row => row.item));
        } else if (event.key === "Escape" && this.search.value) {
            this.search.value = "";
            this.#closeMany();
            this.update();
        } else if (event.key === "Escape") {
            this.search.blur();
        } else {
            return;
        }
        event.preventDefault();
    }

    #pressed(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
        const moves = {
            ArrowDown: this.#active + 1,
            ArrowUp: this.#active - 1,
            PageDown: this.#active + page,
            PageUp: this.#active - page,
            Home: 0,
            End: this.#rows.length - 1,
        };
        if (event.key === "ArrowUp" && this.#active === 0) {
            this.search.focus();
        } else if (event.key in moves) {
            this.#move(moves[event.key]);
        } else if (event.key === "Enter" || event.key === " ") {
            this.#act(this.#active);
        } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
            this.#fold(this.#active, event.key === "ArrowLeft");
        } else if (event.key === "Escape") {
            this.search.focus();
        } else {
            return;
        }
        event.preventDefault();
    }

    #clicked(event) {
        const row = event.target.closest(".row");
        if (!row) {
            return;
        }
        const at = Number(row.dataset.at);
        this.#active = at;
        if (event.target.className === "fold") {
            this.#fold(at, !this.#closed.has(this.#rows[at].name));
        } else {
            this.#act(at);
        }
    }

    #hovered(event) {
        const row = event.target.closest(".row");
        const item = row && this.#rows[Number(row.dataset.at)]?.item;
        if (item) {
            this.actions.about(item);
        }
    }

    #move(to) {
        this.#active = Math.max(0, Math.min(to, this.#rows.length - 1));
        const top = this.#active * ROW;
        const {scrollTop, clientHeight} = this.list;
        if (top < scrollTop) {
            this.list.scrollTop = top;
        } else if (top + ROW > scrollTop + clientHeight) {
            this.list.scrollTop = top + ROW - clientHeight;
        }
        this.draw();
        const {item} = this.#rows[this.#active] ?? {};
        if (item) {
            this.actions.about(item);
        }
    }

    /** Show or hide a track with what it is compared with, or all of a group. */
    #act(at) {
        const row = this.#rows[at];
        if (!row) {
            return;
        }
        const {isShown, toggle} = this.actions;
        if (row.members) {
            toggle(row.members, !row.members.every(isShown));
        } else {
            toggle(this.catalogue.withCompared(row.item), !isShown(row.item));
        }
    }

    /** Close or open the group of a row. */
    #fold(at, close) {
        const row = this.#rows[at];
        if (!row || !this.catalogue.grouping) {
            return;
        }
        const name = row.name ?? this.catalogue.groupOf(row.item);
        this.#closed[close ? "add" : "delete"](name);
        this.update();
        this.#move(this.#rows.findIndex(each => each.name === name));
    }
}
