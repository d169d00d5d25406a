/** An element of the page that must be there. Throws where index.html and the script do not fit each other. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html: expected ${type.name} with id ${id}`);
  return found;
}

/** Text only, never HTML: labels and errors come from elsewhere. */
export function span(text: string, className = ''): HTMLSpanElement {
  const made = document.createElement('span');
  made.textContent = text;
  made.className = className;
  return made;
}

export function item(...content: readonly Node[]): HTMLLIElement {
  const made = document.createElement('li');
  made.append(...content);
  return made;
}

export type Fact = readonly [name: string, value: string, className?: string];

/** Shows facts as a list of terms. `id` of a value: the name in lower case, with hyphens, behind the list's. */
export function showFacts(list: HTMLElement, facts: readonly Fact[]): void {
  list.replaceChildren(
    ...facts.flatMap(([name, value, className = '']) => {
      const term = document.createElement('dt');
      term.textContent = name;
      const detail = document.createElement('dd');
      detail.id = `${list.id}-${name.toLowerCase().replaceAll(' ', '-')}`;
      detail.textContent = value;
      detail.className = className;
      return [term, detail];
    }),
  );
}
