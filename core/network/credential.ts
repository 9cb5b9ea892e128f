// How a worker shows who it is to a sink: the header, and the texts that must never be seen anywhere else.
import { PlatformError } from '#core/errors.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { AuthSpec } from '#core/spec/sinks/auth.ts';

export interface Credential {
  readonly header: string;
  readonly value: string;
  /** Takes the secret out of a text that somebody else wrote, such as an answer that repeats what it was sent. */
  redact(text: string): string;
}

const printable = /^[\x20-\x7e]+$/;

/** Throws where the secret is not there or cannot be sent. Read anew whenever the sink says that it does not know us. */
export async function readCredential(secrets: SecretStore, tenant: string, auth: AuthSpec): Promise<Credential> {
  const found = await secrets.read(tenant, auth.secret);
  const secret = found?.trim() ?? '';
  if (secret === '')
    throw wrong(`there is no secret ${JSON.stringify(auth.secret)}`, `set it: millrace secret set ${auth.secret}`);
  if (!printable.test(secret))
    throw wrong(`the secret ${JSON.stringify(auth.secret)} is not one line of printable ASCII`, 'set it anew');
  if (auth.scheme === 'basic' && !secret.includes(':'))
    throw wrong(`the secret ${JSON.stringify(auth.secret)} has no colon`, 'for scheme basic set it as user:password');
  const [header, value] = headerOf(auth, secret);
  const sensitive = [value, value.slice(value.indexOf(' ') + 1), secret, secret.slice(secret.indexOf(':') + 1)];
  return { header, value, redact: hiding(sensitive) };
}

/** Takes these out of a text, the longest first, however they are written there: as they are, as JSON does, or as an address does. */
export function hiding(sensitive: readonly string[]): (text: string) => string {
  const written = sensitive.flatMap((part) => {
    const escaped = JSON.stringify(part).slice(1, -1);
    return [part, escaped, escaped.replaceAll('/', '\\/'), encodeURIComponent(part)];
  });
  const hidden = [...new Set(written)].filter((text) => text.length >= 4).sort((a, b) => b.length - a.length);
  // What contains another need not be looked for where that is not found: answers are long, and hold none as a rule.
  const probes = hidden.filter((part) => !hidden.some((other) => other !== part && part.includes(other)));
  return (text) =>
    probes.some((part) => text.includes(part))
      ? hidden.reduce((seen, part) => seen.replaceAll(part, '***'), text)
      : text;
}

function headerOf(auth: AuthSpec, secret: string): readonly [string, string] {
  switch (auth.scheme) {
    case 'basic':
      return ['authorization', `Basic ${Buffer.from(secret).toString('base64')}`];
    case 'bearer':
      return ['authorization', `Bearer ${secret}`];
    case 'api-key':
      return ['authorization', `ApiKey ${secret}`];
    case 'header':
      return [auth.header, secret];
  }
}

const wrong = (what: string, fix: string): PlatformError =>
  new PlatformError('sink-secret-missing', `${what}; ${fix}`, { fault: 'user', retry: 'retry' });
