// Building and changing a page. What comes from the farm is set as text or as an attribute of a fixed name, never as markup.

export const place = id => document.getElementById(id);

const SVG = 'http://www.w3.org/2000/svg';

export function h(name, attributes, ...children) {
  const node = name === 'svg' || name === 'rect' ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

const keyOf = node => node.nodeType === 1 ? node.getAttribute('data-key') : null;

// Makes `old` look like `fresh`, touching only what differs.
export function morph(old, fresh) {
  if (old.nodeType === 3) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  // What a reader opened stays open.
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  fill(old, [...fresh.childNodes]);
}

// What is null is left out, as h() does.
export function fill(parent, fresh) {
  const keyed = new Map([...parent.childNodes].filter(keyOf).map(node => [keyOf(node), node]));
  let at = parent.firstChild;
  for (const node of fresh.filter(Boolean)) {
    const key = keyOf(node);
    const same = key ? keyed.get(key) : at && !keyOf(at) ? at : undefined;
    if (same && same.nodeName === node.nodeName) {
      if (same === at) at = at.nextSibling; else parent.insertBefore(same, at);
      morph(same, node);
    } else {
      parent.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
