// What hangs together: declarations that share a stream or a table, one by the other. What is declared elsewhere decides nothing about them.
import type { Document } from '#core/spec/document.ts';
import { sinkStreams } from '#core/spec/sinks/sink-spec.ts';

export const streamLink = (name: string): string => `stream/${name}`;

/** What a declaration stands on, or gives to: two that have one of these in common may decide about each other. */
export function linksOf(document: Document): readonly string[] {
  if (document.kind === 'Stream') return [streamLink(document.metadata.name)];
  const { from, sinks } = document.spec;
  const tables = sinks.flatMap((sink) => (sink.kind === 'warehouse' ? [`table/${sink.table}`] : []));
  return [...new Set([from, ...sinkStreams(sinks)].map(streamLink)), ...tables];
}

/** All keys that hang together with these links; `keysAt` gives the keys that have a link, `linksAt` the links of a key. */
export function componentOf(
  links: readonly string[],
  keysAt: (link: string) => ReadonlySet<string>,
  linksAt: (key: string) => readonly string[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set(links);
  const open = [...seen];
  for (let link = open.pop(); link !== undefined; link = open.pop())
    for (const key of keysAt(link)) {
      if (found.has(key)) continue;
      found.add(key);
      for (const next of linksAt(key)) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
  return found;
}
