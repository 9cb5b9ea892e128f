// What a setting made beside the declarations leaves in the events of its job or team.
import type { ConfigEntry, PlatformEvent } from '#core/ports/goal-store.ts';

export function configEvent(entry: ConfigEntry): PlatformEvent {
  const { tenant, scope, subject, key, value, author, reason, at, expiresAt } = entry;
  const why = reason === '' ? '' : `: ${reason}`;
  const until = expiresAt === null ? '' : ` until ${new Date(expiresAt).toISOString()}`;
  return {
    ...{ tenant, subject: `${scope}/${subject}`, at, severity: 'info' },
    reason: value === null ? 'ConfigCleared' : 'ConfigSet',
    message:
      value === null
        ? `${author} cleared ${key}${why}.`
        : `${author} set ${key} to ${typeof value === 'string' ? value : JSON.stringify(value)}${until}${why}.`,
    evidence: { key, value, ...(expiresAt === null ? {} : { expiresAt }) },
  };
}
