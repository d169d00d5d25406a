/** The sum of each metric's series in an exposition. */
export function sumMetrics(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})?\s+(\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', value] = match;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

/** The metrics of a program, or an empty map where it does not answer. */
export async function fetchMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? sumMetrics(await answer.text()) : new Map();
  } catch {
    return new Map();
  }
}
