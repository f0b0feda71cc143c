// Builds the few elements of the player's shadow tree without HTML strings, so that no text can
// become markup. Every view of this folder uses it.

export interface ElementParts {
  readonly className?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children?: readonly Node[];
}

export function createElement<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  parts: ElementParts = {},
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (parts.className !== undefined) element.className = parts.className;
  if (parts.text !== undefined) element.textContent = parts.text;
  for (const [key, value] of Object.entries(parts.attributes ?? {})) {
    element.setAttribute(key, value);
  }
  element.append(...(parts.children ?? []));
  return element;
}

/** A button that does not submit a page's form. */
export function createButton(
  className: string,
  text: string,
  onPress: () => void,
): HTMLButtonElement {
  const button = createElement('button', { className, text, attributes: { type: 'button' } });
  button.addEventListener('click', onPress);
  return button;
}
