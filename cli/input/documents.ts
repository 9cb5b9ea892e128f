// Declarations from files, folders and stdin: several documents a file, YAML or JSON, each with its place in the file.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LineCounter, parseAllDocuments, type YAMLParseError, type Document as YamlDocument } from 'yaml';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { locateProblem, positionAt, type SourcePosition, type SourceTree } from '#cli/input/source-position.ts';
import { formatProblem } from '#cli/print/problems.ts';
import { messageOf } from '#core/errors.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

const fileBytesMax = 16 * 1024 * 1024;
const fileNames = /\.(ya?ml|json)$/i;

export interface SourceDocument {
  readonly file: string;
  readonly json: unknown;
  /** As far as they can be read; the API says what is wrong with them. */
  readonly kind: string;
  readonly name: string;
  readonly locate: (problem: SpecProblem) => SourcePosition;
}

/** `Route plays`, or what is there of it. */
export const titleOf = (document: Pick<SourceDocument, 'kind' | 'name'>): string =>
  `${document.kind} ${document.name}`.trim();

/** All documents of all `paths`, in the order given; `-` is stdin; of a folder, its .yaml, .yml and .json files by name. */
export async function loadDocuments(paths: readonly string[]): Promise<readonly SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for (const path of paths)
    for (const file of await filesOf(path)) documents.push(...readDocuments(file, await readText(file)));
  if (documents.length === 0)
    throw new CommandError(exitCodes.usage, `${paths.join(', ')}: got no documents, expected at least one declaration`);
  refuseTwins(documents);
  return documents;
}

/** A pipeline's two halves may declare it twice by mistake; which one should win, only their author knows. */
function refuseTwins(documents: readonly SourceDocument[]): void {
  const seen = new Map<string, SourceDocument>();
  for (const document of documents) {
    if (document.kind === '' || document.name === '') continue;
    const twin = seen.get(titleOf(document));
    if (twin)
      throw new CommandError(
        exitCodes.usage,
        `${titleOf(document)} is declared twice: in ${twin.file} and in ${document.file}`,
        {
          fix: 'remove one of the two',
        },
      );
    seen.set(titleOf(document), document);
  }
}

async function filesOf(path: string): Promise<readonly string[]> {
  if (path === '-') return ['-'];
  const found = await stat(path).catch((error: unknown) => refuseFile(path, error));
  if (!found.isDirectory()) {
    if (found.size > fileBytesMax)
      throw new CommandError(exitCodes.usage, `-f ${path}: got ${found.size} bytes, expected at most ${fileBytesMax}`);
    return [path];
  }
  const names = (await readdir(path).catch((error: unknown) => refuseFile(path, error)))
    .filter((name) => fileNames.test(basename(name)))
    .sort();
  if (names.length === 0)
    throw new CommandError(exitCodes.usage, `-f ${path}: this folder has no .yaml, .yml or .json file`);
  return names.map((name) => join(path, name));
}

function refuseFile(path: string, error: unknown): never {
  throw new CommandError(exitCodes.usage, `-f ${path}: ${messageOf(error)}`, {
    fix: 'name a file, a folder, or - for stdin',
  });
}

async function readText(file: string): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8').catch((error: unknown) => refuseFile(file, error));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > fileBytesMax)
      throw new CommandError(exitCodes.usage, `stdin: got more than ${fileBytesMax} bytes of declarations`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON is YAML too, so one parser gives positions for both. */
export function readDocuments(file: string, text: string): readonly SourceDocument[] {
  const shownFile = file === '-' ? 'stdin' : file;
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const found = Array.isArray(parsed) ? parsed : [];
  const errors = found.flatMap((document) => document.errors);
  if (errors.length > 0) throw notYaml({ file: shownFile, text, lines }, errors);
  return found.flatMap((document) => {
    const tree = { file: shownFile, text, lines, contents: document.contents };
    const json = tree.contents === null ? null : toJson(tree, document);
    return json === null ? [] : [toSource(tree, json)];
  });
}

function notYaml(source: Pick<SourceTree, 'file' | 'text' | 'lines'>, errors: readonly YAMLParseError[]): CommandError {
  const details = errors
    .slice(0, 5)
    .map((error) => formatProblem({ path: '', message: error.message }, positionAt(source, error.pos[0])));
  return new CommandError(exitCodes.failure, `${source.file} is no valid YAML`, { details });
}

function toSource(tree: SourceTree, json: unknown): SourceDocument {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  const metadata = (
    typeof fields['metadata'] === 'object' && fields['metadata'] !== null ? fields['metadata'] : {}
  ) as Record<string, unknown>;
  return {
    file: tree.file,
    json,
    kind: typeof fields['kind'] === 'string' ? fields['kind'] : '',
    name: typeof metadata['name'] === 'string' ? metadata['name'] : '',
    locate: (problem) => locateProblem(tree, problem),
  };
}

/** Aliases are expanded here, at most a hundred, so that no small file becomes a huge declaration. */
function toJson(tree: SourceTree, document: YamlDocument.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new CommandError(exitCodes.failure, `${tree.file}: ${messageOf(error)}`, {
      fix: 'write it out without so many aliases',
    });
  }
}
