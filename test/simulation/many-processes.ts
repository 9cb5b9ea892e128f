// A long range of seeds by several processes, in pieces: with progress, and a file by which a run that was cut off goes on where it was.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LongRun {
  readonly from: number;
  readonly seeds: number;
  /** Of each run; absent: as many as its seed says. */
  readonly stepCount: number | undefined;
  readonly processes: number;
  /** No new piece is begun once so many seeds broke. */
  readonly stopAt: number;
  /** A line for each piece that is done; absent: none is kept. */
  readonly resume: string | undefined;
}

/** What a process says of its piece, as main.ts prints it. */
interface Piece {
  readonly from: number;
  readonly seeds: number;
  readonly violations: readonly number[];
  readonly seconds: number;
}

interface Done extends Piece {
  readonly commit: string;
  readonly stepCount?: number | undefined;
}

/** The command that tells what happened in a run. */
export const howToSee = (seed: number, stepCount: number | undefined): string =>
  `npm run sim -- --seed ${seed}${stepCount === undefined ? '' : ` --steps ${stepCount}`} --explain`;

/** Large enough that what a process's first seeds cost more (half as much again, until all is compiled) is little, small enough that little is lost when a run is cut off. */
export const pieceSeeds = 6_000;

/** Pieces of a range, in order, but those that are done. */
export function piecesOf(
  from: number,
  seeds: number,
  done: ReadonlySet<number>,
): readonly Pick<Piece, 'from' | 'seeds'>[] {
  const count = Math.ceil(seeds / pieceSeeds);
  return Array.from({ length: count }, (_, index) => ({
    ...{ from: from + index * pieceSeeds, seeds: Math.min(pieceSeeds, seeds - index * pieceSeeds) },
  })).filter((piece) => !done.has(piece.from));
}

/** Gives the exit code. */
export async function runLong({ from, seeds, stepCount, processes, stopAt, resume }: LongRun): Promise<number> {
  const commit = commitNow();
  const before = resume === undefined ? [] : readDone(resume, { commit, stepCount });
  if (typeof before === 'string') {
    console.error(before);
    return 2;
  }
  const known = before.filter((one) => isWithin(one, from, seeds));
  const finished: Piece[] = [...known];
  const startedMs = performance.now();
  const broken = (): readonly number[] => finished.flatMap(({ violations }) => violations).sort((a, b) => a - b);
  const queue = piecesOf(from, seeds, new Set(known.map((one) => one.from))).values();
  let isWhole = true;
  const lane = async (): Promise<void> => {
    for (const piece of queue) {
      if (broken().length >= stopAt || !isWhole) return;
      const result = await runPiece(piece, stepCount);
      if (result === null) {
        isWhole = false;
        console.error(`the process of seeds ${piece.from} to ${piece.from + piece.seeds - 1} ended without a result`);
        return;
      }
      finished.push(result);
      if (resume !== undefined)
        appendFileSync(resume, `${JSON.stringify({ ...result, commit, stepCount } satisfies Done)}\n`);
      const count = sumOf(finished);
      const restMs = ((performance.now() - startedMs) / (count - sumOf(known))) * (seeds - count);
      console.error(
        `${count} of ${seeds} seeds, ${broken().length} broke; some ${Math.ceil(restMs / 60_000)} min left`,
      );
    }
  };
  await Promise.all(Array.from({ length: processes }, lane));
  const violations = broken();
  const count = sumOf(finished);
  for (const seed of violations) console.error(`  ${howToSee(seed, stepCount)}`);
  const ok = violations.length === 0 && count === seeds;
  const seconds = Math.round(finished.reduce((sum, one) => sum + one.seconds, 0));
  console.log(
    JSON.stringify({ seeds: count, of: seeds, from, stepCount, commit, violations, ok, processSeconds: seconds }),
  );
  return ok ? 0 : 1;
}

const sumOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { seeds }) => sum + seeds, 0);

const isWithin = (piece: Piece, from: number, seeds: number): boolean =>
  piece.from >= from && piece.from + piece.seeds <= from + seeds && (piece.from - from) % pieceSeeds === 0;

/** With a mark where the tree differs from it: what was run then is what nobody can run again. */
const commitNow = (): string =>
  execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12']).toString().trim();

/** A text: the file is of other runs, and what can be done about it. */
export function readDone(
  file: string,
  { commit, stepCount }: Pick<Done, 'commit' | 'stepCount'>,
): readonly Done[] | string {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as Done);
  const other = all.find((one) => one.commit !== commit || one.stepCount !== stepCount);
  if (other === undefined) return all;
  const [had, got] = [other.stepCount, stepCount].map((count) => count ?? 'their own numbers of');
  return other.commit === commit
    ? `${file} is of runs with ${had} steps, and these are of ${got}: take another file, or the same --steps`
    : `${file} is of commit ${other.commit}, and this is ${commit}: take another file, or go back to that commit`;
}

async function runPiece(
  { from, seeds }: Pick<Piece, 'from' | 'seeds'>,
  stepCount: number | undefined,
): Promise<Piece | null> {
  const main = join(import.meta.dirname, 'main.ts');
  const flags = [
    ...process.execArgv,
    main,
    '--from',
    String(from),
    '--seeds',
    String(seeds),
    '--stop-at',
    String(seeds),
    ...(stepCount === undefined ? [] : ['--steps', String(stepCount)]),
  ];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  // What broke is told at once; how far each of them is, is not.
  child.stderr.on('data', (bytes: Buffer) => {
    for (const line of bytes.toString().split('\n')) if (line.startsWith('seed ')) console.error(line);
  });
  await new Promise((resolve) => child.on('close', resolve));
  const last = output.trim().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as Piece) : null;
}
