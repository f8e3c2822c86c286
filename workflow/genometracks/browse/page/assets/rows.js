// Rows of the list of tracks: a track, or a group of them.

import {make} from "./elements.js";

export const ROW = 28;  // height, as in page.css
const NOTES = {observed: "observed", genes: "genes", sites: "sites", regions: "regions"};

/**
 * Draw a row.
 *
 * @param row    {item} of a track, or {name, members} of a group
 * @param state  where it is (`at`, `of` how many), whether it is `active` or `closed`, and functions
 *               isShown(item) and colourOf(item)
 */
export function drawRow({item, name, members}, {at, of, active, closed, isShown, colourOf}) {
    const row = make("div", "", item ? `row ${item.kind}` : "row head");
    row.id = `row-${at}`;
    row.classList.toggle("active", active);
    row.classList.toggle("below", Boolean(item?.parent));
    row.style.top = `${at * ROW}px`;
    row.dataset.at = at;
    row.setAttribute("role", "option");
    row.setAttribute("aria-posinset", at + 1);
    row.setAttribute("aria-setsize", of);
    const shown = (members ?? [item]).filter(isShown).length;
    const all = shown === (members ?? [item]).length;
    row.setAttribute("aria-selected", all);
    const label = item ? (item.parent || !item.feature ? item.name : item.title) : name;
    row.title = item?.row.get("description") || label;
    if (!item) {
        row.append(make("span", closed ? "▸" : "▾", "fold"));
        row.setAttribute("aria-expanded", !closed);
    }
    row.append(make("span", all ? "✓" : shown ? "–" : "", "box"));
    if (item) {
        const swatch = make("span", "", "swatch");
        swatch.style.background = colourOf(item);
        row.append(swatch);
    }
    row.append(make("span", label, "label"));
    row.append(make("span", item ? NOTES[item.kind] ?? "" : `${shown}/${members.length}`, "note"));
    return row;
}
