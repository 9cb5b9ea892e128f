// A field named by its path: `device.serial`, names exactly as they are in the events; a name with a dot in it is quoted.
import { ok, type Result, refuse } from '#core/result.ts';

const stepPattern = /^(?:"((?:[^"]|"")+)"|([^".[\]]+))(?:\.(?=.)|$)/;

export function parseFieldPath(text: string): Result<readonly string[], string> {
  const steps: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const match = stepPattern.exec(rest);
    if (match === null) return refuse(`got ${JSON.stringify(text)}, expected a field's path such as device.os`);
    steps.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    rest = rest.slice(match[0].length);
  }
  return steps.length === 0 ? refuse('got an empty path, expected the name of a field') : ok(steps);
}

export const formatFieldPath = (path: readonly string[]): string =>
  path.map((name) => (/^[^".[\]]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join('.');
