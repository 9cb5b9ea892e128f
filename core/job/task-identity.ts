// Which worker a task is, as the reconciler signed it, and what its credentials are narrowed to.
import type { JobGoal } from '#core/job/job-goal.ts';
import { glueDatabase, readJobId, sessionTags, telemetryGroup } from '#core/names.ts';
import type { SinkAuthSpec } from '#core/spec/sinks/auth.ts';

/**
 * What is signed. The goal is immutable and named by its content: it says which topics the job uses. An identity does not end;
 * a worker that is to get nothing more is denied by its name, which no other worker ever has (docs/operate/secrets.md).
 */
export interface TaskClaims {
  readonly job: string;
  readonly worker: string;
  /** Key of the job's goal in the bucket. */
  readonly goal: string;
}

/** One text for one set of claims: the same request signs the same bytes. */
export const claimsText = ({ job, worker, goal }: TaskClaims): string => JSON.stringify([job, worker, goal]);

/** The text that was signed, and its signature, as one word for an environment variable. */
export const encodeIdentity = (claims: TaskClaims, signature: string): string =>
  `${encodeURIComponent(claimsText(claims))}.${signature}`;

export interface PresentedIdentity {
  readonly claims: TaskClaims;
  /** Not verified yet. */
  readonly signature: string;
}

const signatureForm = /^[A-Za-z0-9_-]{20,200}$/;
const identityCharsMax = 2_000;

/** Null for what is no identity. The form proves nothing: the signature does. */
export function readIdentity(presented: unknown): PresentedIdentity | null {
  if (typeof presented !== 'string' || presented.length > identityCharsMax) return null;
  const dot = presented.lastIndexOf('.');
  const signature = presented.slice(dot + 1);
  if (dot < 1 || !signatureForm.test(signature)) return null;
  const parts = parseTexts(presented.slice(0, dot));
  if (parts?.length !== 3) return null;
  const [job, worker, goal] = parts as [string, string, string];
  const belongs = readJobId(job) !== null && worker.startsWith(`${job}/`) && goal.startsWith(`goals/${job}/`);
  return belongs ? { claims: { job, worker, goal }, signature } : null;
}

function parseTexts(encoded: string): readonly string[] | null {
  try {
    const parsed: unknown = JSON.parse(decodeURIComponent(encoded));
    return Array.isArray(parsed) && parsed.every((part) => typeof part === 'string') ? parsed : null;
  } catch {
    return null;
  }
}

/** The tags of the job's session. A sink that is no topic gets no tag, and with it no right to write to the broker but its dead letters. */
export function sessionTagsOf(goal: JobGoal): Readonly<Record<string, string>> {
  const sinkTopic = goal.sink.kind === 'stream' ? goal.sink.topic : null;
  const auth = 'auth' in goal.sink ? goal.sink.auth : null;
  return {
    [sessionTags.job]: goal.id,
    [sessionTags.source]: goal.source.topic,
    ...(sinkTopic === null ? {} : { [sessionTags.sink]: sinkTopic }),
    [sessionTags.deadLetter]: goal.deadLetterTopic,
    [sessionTags.group]: telemetryGroup(goal.tenant, goal.name),
    ...(goal.sink.kind === 'warehouse' ? tableTags(goal.tenant, goal.sink.table) : {}),
    ...secretTag('secret', goal.tenant, auth),
    ...secretTag('sourceSecret', goal.tenant, goal.source.format?.registry.auth),
    ...secretTag('sinkSecret', goal.tenant, goal.sink.kind === 'stream' ? goal.sink.format?.registry.auth : null),
  };
}

const tableTags = (tenant: string, table: string): Readonly<Record<string, string>> => ({
  [sessionTags.table]: `${tenant}/${table}`,
  [sessionTags.glueDatabase]: glueDatabase(tenant),
  [sessionTags.glueTable]: `${glueDatabase(tenant)}/${table}`,
});

const secretTag = (
  tag: 'secret' | 'sourceSecret' | 'sinkSecret',
  tenant: string,
  auth: SinkAuthSpec | null | undefined,
): Readonly<Record<string, string>> =>
  auth && 'secret' in auth ? { [sessionTags[tag]]: `${tenant}/${auth.secret}` } : {};
