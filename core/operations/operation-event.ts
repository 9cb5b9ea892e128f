// What an operation leaves in its job's events: who asked for what and why, and what came of it, with the numbers.
import type { Operation, PlatformEvent } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';

const word = ({ kind }: Operation): string =>
  kind.charAt(0).toUpperCase() + kind.slice(1).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** `PauseRequested`, `RewindRequested`, … */
export const requestedEvent = (operation: Operation): PlatformEvent => ({
  tenant: operation.tenant,
  subject: `job/${operation.job}`,
  at: operation.requestedAt,
  severity: 'info',
  reason: `${word(operation)}Requested`,
  message: `${operation.author} asked for a ${operation.kind}${operation.reason === '' ? '' : `: ${operation.reason}`}.`,
  evidence: evidenceOf(operation, operation.plan),
});

const endings = { succeeded: 'Done', superseded: 'Superseded', failed: 'Failed' } as const;

/** `PauseDone`, `RewindFailed`, … */
export const endingEvent = (operation: Operation & { readonly state: keyof typeof endings }): PlatformEvent => ({
  tenant: operation.tenant,
  subject: `job/${operation.job}`,
  at: operation.finishedAt ?? operation.requestedAt,
  severity: operation.state === 'failed' ? 'warning' : 'info',
  reason: `${word(operation)}${endings[operation.state]}`,
  message: operation.outcome ?? '',
  evidence: evidenceOf(operation, operation.receipt),
});

// Plans and receipts are plain data; their types say more than Json can.
const evidenceOf = (operation: Operation, facts: object | undefined): Json =>
  ({ operation: operation.id, ...(facts ?? {}) }) as unknown as Json;
