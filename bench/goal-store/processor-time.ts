// Processor time of programs by the processes they are, read from /proc: what a request costs, whatever else the machine does meanwhile.
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of those of its children that have ended. */
  readonly seconds: number;
}

function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): readonly Process[] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
        return [{ pid: Number(name), parent: Number(fields[1]), seconds: ticks / ticksPerSecond }];
      } catch {
        return [];
      }
    });
}

/** The process whose command line names the folder: a server that works in it. */
export function processIn(folder: string): number {
  const found = processes().find(({ pid }) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no process works in ${folder}`);
  return found.pid;
}

/** Of a process and all that it has started, since they began, in seconds. */
export function processorSeconds(root: number): number {
  const all = processes();
  const below = (parent: number): number =>
    all.filter((one) => one.parent === parent).reduce((sum, { pid, seconds }) => sum + seconds + below(pid), 0);
  return (all.find(({ pid }) => pid === root)?.seconds ?? 0) + below(root);
}
