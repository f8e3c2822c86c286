// Whether a file can be read in parts, asked before the genome browser gets it: a file that is
// missing becomes one message here.

/** What is wrong with a file: "" if nothing, else "ranges", or a reason in words. */
export async function probe(url) {
    const stop = new AbortController();
    let answer;
    try {
        const headers = {Range: "bytes=0-0"};
        answer = await fetch(url, {headers, cache: "no-store", signal: stop.signal});
    } catch {
        return "cannot be read: the server does not answer (it may have been stopped)";
    }
    const {status} = answer;
    if (status === 206) {
        await answer.arrayBuffer();
        return "";
    }
    stop.abort();  // the answer may be the whole file
    if (status === 200) {
        return "ranges";
    }
    if (status === 404) {
        return "is missing: run the workflow again, which writes it again without a prediction";
    }
    return status === 416 ? "is empty" : `cannot be read: the server answered ${status}`;
}

/** Probe several files, a few at a time; return the reasons in their order. */
export async function probeAll(urls) {
    const reasons = new Array(urls.length);
    let next = 0;
    const work = async () => {
        while (next < urls.length) {
            const at = next++;
            reasons[at] = await probe(urls[at]);
        }
    };
    await Promise.all(Array.from({length: 6}, work));
    return reasons;
}
