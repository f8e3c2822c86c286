// Elements of the document, found and made.

export const find = id => document.getElementById(id);

/** An element with a text, and a class where one is given. */
export function make(tag, text, name = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) {
        element.className = name;
    }
    return element;
}
