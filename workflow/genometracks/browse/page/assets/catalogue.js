// The tracks of all runs on one genome: searched by words, grouped by a column.

const COLOURS = ["#0072b2", "#d55e00", "#117733", "#aa4499", "#8a6d00", "#332288"];
const OBSERVED = "#666666";
const FEATURES = "#444444";
const LIGHTER = 0.45;  // part of white in the colour of a track of the minus strand
const TITLES = {genes: "Genes", sites: "Sites", regions: "Regions"};

export class Catalogue {
    /** `runs` are those of data.json on one genome; `several` says whether names need the run's. */
    constructor(runs, several) {
        this.items = [];
        this.byId = new Map();
        const features = runs.flatMap(run => run.items).filter(item => item.kind in TITLES);
        for (const run of runs) {
            for (const item of run.items) {
                const alone = features.filter(other => other.name === item.name).length === 1;
                this.#add(item, run, several && !(alone && item.kind in TITLES && !item.of));
            }
        }
        this.groupings = this.#listGroupings(several);
        const wanted = runs.flatMap(run => run.group_by).find(name => this.groupings.includes(name));
        this.grouping = wanted ?? (several ? "run" : "");
    }

    /** Tracks whose text has all words, in order. */
    search(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        return this.items.filter(item => words.every(word => item.text.includes(word)));
    }

    /** The group of a track; genes and regions are a group of their own. */
    groupOf(item) {
        if (item.feature && !item.parent) {
            return "genome features";
        }
        return this.grouping === "run" ? item.run : (item.row.get(this.grouping) || "(none)");
    }

    /**
     * The colour of a track: predicted ones by their group, safe for colour-blind readers, and
     * lighter on the minus strand.
     */
    colourOf(item) {
        if (item.feature) {
            return FEATURES;
        }
        if (item.kind === "observed") {
            return OBSERVED;
        }
        const at = this.grouping ? this.#groups().indexOf(this.groupOf(item)) : 0;
        const colour = COLOURS[at % COLOURS.length];
        return item.minus ? lighten(colour) : colour;
    }

    /** Group by another column; "" for none. */
    group(column) {
        this.grouping = column;
        this.#known = null;
    }

    /** A track, and the observed ones and sites that it is compared with. */
    withCompared(item) {
        return [item, ...this.items.filter(other => other.of === item.id)];
    }

    #known = null;

    #groups() {
        const named = this.items.filter(item => item.kind === "predicted");
        this.#known ??= [...new Set(named.map(item => this.groupOf(item)))];
        return this.#known;
    }

    #add(item, run, named) {
        const parent = this.byId.get(item.of);
        const values = item.values ?? [];
        const row = parent?.row ?? new Map(run.columns.map((name, i) => [name, values[i] ?? ""]));
        const feature = item.kind in TITLES;
        const name = named ? `${run.name} · ${item.name}` : item.name;
        const text = [name, item.kind, parent?.name ?? "", ...row.values()].join("\n").toLowerCase();
        const order = this.items.length + 1;
        const known = {run: run.name, model: run.model, row, feature, parent, text, order};
        const found = {...item, title: name, ...known};
        this.items.push(found);
        this.byId.set(item.id, found);
    }

    /** Columns that divide the tracks into more than one group, but not into one for each. */
    #listGroupings(several) {
        const predicted = this.items.filter(item => item.kind === "predicted");
        const columns = [...new Set(predicted.flatMap(item => [...item.row.keys()]))];
        const useful = columns.filter(column => {
            const count = new Set(predicted.map(item => item.row.get(column))).size;
            return count > 1 && (count <= 12 || count <= predicted.length / 2);
        });
        return several ? ["run", ...useful.filter(column => column !== "run")] : useful;
    }
}

/** What is known of a track, as pairs of texts. */
export function describe(item, several) {
    const facts = [];
    if (several) {
        facts.push(["run", item.run], ["model", item.model]);
    }
    if (item.parent) {
        facts.push([item.kind, `compared with ${item.parent.name}`]);
    } else if (item.feature) {
        facts.push(["kind", TITLES[item.kind]]);
    }
    facts.push(...[...item.row].filter(([, value]) => value !== ""));
    if (item.high !== undefined) {
        const [low, high] = [item.low, item.high].map(formatNumber);
        facts.push(["axis", `${low} to ${high}, linear`]);
    }
    facts.push(["file", decodeURIComponent(item.url).replace(/^(\.\.\/)+/, "")]);
    return facts;
}

function lighten(colour) {
    const parts = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
    return `rgb(${parts.map(part => Math.round(part + LIGHTER * (255 - part))).join(",")})`;
}

function formatNumber(value) {
    return String(Number(value.toPrecision(3))).replace("-", "−");
}
