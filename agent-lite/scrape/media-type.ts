/**
 * The media type of a Content-Type header, in lower case, by the rules of Go's `mime.ParseMediaType`, with which Prometheus
 * decides whether a target's answer can be read. `undefined`: the header breaks them, be it only in a parameter.
 */
export function mediaType(contentType: string): string | undefined {
  const match = /^([^;]*)(.*)$/s.exec(contentType);
  const type = (match?.[1] ?? '').trim().toLowerCase();
  if (!/^[^/]*(\/[^/]*)?$/.test(type) || !type.split('/').every((part) => TOKEN.test(part))) return undefined;
  const names = new Map<string, string>();
  let rest = match?.[2] ?? '';
  while (rest.trim() !== '') {
    const parameter = PARAMETER.exec(rest);
    // A semicolon may stand at the end.
    if (parameter === null) return rest.trim() === ';' ? type : undefined;
    const name = (parameter[1] ?? '').toLowerCase();
    const value = parameter[2] ?? '';
    if (names.has(name) && names.get(name) !== value) return undefined;
    names.set(name, value);
    rest = rest.slice(parameter[0].length);
  }
  return type;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PARAMETER = /^\s*;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\\r\n]|\\[^\r\n])*")/;
