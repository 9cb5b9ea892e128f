// How a request shows who sends it: by a secret in a header, or by a signature of the worker's role.
import { hiding, readCredential } from '#core/network/credential.ts';
import type { RequestSigner, SignableRequest } from '#core/ports/request-signer.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { AwsAuthSpec, SinkAuthSpec } from '#core/spec/sinks/auth.ts';

export interface Proof {
  /** To be added to a request. Throws while they cannot be had. */
  headersFor(request: SignableRequest): Promise<Readonly<Record<string, string>>>;
  /** Takes what is secret out of a text that somebody else wrote, such as an answer that repeats what it was sent. */
  redact(text: string): string;
}

export interface ProofParts {
  readonly secrets: SecretStore;
  readonly signer: RequestSigner;
  readonly tenant: string;
}

/** Throws where a secret is missing or cannot be sent. Asked for anew whenever the sink says that it does not know us. */
export async function readProof(auth: SinkAuthSpec, parts: ProofParts): Promise<Proof> {
  if (auth.scheme === 'aws') return bySignature(auth, parts.signer);
  const { header, value, redact } = await readCredential(parts.secrets, parts.tenant, auth);
  return { headersFor: async () => ({ [header]: value }), redact };
}

/** The role's keys are the signer's; what an answer may repeat is the token that goes with them, and the signature. */
function bySignature(auth: AwsAuthSpec, signer: RequestSigner): Proof {
  const sent = new Set<string>();
  return {
    headersFor: async (request) => {
      const headers = await signer.sign(request, auth);
      for (const name of ['x-amz-security-token', 'authorization']) remember(sent, headers[name]);
      return headers;
    },
    // Neither is short: a text that holds one is rare, and looked through only then.
    redact: (text) => (mayShow(text, sent) ? hiding([...sent])(text) : text),
  };
}

const mayShow = (text: string, sent: ReadonlySet<string>): boolean =>
  text.includes('AWS4-HMAC-SHA256') || [...sent].some((part) => !part.startsWith('AWS4-') && showsPart(text, part));

/** A token is base64, whose slashes JSON may escape and an address does: it shows by its first characters without one. */
const showsPart = (text: string, part: string): boolean => text.includes(part.slice(0, 16).split(/[/+=]/, 1)[0]!);

/** Of the requests whose answers may still come. */
const rememberedMax = 64;

function remember(sent: Set<string>, text: string | undefined): void {
  if (text === undefined) return;
  sent.delete(text);
  sent.add(text);
  if (sent.size > rememberedMax) sent.delete(sent.values().next().value!);
}
