// Finds the elements that a page's script works with, typed, and fails loudly when the page and
// the script do not fit together.

/** @throws TypeError when the page has no such element */
export function pageElement<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`);
  return element;
}
