// Did you mean …? The known names nearest to one that was typed.

/** Edit distance with neighbour swaps (Damerau, restricted): what typing mistakes are made of. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** At most three names within a third of the typed length (at least two edits), nearest first. */
export function nearestNames(typed: string, known: readonly string[]): readonly string[] {
  const reach = Math.max(2, Math.floor(typed.length / 3));
  const short = typed.slice(0, 64).toLowerCase();
  return known
    .map((name) => ({ name, distance: editDistance(short, name.slice(0, 64).toLowerCase()) }))
    .filter((candidate) => candidate.distance <= reach)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map((candidate) => candidate.name);
}

/** ` (did you mean "x" or "y"?)`, or nothing. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const names = nearestNames(typed, known);
  return names.length === 0 ? '' : ` (did you mean ${names.map((name) => JSON.stringify(name)).join(' or ')}?)`;
}
