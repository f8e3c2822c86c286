// The part of the address after '#': genome, locus and tracks, so that a view can be shared.

/** Read it: `locus` is {chr, start, end}, 0-based and half-open; what is absent is null. */
export function readAddress(hash) {
    const values = new Map();
    for (const part of hash.replace(/^#/, "").split("&")) {
        const [key, ...value] = part.split("=");
        values.set(key, value.join("="));
    }
    const tracks = values.get("tracks");
    return {
        genome: decode(values.get("genome")),
        locus: readLocus(decode(values.get("locus"))),
        tracks: tracks === undefined ? null : tracks.split(",").map(decode).filter(Boolean),
    };
}

/** Format it; `genome` is left out where there is only one. */
export function formatAddress({genome, locus, tracks}) {
    const parts = [];
    if (genome !== null) {
        parts.push(`genome=${encode(genome)}`);
    }
    if (locus) {
        parts.push(`locus=${encode(formatLocus(locus))}`);
    }
    parts.push(`tracks=${tracks.map(encode).join(",")}`);
    return `#${parts.join("&")}`;
}

/** A locus as the genome browser shows it: contig:first-last, counted from 1. */
export function formatLocus({chr, start, end}) {
    return `${chr}:${Math.floor(start) + 1}-${Math.ceil(end)}`;
}

/** Read such a locus; null where it is none. A contig may have colons in its name. */
export function readLocus(text) {
    const found = /^(.+):([\d,]+)-([\d,]+)$/.exec(text ?? "");
    if (!found) {
        return null;
    }
    const [start, end] = [found[2], found[3]].map(digits => Number(digits.replaceAll(",", "")));
    return start >= 1 && start <= end ? {chr: found[1], start: start - 1, end} : null;
}

function encode(text) {
    return encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%2F", "/");
}

function decode(text) {
    try {
        return text === undefined ? null : decodeURIComponent(text);
    } catch {
        return null;  // a damaged address: as if it were absent
    }
}
