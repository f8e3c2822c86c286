// The head of the page: the runs, their models and genome, licences, and links to other files.

import {find, make} from "./elements.js";

const SHORT = 120;  // letters of a licence that are shown in a line

/** Draw it for the runs on the genome `at`; `choose` is called with another genome's number. */
export function drawHeader(data, runs, at, choose) {
    const reference = data.references[at];
    const names = runs.map(run => run.name);
    find("title").textContent = names.length > 4 ? `${names.length} runs` : names.join(", ");
    const count = runs.flatMap(run => run.items).filter(item => item.kind === "predicted").length;
    const bins = [...new Set(runs.map(run => run.bin))].join(" and ");
    const models = [...new Set(runs.map(run => run.model))];
    find("facts").textContent = [
        ...(models.length === 1 && models[0] ? [models[0]] : []),
        reference.name,
        `${formatBases(reference.bases)} in ${plural(reference.contigs, "contig")}`,
        `bins of ${bins} bp`,
        plural(count, "predicted track"),
    ].join(" · ");
    find("switch").hidden = data.references.length < 2;
    const options = data.references.map((each, i) => new Option(each.name, i));
    find("genome").replaceChildren(...options);
    find("genome").value = at;
    find("genome").onchange = event => choose(Number(event.target.value));
    const single = runs.length === 1;
    find("links").hidden = !single;
    find("files").hidden = single;
    const place = single ? find("links") : find("files").querySelector("div");
    place.replaceChildren(...runs.map(run => drawLinks(run, single)));
    drawLicence(runs.filter(run => run.licence), single);
}

function drawLicence(runs, single) {
    const place = find("licence");
    const terms = [...new Set(runs.map(run => run.licence))];
    const text = terms.join(" · ").replaceAll("\n", " ");
    place.hidden = terms.length === 0;
    place.querySelector("summary").textContent =
        `Licence of the weights: ${text.length > SHORT ? `${text.slice(0, SHORT)} …` : text}`;
    place.querySelector("div").replaceChildren(
        ...runs.map(run => make("p", single ? run.licence : `${run.name}: ${run.licence}`)),
    );
}

function drawLinks(run, single) {
    const group = make("p", "");
    if (!single) {
        group.append(make("b", run.name));
    }
    for (const {text, url} of run.links) {
        const link = make("a", text);
        link.href = url;
        group.append(link);
    }
    return group;
}

function plural(count, what) {
    return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function formatBases(bases) {
    const units = [[1e9, "Gb"], [1e6, "Mb"], [1e3, "kb"]];
    const [size, unit] = units.find(([each]) => bases >= each) ?? [1, "bp"];
    return `${Number((bases / size).toPrecision(3))} ${unit}`;
}
