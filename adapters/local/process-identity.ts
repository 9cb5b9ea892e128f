// A process known by its id and its start: an id alone is given to another process after the first one has ended.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the system's own words; only ever compared for equality. */
  readonly startedAt: string;
}

const pollMs = 50;

/** The living process with this id, or null. A zombie has ended: only its parent has not asked yet. */
export function identify(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

export const isAlive = (identity: ProcessIdentity): boolean => identify(identity.pid)?.startedAt === identity.startedAt;

/** Sends a signal to the process group that the process leads, or to the process alone where it leads none. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  for (const target of [-identity.pid, identity.pid]) {
    try {
      process.kill(target, name);
      return;
    } catch {
      // No such group (or it ended meanwhile): the process itself is tried next.
    }
  }
}

/** Asks the process to end, waits, then kills its group. Returns whether it went without being killed. */
export async function end(identity: ProcessIdentity, name: NodeJS.Signals, withinMs: number): Promise<boolean> {
  signalOne(identity, name);
  if (await gone(identity, withinMs)) return true;
  signal(identity, 'SIGKILL');
  await gone(identity, 5_000);
  return false;
}

/** Waits for the end of a process that need not be our child. */
export async function gone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (isAlive(identity)) {
    if (performance.now() > until) return false;
    await sleep(pollMs);
  }
  return true;
}

export function signalOne(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

/** Field 22 of /proc/PID/stat, in ticks since boot, with the boot's id: the same tick may come again after a reboot. */
function startOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in parentheses and may hold anything; the fixed fields follow its last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${bootId()}:${fields[19]}`;
  } catch {
    return null;
  }
}

let knownBootId: string | undefined;
function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return knownBootId;
}

function startByPs(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state = 'Z', ...started] = line.split(/\s+/);
    return state.startsWith('Z') || started.length === 0 ? null : started.join(' ');
  } catch {
    return null;
  }
}

/** Resident memory of a process in bytes, or null where it is gone. */
export function residentBytes(pid: number): number | null {
  try {
    if (process.platform === 'linux') {
      const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      return kib === undefined ? null : Number(kib) * 1024;
    }
    const kib = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return kib === '' ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}
