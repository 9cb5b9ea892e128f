// The classes of a program on Java as its virtual machine laid them out once: the next start maps them instead of reading them from jars.
// (Application class-data sharing, JEP 350. Of Kafka's start it takes half, in time and in processor time, and 55 MiB of its memory.)
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheDir, type JarSet, jarsDir } from './jars.ts';
import { javaCommand } from './java.ts';

export interface ClassArchive {
  /** Of its path, which ends in its size: mapping one that was cut short would kill the virtual machine. */
  readonly prefix: string;
  /** Where a virtual machine leaves a new one when it ends, in a folder that is its own. */
  readonly made: string;
}

/** For these jars, where they lie, on this Java: on any other the virtual machine would not take it. */
export function classArchive(jars: JarSet, folder: string): ClassArchive {
  const java = javaFile();
  const of = [jarsDir(jars), java ?? '', java === null ? '' : String(statSync(java).mtimeMs)];
  const hash = createHash('sha256').update(of.join('\n')).digest('hex').slice(0, 12);
  return { prefix: join(cacheDir(), 'classes', `${jars}-${hash}-`), made: join(folder, `${jars}.jsa`) };
}

/** Null where there is none, or none that is whole. */
export function archivePath({ prefix }: ClassArchive): string | null {
  const folder = dirname(prefix);
  if (!existsSync(folder)) return null;
  const paths = readdirSync(folder).map((name) => join(folder, name));
  return paths.find((path) => path.startsWith(prefix) && path === `${prefix}${sizeOf(path)}.jsa`) ?? null;
}

/** Its sums are checked. One that is damaged or of another Java is left aside, and the start is as without it. */
export function archiveArgs(archive: ClassArchive): readonly string[] {
  const path = archivePath(archive);
  return path === null
    ? ['-Xlog:cds=error', `-XX:ArchiveClassesAtExit=${archive.made}`]
    : ['-XX:+VerifySharedSpaces', `-XX:SharedArchiveFile=${path}`];
}

/** Laying the classes out takes a few seconds of an end, once. */
export const stopWithinMsOf = (archive: ClassArchive, usual: number): number =>
  archivePath(archive) === null ? usual + 20_000 : usual;

/** After an orderly end: the archive that it left, if any, is there whole for all later starts. */
export function keepArchive(archive: ClassArchive): void {
  const { prefix, made } = archive;
  if (!existsSync(made)) return;
  if (archivePath(archive) === null) {
    mkdirSync(dirname(prefix), { recursive: true });
    const copy = `${prefix}${process.pid}.unfinished`;
    try {
      copyFileSync(made, copy);
      renameSync(copy, `${prefix}${sizeOf(made)}.jsa`);
    } finally {
      rmSync(copy, { force: true });
    }
  }
  rmSync(made, { force: true });
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function javaFile(): string | null {
  const command = javaCommand();
  const places = command === 'java' ? (process.env['PATH'] ?? '').split(delimiter) : [dirname(command)];
  const found = places.map((place) => join(place, 'java')).find((path) => existsSync(path));
  return found === undefined ? null : realpathSync(found);
}
