// How the parts on the Java virtual machine are run.
import { join } from 'node:path';
import { type JarSet, jarsDir } from './jars.ts';

export type JavaOptions = {
  readonly jars: JarSet;
  readonly heapMiB: number;
  readonly properties?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Options of the virtual machine beside the usual ones. */
  readonly vm?: readonly string[];
} & (
  | { readonly main: string }
  /** One that names its own class path. */
  | { readonly jar: string }
);

export const javaCommand = (): string =>
  process.env['JAVA_HOME'] === undefined ? 'java' : join(process.env['JAVA_HOME'], 'bin', 'java');

/** The serial collector and one compiler tier: small and quick to start, for a broker that serves one laptop. */
export function javaArgs(options: JavaOptions): string[] {
  return [
    `-Xmx${options.heapMiB}m`,
    '-Xss512k',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
    ...(options.vm ?? []),
    ...Object.entries(options.properties ?? {}).map(([name, value]) => `-D${name}=${value}`),
    ...('jar' in options
      ? ['-jar', join(jarsDir(options.jars), options.jar)]
      : ['-cp', join(jarsDir(options.jars), '*'), options.main]),
    ...(options.args ?? []),
  ];
}

/** The few variables that a process needs to find its way; nothing else of ours is passed on. */
export function plainEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'JAVA_HOME'];
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
