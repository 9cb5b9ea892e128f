// The sizes of workers that the deployment made task definitions for, and which of them a request gets.
import { PlatformError } from '#core/errors.ts';

export interface WorkerSize {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly taskDefinitionArn: string;
}

/** The smallest that holds what is asked for; null where none does. `sizes` go from small to large. */
export function chooseSize(
  sizes: readonly WorkerSize[],
  wanted: { readonly cpu: number; readonly memoryMiB: number },
): WorkerSize | null {
  return sizes.find(({ cpu, memoryMiB }) => cpu >= wanted.cpu && memoryMiB >= wanted.memoryMiB) ?? null;
}

/** `0.25/512=arn:…,0.5/1024=arn:…`, as the deployment writes it. */
export function parseSizes(text: string): readonly WorkerSize[] {
  return text
    .split(',')
    .map((entry) => {
      const match = /^([\d.]+)\/(\d+)=(arn:.+)$/.exec(entry.trim());
      if (!match)
        throw new PlatformError(
          'setting-invalid',
          `got the worker size "${entry}", expected <vCPU>/<MiB>=<ARN of a task definition>`,
          { fault: 'user', retry: 'no-retry' },
        );
      return { cpu: Number(match[1]), memoryMiB: Number(match[2]), taskDefinitionArn: match[3]! };
    })
    .sort((a, b) => a.cpu - b.cpu || a.memoryMiB - b.memoryMiB);
}
